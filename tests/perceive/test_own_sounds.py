"""Our own loudspeaker is no doorbell; a smoke alarm is one, whoever speaks."""

import numpy as np
from ears import FakeTagger, room, silence, started, table

from listener.perceive.own_sounds import COOL_DOWN_SECONDS, OWN_SOUNDS, OwnSounds
from listener.types import OwnVoice
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS

SETTING = {"on": 0.5, "off": 0.3, "windows": 1, "of": 1, "hold_seconds": 0.8}
TABLE = table(tuning=dict.fromkeys(("doorbell", "scream"), SETTING))


def test_they_are_sounds_and_none_is_urgent() -> None:
    assert set(OWN_SOUNDS) <= set(SOUND_LABELS)
    assert not set(OWN_SOUNDS) & set(URGENT_LABELS)


def test_while_we_speak_and_a_moment_after() -> None:
    own, scores = OwnSounds(("doorbell", "scream")), np.array([0.9, 0.8], np.float32)
    assert own.without(0.4, scores).tolist() == scores.tolist()
    own.begin()
    assert own.without(0.8, scores).tolist() == [0.0, scores[1]]
    own.end(2.0)
    assert own.without(2.0 + COOL_DOWN_SECONDS, scores)[0] == 0.0
    assert own.without(2.4 + COOL_DOWN_SECONDS, scores)[0] == scores[0]
    assert scores[0] > 0.8, "the tagger's own scores are left alone"


def test_a_room_leaves_out_what_it_plays_and_hears_the_rest() -> None:
    ears, tagger = room(TABLE), FakeTagger(*[{"Doorbell": 0.9, "Screaming": 0.9}] * 12)
    ears.apply(OwnVoice(""))
    spoken = [ears.perceive(silence(n), tagger) for n in range(4)]
    ears.apply(OwnVoice(None))
    after = [ears.perceive(silence(n), tagger) for n in range(4, 12)]
    assert started(spoken) == ["scream"]
    assert started(after) == ["doorbell"]
