"""The picture of a recording: what is kept for it, and that it is drawn whatever was heard."""

from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import matplotlib.image
import numpy as np
import pytest
from fakes import FakeSource

from listener.bench.synthesis import tone
from listener.cli.plot import MEL_BANDS, TRACKS, Picture, WatchedSource, mel_matrix
from listener.errors import PublishError
from listener.perceive.spectrum import BIN_HZ
from listener.types import (
    CHUNK_SAMPLES,
    Decision,
    Hearing,
    HearingReport,
    ResponseStarted,
    SoundEnded,
    SoundStarted,
)
from listener.vocabulary import SOUND_LABELS

STAMP = {"room": "room", "t": 0.8}


def pixels(picture: Picture, folder: Path) -> "np.typing.NDArray[np.float32]":
    picture.save(folder / "out.png")
    return cast(Any, matplotlib.image.imread(folder / "out.png"))


def with_sound(chunks: int = 5) -> Picture:
    picture = Picture("kitchen.wav")
    for samples in tone(0.4 * chunks, 1_000.0).reshape(-1, CHUNK_SAMPLES):
        picture.see(samples)
    return picture


def full() -> Picture:
    picture = with_sound()
    picture.publish(Decision(**STAMP, decision="respond", probability=0.9, engine="cascade", trigger="sound"))
    picture.publish(SoundStarted(**STAMP, id="e", label="dog_bark", score=0.8, onset=0.4, group="g"))
    picture.publish(SoundEnded(**STAMP, id="e", label="dog_bark", score=0.8, onset=0.4, duration=0.8))
    picture.publish(ResponseStarted(**STAMP, id="r", emotion="urgent", trigger="sound", sounds=("e",), utterance=None))
    picture.report(HearingReport("room", 0.8, tuple(Hearing(label, 0.3, None) for label in SOUND_LABELS)))
    return picture


def test_mel_filters_cover_their_band_and_overlap_by_halves() -> None:
    """Each centre is the edge of its neighbours: between the outermost centres the triangles sum to one."""
    filters = mel_matrix()
    assert filters.shape == (MEL_BANDS, 257)
    assert (filters >= 0).all()
    hertz = np.arange(257) * BIN_HZ
    inside = (hertz > 200) & (hertz < 7_200)
    np.testing.assert_allclose(filters.sum(axis=0)[inside], 1.0, atol=1e-5)
    assert not filters[:, (hertz < 125) | (hertz > 7_500)].any()


def test_a_picture_with_everything_differs_from_one_without(tmp_path: Path) -> None:
    drawn, empty = pixels(full(), tmp_path), pixels(with_sound(), tmp_path)
    assert drawn.shape == empty.shape == (800, 1200, 4)
    assert np.abs(drawn - empty).max() > 0.5


def test_what_was_heard_is_seen_in_red(tmp_path: Path) -> None:
    def red(picture: Picture) -> int:
        image = pixels(picture, tmp_path)
        return int(((image[..., 0] > 0.9) & (image[..., 1:3] < 0.1).all(axis=-1)).sum())

    assert red(full()) > 100
    assert red(with_sound()) == 0


@pytest.mark.parametrize("picture", [Picture("nothing"), with_sound(1)], ids=["no chunk at all", "one chunk"])
def test_little_is_drawn_too(picture: Picture, tmp_path: Path) -> None:
    assert pixels(picture, tmp_path).shape == (800, 1200, 4)


def test_more_labels_than_tracks_fit(tmp_path: Path) -> None:
    assert len(SOUND_LABELS) > TRACKS
    picture = Picture("x")
    picture.report(HearingReport("room", 0.4, tuple(Hearing(label, 0.3, None) for label in SOUND_LABELS)))
    pixels(picture, tmp_path)


@pytest.mark.parametrize("name", ["$\\nope{$.wav", "\U0001f415 \u72ac.wav", "a\udcff.wav", "a\tb\nc.wav", ""])
def test_a_recording_may_be_called_anything(name: str, tmp_path: Path) -> None:
    pixels(Picture(name), tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"out\.png: the picture cannot be written: No such file"):
        Picture("x").save(tmp_path / "none" / "out.png")


async def test_watching_changes_nothing_and_closes_what_it_watches() -> None:
    source = FakeSource([3, FakeSource.HANG])
    picture = Picture("x")
    watched = picture.watch(source)
    assert isinstance(watched, WatchedSource)
    assert (watched.description, watched.live) == (source.description, source.live)
    async with aclosing(cast(Any, watched.chunks(5))) as chunks:
        assert [(await anext(chunks)).index for _ in range(3)] == [5, 6, 7]
    assert source.closed == 1
