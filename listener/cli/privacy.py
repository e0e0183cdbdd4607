"""`listener privacy`: what is kept, where and for how long, and who is told what."""

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from listener.cli.common import add_config_option, load_config
from listener.config import ClipsConfig, Config, RoomConfig

KINDS = (
    (r"settings\.json", "what people set by hand: mute, strictness, threshold, mode", "until it is set again"),
    (r"muted-hours\.json", "when the muted hours last closed and opened each room", "until the next time"),
    (r"outbox\.sqlite.*", "events that the broker has not acknowledged, with the text of answers", "{outbox}"),
    (
        r"taught\.json",
        "what taught sounds, corrections and the last 200 sounds were like, and a sample of the everyday life of rooms "
        "that were taught something, as numbers; no sound",
        "sounds: until forgotten; others: seven days; the sample: until nothing is taught there",
    ),
    (r"day\.json", "how often each sound was heard in each room today", "until the next day's summary"),
    (r"timers.*", "timers and reminders, with their names", "until they have rung"),
    (r"daemon\.pid", "the number of the running process", "while it runs"),
    (r".*\.broken-.*", "a file of ours that could not be read, set aside", "until you delete it"),
)
"""Files of the state folder: pattern, what is in it, for how long."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("privacy", help="print what is kept, where and for how long, and who is told what")
    add_config_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from listener.store.settings import state_folder

    config = load_config(args.config)
    folder = state_folder()
    for title, lines in (
        ("Who listens", listening(config)),
        ("Sound on disk", (*sound(config.privacy.clips, folder), *taught(config, folder))),
        (f"Other files in {folder}", state(config, folder)),
        ("Who is told", told(config)),
    ):
        print(f"{title}")
        for line in lines:
            print(f"  {line}")
    return 0


def listening(config: Config) -> Iterator[str]:
    for room in config.rooms:
        hours = config.privacy.muted_hours if room.muted_hours is None else room.muted_hours
        muted = f"closed {', '.join(hours)}" if hours else "at all hours, unless somebody mutes it"
        yield f"{room.name}: {_source(room)}; {muted}"


def _source(room: RoomConfig) -> str:
    if room.source.type == "microphone":
        return f"microphone {room.source.device or '(the default one)'}"
    return {"file": "a recording", "pipe": "stdin"}.get(room.source.type, room.source.type)


def sound(clips: ClipsConfig, folder: Path) -> Iterator[str]:
    """What of the sound is on disk. Clips of an earlier configuration are told as well: nobody deletes them now."""
    from listener.store.clip_folder import kept_clips

    place = clips.folder or folder / "clips"
    try:
        kept = kept_clips(place)
    except OSError as error:
        kept = []
        yield f"{place}: cannot be looked into: {error.strerror}"
    if clips.labels:
        yield f"clips of {', '.join(clips.labels)} in {place}; never with a voice in them, as far as we can hear"
        yield f"for {clips.keep_days:g} days, {clips.keep_mb:g} MB at most"
    else:
        yield "none: no clips are configured, and what is heard is forgotten after a second"
    if kept:
        size = sum(clip.size_bytes for clip in kept) / 1e6
        stays = "" if clips.labels else "; they stay until you delete them"
        yield f"there are {len(kept)} clips now, {size:.1f} MB{stays}"


def taught(config: Config, folder: Path) -> Iterator[str]:
    """Recordings of taught sounds: those that are kept now, and those that an earlier configuration has left."""
    from listener.app.taught import AUDIO_FOLDER

    kept = [path for path in (folder / AUDIO_FOLDER).glob("*.wav") if path.is_file()]
    if config.sounds.keep_taught_audio:
        yield f"recordings of taught sounds in {folder / AUDIO_FOLDER}, until the sound is forgotten"
    if kept:
        yield f"there are {len(kept)} of taught sounds now (`listener teach --forget` deletes them)"


def state(config: Config, folder: Path) -> Iterator[str]:
    outbox = config.outbox
    hours = f"until then; {outbox.max_age_hours:g} h at most, urgent ones {outbox.max_urgent_age_hours:g} h"
    for path in _files(folder):
        what, how_long = kind_of(path.name)
        size = path.lstat().st_size
        yield f"{path.name}, {size} bytes: {what}; {how_long.format(outbox=hours)}"
    if not config.outbox.durable:
        yield "the outbox is in memory only"


def kind_of(name: str) -> tuple[str, str]:
    for pattern, what, how_long in KINDS:
        if re.fullmatch(pattern, name):
            return what, how_long
    return "not a file of this release", "until you delete it"


def _files(folder: Path) -> Iterable[Path]:
    """Beside models and clips, which are folders."""
    try:
        return sorted(path for path in folder.iterdir() if not path.is_dir())
    except OSError:
        return ()


NO_WORDS = "and nothing of what people said that was not a command"


def told(config: Config) -> Iterator[str]:
    mqtt = config.mqtt
    if mqtt is None:
        yield "no MQTT broker"
    else:
        where = f"{mqtt.host}:{mqtt.effective_port}"
        secure = "with TLS" if mqtt.tls else "without TLS"
        yield f"MQTT broker {where}, {secure}: sounds, levels, states, commands understood, answers; no sound,"
        words = "and every word that is understood (mqtt.transcripts)" if mqtt.transcripts else NO_WORDS
        yield f"  {words}. States stay there until they change"
    if config.home_assistant is not None and config.commands.act == "home_assistant":
        more = ", and what we did not understand" if config.home_assistant.pass_unrecognized else ""
        yield f"Home Assistant, {config.home_assistant.url}: the words of each command{more}"
    if config.metrics is not None:
        yield f"whoever reaches http://{config.metrics.host}:{config.metrics.port}/metrics: counts of what was heard"
    yield "the log: which sound began and ended when, verdicts on commands; no words. As long as the journal keeps it"
    yield "nobody else: this program sends nothing beyond these, and downloads models only when told to"
