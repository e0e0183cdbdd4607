"""Builds what learns, out of the configuration."""

from collections.abc import Callable, Mapping
from pathlib import Path

from listener.app.commands import Attention
from listener.app.school import School
from listener.app.taught import AUDIO_FOLDER, FILE, Taught
from listener.config import Config
from listener.publish.mqtt import MqttPublisher
from listener.store.taught import TaughtStore
from listener.store.taught_audio import TaughtAudio
from listener.types import Control, Report, Say
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS

NO_EARS = "nothing can be taught with `sounds.tagger: none`: choose another tagger (`auto` is the default)"


def open_taught(config: Config, state_folder: Path, *, owner: bool = True) -> Taught:
    """What this state folder holds of it. Reads the disk; what cannot be read is set aside and logged by its `owner`,
    who holds the folder's lock, and is an error for who only looks (StoreError)."""
    urgent = () if config.sounds.learn_urgent else (*URGENT_LABELS, *config.respond.urgent)
    labels = (*SOUND_LABELS, *config.sounds.custom)
    store, audio = TaughtStore(state_folder / FILE, owner=owner), TaughtAudio(state_folder / AUDIO_FOLDER)
    unable = NO_EARS if config.sounds.tagger == "none" else ""
    return Taught(store, audio, labels, urgent, keep_audio=config.sounds.keep_taught_audio, unable=unable)


def build_school(
    config: Config,
    state_folder: Path,
    attention: Attention,
    tell: Callable[[Report], None],
    mqtt: MqttPublisher | None,
    apply: Callable[[str, Control], None],
) -> School:
    """The daemon's. Lessons are spoken in rooms that have a voice, in their language."""

    def announce(names: Mapping[str, Mapping[str, str]]) -> None:
        if mqtt is not None:
            mqtt.teach(names)

    def say(slug: str, key: str, places: Mapping[str, str]) -> None:
        speaks = config.voice.engine != "none" and any(room.output for room in config.rooms if room.slug == slug)
        if speaks and slug in attention.answers:
            apply(slug, Say(attention.answers[slug].say(key, **places)))

    return School(open_taught(config, state_folder), tell, announce, say)
