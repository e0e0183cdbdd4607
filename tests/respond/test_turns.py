"""One voice at a time on one loudspeaker; urgent ones first."""

import asyncio

from outputs import until

from listener.respond.turns import Turns


class Stage:
    def __init__(self) -> None:
        self.turns = Turns()
        self.log: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.leave: dict[str, asyncio.Event] = {}

    def enter(self, name: str, *, urgent: bool = False) -> None:
        self.leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._speak(name, urgent))

    async def _speak(self, name: str, urgent: bool) -> None:
        def give_way() -> None:
            self.log.append(f"{name} is asked to go")
            self.leave[name].set()

        async with self.turns.turn(urgent, give_way):
            self.log.append(name)
            await self.leave[name].wait()


async def test_the_order_of_arrival_but_urgent_first() -> None:
    stage = Stage()
    for name, urgent in (("siren", True), ("radio", False), ("news", False), ("fire", True)):
        stage.enter(name, urgent=urgent)
        await asyncio.sleep(0)
    assert stage.log == ["siren"]
    for count, name in enumerate(("siren", "fire", "radio", "news"), start=1):
        stage.leave[name].set()
        await until(lambda count=count: len(stage.log) == min(count + 1, 4))
    assert stage.log == ["siren", "fire", "radio", "news"]
    await asyncio.gather(*stage.tasks.values())


async def test_an_urgent_voice_ends_one_that_is_not_and_only_once() -> None:
    stage = Stage()
    stage.enter("radio")
    await until(lambda: stage.log == ["radio"])
    stage.enter("fire", urgent=True)
    stage.enter("burglar", urgent=True)
    await until(lambda: len(stage.log) == 3)
    assert stage.log == ["radio", "radio is asked to go", "fire"]
    stage.leave["fire"].set()
    stage.leave["burglar"].set()
    await asyncio.gather(*stage.tasks.values())
    assert stage.log[-1] == "burglar"


async def test_urgent_that_arrives_while_the_turn_changes_hands_ends_the_newcomer() -> None:
    stage = Stage()
    stage.enter("radio")
    await until(lambda: stage.log == ["radio"])
    stage.enter("news")
    await asyncio.sleep(0)
    stage.leave["radio"].set()
    stage.enter("fire", urgent=True)  # runs when the turn has been granted to the news, and they do not know it yet
    await until(lambda: stage.log[-1] == "fire")
    assert stage.log == ["radio", "news is asked to go", "news", "fire"]
    stage.leave["fire"].set()
    await asyncio.gather(*stage.tasks.values())


async def test_who_gives_up_waiting_leaves_no_hole() -> None:
    stage = Stage()
    for name in ("radio", "news", "sport"):
        stage.enter(name)
        await asyncio.sleep(0)
    stage.tasks["news"].cancel()
    stage.leave["radio"].set()
    await until(lambda: stage.log == ["radio", "sport"])
    stage.leave["sport"].set()
    await asyncio.gather(*stage.tasks.values(), return_exceptions=True)


async def test_who_is_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    stage = Stage()
    for name in ("radio", "news", "sport"):
        stage.enter(name)
        await asyncio.sleep(0)
    stage.leave["radio"].set()
    await until(stage.tasks["radio"].done)
    stage.tasks["news"].cancel()
    await until(lambda: "sport" in stage.log)
    stage.leave["sport"].set()
    stage.leave["news"].set()
    await asyncio.gather(*stage.tasks.values(), return_exceptions=True)
