"""Embeddings of recordings that taught sounds must be told from: some of each, and not two hundred of one label."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from training.character import Character
from training.heard_recordings import MOST_OF_A_LABEL, farthest, heard_recordings

WIDTH, CLIPS, CHUNKS = 16, 40, 3


def write_part(out: Path, part: int, labels: list[str]) -> np.ndarray:
    """Each recording from four places, over two noises each; what it is like stays the same. Returns that."""
    rng = np.random.default_rng(part)
    n = np.arange(CLIPS * 8 * CHUNKS)
    what = np.column_stack([n // (8 * CHUNKS), n // (2 * CHUNKS) % 4, n % CHUNKS]).astype(np.int32)
    clips = rng.standard_normal((CLIPS, WIDTH))
    np.save(out / f"again-{part}-features.npy", clips[what[:, 0]].astype(np.float16))
    np.save(out / f"again-{part}-what.npy", what)
    np.save(out / f"again-{part}-labels.npy", np.array(labels))
    return clips


def test_some_of_each_recording_of_these_parts_and_of_a_label_no_more_than_enough(tmp_path: Path) -> None:
    like = Character(np.eye(WIDTH, dtype=np.float32), np.zeros(WIDTH, np.float32))
    clips = [write_part(tmp_path, part, ["speech"] * 30 + ["door"] * 2 + [""] * 8) for part in range(3)]
    one = heard_recordings(tmp_path, [1], like)
    both = heard_recordings(tmp_path, [1, 2], like)
    assert [one.labels.count(label) for label in ("speech", "door", "")] == [MOST_OF_A_LABEL, 2, 8]
    assert set(one.numbers) == {4}
    assert (len(one.vectors), len(both.vectors)) == (4 * len(one.labels), 8 * len(one.labels))
    np.testing.assert_array_equal(both.vectors[: len(one.vectors)], one.vectors)
    unlabelled = one.vectors[-4].astype(np.float64)
    assert np.corrcoef(unlabelled, clips[1][-1])[0, 1] > 0.999


def test_the_farthest_points_are_chosen() -> None:
    rng = np.random.default_rng(0)
    near = np.eye(1, 8) + 0.01 * rng.standard_normal((20, 8))
    points = np.concatenate([near, np.eye(8)[3:5]]).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    assert {20, 21} < set(farthest(points, 3).tolist())
    assert len(set(farthest(points, 12).tolist())) == 12
    assert farthest(points, 30).tolist() == list(range(22))
