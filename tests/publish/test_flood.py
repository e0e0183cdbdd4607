"""A flood of commands in one room."""

from listener.publish.flood import AT_ONCE, COMMANDS_A_SECOND, CommandBudget


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    budget = CommandBudget()
    assert sum(budget.allows("hall", 10.0) for _ in range(10_000)) == AT_ONCE
    assert sum(budget.allows("hall", 10.0 + n / 1_000) for n in range(1, 1_001)) == COMMANDS_A_SECOND
    assert sum(budget.allows("hall", 3_600.0) for _ in range(10_000)) == AT_ONCE


def test_other_rooms_are_obeyed() -> None:
    budget = CommandBudget()
    for _ in range(10_000):
        budget.allows("hall", 1.0)
    assert budget.allows("kitchen", 1.0)
