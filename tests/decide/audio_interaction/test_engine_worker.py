"""The thread that owns the model: orders in order, and an end that everybody learns of."""

import threading
from pathlib import Path

import pytest

from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Model
from listener.decide.audio_interaction.sampling import GREEDY
from listener.decide.audio_interaction.scheduler import SPARE_POSITIONS, Scheduler
from listener.decide.audio_interaction.stream import Limits
from listener.decide.audio_interaction.worker import Worker
from listener.errors import EngineError, ModelError

LIMITS = Limits(window=420, reply_tokens=6)


def _scheduler(loaded: LoadedModel) -> Scheduler:
    return Scheduler(Model(loaded, 1, LIMITS.window + SPARE_POSITIONS), LIMITS)


def test_orders_are_carried_out_in_order_by_the_thread_that_built_the_model(loaded: LoadedModel) -> None:
    builder: list[int] = []

    def build() -> Scheduler:
        builder.append(threading.get_ident())
        return _scheduler(loaded)

    worker, seen = Worker(build), []
    for number in range(20):
        worker.tell(lambda _s, n=number: seen.append(n))  # type: ignore[misc]
    assert worker.ask(lambda _s: threading.get_ident()).result(10) == builder[0] != threading.get_ident()
    assert seen == list(range(20))
    worker.stop()
    worker.stop()


def test_what_an_order_refuses_reaches_who_asked_and_the_worker_goes_on(loaded: LoadedModel) -> None:
    worker = Worker(lambda: _scheduler(loaded))
    told: list[object] = []
    admit = lambda s: s.admit("kitchen", 0.5, GREEDY, 0, told.append)  # noqa: E731
    assert worker.ask(admit).result(10).name == "kitchen"
    with pytest.raises(EngineError, match="no place"):
        worker.ask(admit).result(10)
    assert worker.ask(lambda s: len(s.streams)).result(10) == 1
    worker.stop()
    with pytest.raises(EngineError, match="it was closed"):
        worker.tell(lambda _s: None)


def test_a_build_that_fails_is_raised_where_it_was_wanted(tmp_path: Path) -> None:
    def build() -> Scheduler:
        raise ModelError("no weights")

    with pytest.raises(ModelError, match="no weights"):
        Worker(build)
