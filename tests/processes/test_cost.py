"""Every shipped scenario walks on both databases, and every completion stays within the budget of cases.md."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

from app import bundles
from app.bundles import store
from app.cases import advance
from app.cases.commands import Command, Complete
from app.cases.motion import Motion
from app.core import db
from app.core.once import Once
from app.identity.actor import Actor
from app.policies.backtest import Which, backtest
from app.processes.callees import beside
from tests.processes.conftest import BPMN, SHIPPED, published
from tests.processes.test_scenarios import walked
from tests.world import numbered, statements

WITH_LISTENERS, A_FURTHER_CASE = 23, 12
KEPT = 2
"""The key of a request: looked for, and its answer kept. Scenarios send none."""


@pytest.mark.parametrize("key", SHIPPED)
def test_every_shipped_scenario_walks_and_each_of_its_completions_stays_within_the_budget(
    key: str, district: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (*BPMN.glob("side_*"), *beside(BPMN / key)):  # what a case may begin or choose
        published(each)
    over: list[str] = []
    counted = counting(district, over)
    monkeypatch.setattr(advance, "_step", counted(advance._step))

    stories, coverage = walked(BPMN / key)

    assert [each.failed for each in stories if each.failed] == []
    assert len(stories) == len(list((BPMN / key / "scenarios").glob("*.yaml")))
    assert (coverage.missed, coverage.percent) == ((), 100)
    assert over == [], "\n\n".join(over)
    assert told_again() == []


def told_again() -> list[str]:
    """Every case that was walked, under its own policy once more: no clock ends otherwise. Why some cannot."""
    with db.reading() as session:
        current = [each for each in store.versions(session) if each.current]
    found = [
        backtest(Which(each.key, date(2020, 1, 1), date(2040, 1, 1)), bundles.get(each.id))
        for each in current
    ]
    assert sum(each.cases for each in found) > 0
    assert [case["number"] for each in found for case in each.changed] == []
    return [left.why for each in found for left in each.unreplayed]


def counting(database: db.Database, over: list[str]) -> Callable[[Any], Any]:
    """Wraps the one transaction of cases; a completion that costs more than it may is told in `over`."""

    def wrapped(step: Any) -> Any:
        def counted(commands: Sequence[Command], actor: Actor, request: Once | None) -> Any:
            saved: list[Motion] = []
            with pytest.MonkeyPatch.context() as patch, statements(database) as sent:
                patch.setattr(advance, "save", lambda motions: saved.extend(motions) or save(motions))
                answer = step(commands, actor, request)
            if isinstance(commands[0], Complete):
                act = answer.task["step"], answer.task["outcome"]
                most = WITH_LISTENERS + A_FURTHER_CASE * (len(saved) - 1)
                # The first message that leaves the house makes its key, once in the life of an installation.
                sent[:] = [line for line in sent if "data_keys" not in line]
                if len(sent) + KEPT > most:
                    over.append(f"{act}: {len(sent) + KEPT} > {most}\n{numbered(sent)}")
            return answer

        return counted

    save = advance.save
    return wrapped
