"""Clips: of the right stretch of sound, without words, in files for us alone, and gone in time."""

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from listener.config import ClipsConfig, parse
from listener.errors import ConfigError
from listener.store.clip_folder import ClipFolder, file_name, half_written, kept_clips
from listener.store.clips import GUARD_CHUNKS, Clip, ClipRecorder, voice_heard
from listener.types import CHUNK_SAMPLES, Chunk, Episode, Hearing, Percept, SpeechPercept

LABELS = {"glass_break": {"before_seconds": 0.8, "after_seconds": 1.2}, "dog_bark": {"before_seconds": 0.0}}
QUIET = (Hearing("dog_bark", 0.2, None), Hearing("speech", 0.05, None), Hearing("rain", 0.02, None))
SECOND_NS = 1_000_000_000


def config(**more: object) -> ClipsConfig:
    return ClipsConfig.model_validate({"labels": LABELS, **more})


def glass(index: int, **more: object) -> Episode:
    return replace(Episode(f"id-{index}", "glass_break", 0.9, 0.4 * index), **more)


def chunk(index: int) -> Chunk:
    """Every sample of it is its index in thousandths."""
    return Chunk(np.full(CHUNK_SAMPLES, index / 1_000, np.float32), index, captured_at_ns=(index + 1) * SECOND_NS)


def percept(index: int, *started: Episode, voice: bool = False) -> Percept:
    hearing = (Hearing("speech", 0.8, None), *QUIET[:1]) if voice else QUIET
    return Percept(0.4 * (index + 1), -30.0, started=started, hearing=hearing)


def clips_of(last: int, starts: dict[int, Episode], voices: set[int] = frozenset()) -> tuple[list[Clip], ClipRecorder]:
    kept: list[Clip] = []
    recorder = ClipRecorder("kitchen", config(), kept.append)
    for i in range(last):
        recorder.heard(chunk(i), percept(i, *([starts[i]] if i in starts else []), voice=i in voices))
    return kept, recorder


def indexes(clip: Clip) -> list[int]:
    return [round(float(x) * 1_000) for x in clip.samples[::CHUNK_SAMPLES]]


def test_a_clip_is_the_time_before_the_chunk_itself_and_the_time_after() -> None:
    (clip,), _ = clips_of(40, {20: glass(20)})
    assert indexes(clip) == [18, 19, 20, 21, 22, 23]
    assert (clip.id, clip.room, clip.label) == ("id-20", "kitchen", "glass_break")
    assert clip.started_at_ns == 19 * SECOND_NS - 400_000_000


def test_it_waits_to_be_sure_that_nobody_began_to_speak() -> None:
    end = 23
    assert not clips_of(end + GUARD_CHUNKS, {20: glass(20)})[0]
    assert clips_of(end + GUARD_CHUNKS + 1, {20: glass(20)})[0]


@given(st.sets(st.integers(0, 39), max_size=6))
def test_no_chunk_near_a_voice_is_ever_in_a_clip(voices: set[int]) -> None:
    kept, recorder = clips_of(60, {20: glass(20)}, voices)
    near = {i for voice in voices for i in range(voice - GUARD_CHUNKS, voice + GUARD_CHUNKS + 1)}
    assert not {i for clip in kept for i in indexes(clip)} & near
    assert len(kept) + recorder.refused == 1
    if not near & set(range(18, 24)):
        assert [indexes(clip) for clip in kept] == [[18, 19, 20, 21, 22, 23]]


@pytest.mark.parametrize(
    ("heard", "voice"),
    [
        (percept(0), False),
        (percept(0, voice=True), True),
        (Percept(0.4, -30.0), True),  # a chunk that could not be heard
        (Percept(0.4, -30.0, hearing=QUIET, flags=frozenset({"no_tagger"})), True),
        (Percept(0.4, -30.0, hearing=QUIET, flags=frozenset({"no_tagger"}), speech=SpeechPercept()), False),
        (Percept(0.4, -30.0, hearing=QUIET, speech=SpeechPercept(probability=0.9)), True),
        (Percept(0.4, -30.0, hearing=QUIET, speech=SpeechPercept(speaking=True)), True),
        # Five sounds score higher than any voice could be seen to: one may be just below them.
        (Percept(0.4, -30.0, hearing=tuple(Hearing(x, 0.6, None) for x in ("rain", "door", "dog_bark"))), True),
        (Percept(0.4, -30.0, hearing=(Hearing("rain", 0.6, None), Hearing("door", 0.05, None))), False),
        (Percept(0.4, -30.0, hearing=(Hearing("singing", 0.5, None), Hearing("door", 0.05, None))), True),
    ],
)
def test_who_cannot_tell_says_that_it_may_be_a_voice(heard: Percept, voice: bool) -> None:
    assert voice_heard(heard) is voice


def test_tests_and_other_sounds_leave_none() -> None:
    kept, recorder = clips_of(40, {20: glass(20, test=True), 25: glass(25, label="rain")})
    assert not kept
    assert not recorder.refused


def test_a_room_that_is_muted_keeps_nothing_of_before() -> None:
    kept: list[Clip] = []
    recorder = ClipRecorder("kitchen", config(), kept.append)
    for i in range(40):
        if i == 22:
            recorder.forget()
        recorder.heard(chunk(i), percept(i, *([glass(20)] if i == 20 else []), *([glass(29)] if i == 29 else [])))
    assert [indexes(clip) for clip in kept] == [[27, 28, 29, 30, 31, 32]]


def clip(name: str = "one", at_ns: int = SECOND_NS, seconds: float = 0.4) -> Clip:
    samples = np.sin(np.arange(int(16_000 * seconds)) / 10, dtype=np.float32) * 1.5
    return Clip(name, "kitchen", "glass_break", at_ns, samples)


async def written(folder: Path, settings: ClipsConfig, *clips: Clip, clock: Callable[[], float] = lambda: 2.0) -> int:
    """Keep these, and return how many were not kept."""
    keeper = ClipFolder(folder, settings, clock)
    running = asyncio.create_task(keeper.run())
    await asyncio.sleep(0)
    for one in clips:
        keeper.keep(one)
    running.cancel()
    await asyncio.wait([running])
    return keeper.dropped


@pytest.mark.parametrize("suffix", ["flac", "wav"])
async def test_files_are_for_us_alone(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "state" / "clips"
    old = os.umask(0)
    try:
        assert await written(folder, config(format=suffix), clip()) == 0
    finally:
        os.umask(old)
    (path,) = folder.iterdir()
    assert path.name == f"19700101T000001.000000Z_kitchen_glass_break-one.{suffix}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    assert np.abs(samples - np.clip(clip().samples, -1, 1)).max() < 1e-4


async def test_a_folder_that_others_may_enter_gets_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    folder.chmod(0o755)
    assert await written(folder, config(), clip(), clip("two")) == 2
    assert list(folder.iterdir()) == []
    assert caplog.text.count("clips cannot be kept") == 1
    assert f"chmod 700 {folder}" in caplog.text


async def test_a_link_in_the_folder_s_place_gets_nothing(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "clips").symlink_to(tmp_path / "elsewhere")
    assert await written(tmp_path / "clips", config(), clip()) == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


async def test_what_is_old_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    strangers = [
        tmp_path / name for name in ("holiday.flac", "19700101T000001.000000Z_x.txt", "20269999T000000.000000Z_a-b.wav")
    ]
    for stranger in strangers:
        stranger.touch()
    left = tmp_path / f".{file_name(clip('killed'), 'flac')}-abc"
    left.touch()
    assert half_written(tmp_path) == [left]
    day = 86_400
    await written(
        tmp_path,
        config(keep_days=2),
        *(clip(f"day{n}", n * day * SECOND_NS) for n in range(5)),
        clock=lambda: 4.5 * day,
    )
    assert [one.recorded_at / day for one in kept_clips(tmp_path)] == [3, 4]
    assert not left.exists()
    assert all(stranger.exists() for stranger in strangers)


async def test_of_too_much_the_oldest_goes(tmp_path: Path) -> None:
    settings = config(keep_mb=1, format="wav")
    clips = [clip(f"n{n}", n * SECOND_NS, seconds=10) for n in range(6)]  # of 320 kB each
    await written(tmp_path / "clips", settings, *clips)
    assert [one.recorded_at for one in kept_clips(tmp_path / "clips")] == [3, 4, 5]


async def test_a_disk_that_does_not_keep_up_costs_clips_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert await written(tmp_path / "clips", config(), *(clip(f"n{n}", n * SECOND_NS) for n in range(12))) == 4
    assert len(kept_clips(tmp_path / "clips")) == 8
    assert "clips are kept again" in caplog.text


def test_nothing_is_kept_unless_labels_are_named() -> None:
    assert parse({"rooms": [{"name": "A", "source": {"type": "pipe"}}]}).privacy.clips.labels == {}


@pytest.mark.parametrize(("label", "words"), [("speech", "carries words"), ("explosion", "no sound is called")])
def test_labels_are_checked(label: str, words: str) -> None:
    rooms = [{"name": "A", "source": {"type": "pipe"}}]
    with pytest.raises(ConfigError, match=words):
        parse({"rooms": rooms, "privacy": {"clips": {"labels": {label: {}}}}})
