"""The engine's benchmark in short: that it measures, not how fast."""

import pytest

pytest.importorskip("torch", reason="the engine for a GPU is not installed (pip install '.[gpu]')")

from listener.bench.engine import measure, measure_age, measure_reencoding
from listener.errors import ModelError


def test_the_table_has_a_row_for_each_number_of_rooms() -> None:
    report = measure("tiny", rooms=(1, 2), chunks=2, window=600)
    assert report["shape"] == "tiny"
    assert [row["rooms"] for row in report["rooms"]][:1] == [1]
    assert all(row["chunk_p50_seconds"] <= row["chunk_p99_seconds"] for row in report["rooms"])
    assert all(row["tokens_per_second"] > 0 for row in report["rooms"])


def test_age_and_reencoding_are_measured() -> None:
    age = measure_age("tiny", minutes=0.2, repeats=1)
    assert age["turns_kept"] == 30 + 25
    assert measure_reencoding("tiny", history_seconds=4.0, rounds=2)["times_faster"] > 0


def test_a_shape_that_there_is_not_is_refused() -> None:
    with pytest.raises(ModelError, match="none of tiny, small, 3b"):
        measure("huge")
