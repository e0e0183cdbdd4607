"""A short sound from recordings that are all cut alike is known wherever it falls into its chunk."""

from functools import cache

import numpy as np
from taught_scene import in_the_room

from listener.bench.synthesis import Note, silence, struck
from listener.perceive.sounds.common_sounds import load_common
from listener.perceive.sounds.embeddings import Embedder, SenseStream
from listener.perceive.sounds.lesson import takes_in
from listener.perceive.sounds.offsets import OFFSETS_SECONDS, at_offsets
from listener.perceive.sounds.prototypes import prototype
from listener.perceive.sounds.taught import points_of
from listener.types import CHUNK_SAMPLES, Chunk, Samples
from listener.types.taught import Take


@cache
def embedder() -> Embedder:
    return Embedder()


def clink(seed: int, lead_seconds: float = 1.6) -> Samples:
    """A glass that is struck once, a third of a second."""
    rng = np.random.default_rng(seed)
    pitch = float(rng.uniform(0.997, 1.003))
    sound = struck(0.3, [Note(0.0, 2_350.0 * pitch, 0.9), Note(0.02, 3_910.0 * pitch, 0.5)])
    return in_the_room(np.concatenate([silence(lead_seconds), 0.3 * sound, silence(2.5)]), seed)


def chunks(sound: Samples, first: int = 0) -> list[Chunk]:
    padded = np.pad(sound, (0, -len(sound) % CHUNK_SAMPLES))
    return [Chunk(part, first + index) for index, part in enumerate(padded.reshape(-1, CHUNK_SAMPLES))]


def taught(heard: list[Chunk]) -> Take:
    stream = SenseStream(embedder())
    (take,), _, messages = takes_in([stream.sense(chunk) for chunk in heard])
    assert messages == []
    return take


def test_a_take_is_heard_as_it_falls_into_its_chunks_otherwise() -> None:
    take = taught(heard := chunks(clink(1)))
    more = at_offsets(take, heard, embedder())
    added = more.embeddings[len(take.embeddings) :]
    assert more.embeddings[: len(take.embeddings)] == take.embeddings
    assert len(OFFSETS_SECONDS) <= len(added) <= 3 * len(OFFSETS_SECONDS)
    assert len({one.vector for one in more.embeddings}) == len(more.embeddings)
    assert (more.start, more.end, more.seconds) == (take.start, take.end, take.seconds)


def test_it_is_the_same_wherever_in_the_stream_the_take_is() -> None:
    early, late = chunks(clink(2)), chunks(clink(2), first=50)
    moved = Take((), 0.3, -20.0, start=1.6 + 20.0, end=1.9 + 20.0)
    here = Take((), 0.3, -20.0, start=1.6, end=1.9)
    assert at_offsets(moved, late, embedder()).embeddings == at_offsets(here, early, embedder()).embeddings


def test_a_sound_at_the_very_beginning_has_its_offsets_too() -> None:
    heard = chunks(clink(3, lead_seconds=0.0))
    assert len(at_offsets(Take((), 0.3, -20.0, start=0.0, end=0.3), heard, embedder()).embeddings) >= 3


def test_wherever_a_short_sound_falls_an_example_is_near() -> None:
    common = load_common()
    alike = [taught(chunks(clink(seed))) for seed in range(5)]
    everywhere = [at_offsets(take, chunks(clink(seed)), embedder()) for seed, take in enumerate(alike)]
    elsewhere = [taught(chunks(clink(20 + n, lead_seconds=1.6 + 0.05 * n))) for n in range(1, 8)]

    def nearest(takes: list[Take]) -> np.ndarray:
        """Of each chunk elsewhere, its cosine to the nearest example."""
        examples = points_of([one for take in takes for one in take.embeddings], common)
        return (points_of([one for take in elsewhere for one in take.embeddings], common) @ examples.T).max(axis=1)

    assert nearest(everywhere).min() > nearest(alike).min() + 0.1


def test_all_offsets_of_a_take_are_left_out_together() -> None:
    common = load_common()
    takes = [at_offsets(taught(heard := chunks(clink(seed))), heard, embedder()) for seed in range(5)]
    made = prototype([points_of(take.embeddings, common) for take in takes], common.others[:0], common)
    assert len(made.left_out) == 5
    assert min(made.left_out) > 0.5
