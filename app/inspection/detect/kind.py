"""What a detector is, and what several of them ask in the same way."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select, text

from app.cases.models import cases, tasks
from app.clocks.calendar import NO_CALENDAR
from app.clocks.explain import amount, when
from app.clocks.ledger import line_of
from app.core.db import Session
from app.inspection.rule_file import Rule, Takes

MOST = 10_000
"""Cases that a rule may list: one that lists more says nothing to anybody."""
WINDOW = timedelta(days=180)
"""How far back single acts are counted where a rule does not say it."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Hit:
    """A case to which a rule applies: whose it is to mend (a pool), and what its sentence is made of.

    Facts are plain JSON and stay the same while nothing happens: how long it has lasted is said when it is
    read.
    """

    case_id: str
    pool: str | None
    facts: Facts = field(default_factory=dict)

    @property
    def unit(self) -> str | None:
        """The code of the unit in which the pool is."""
        return code_of(self.pool) if self.pool else None


@dataclass(frozen=True)
class Detector:
    """A kind of rule: its name, what it takes, how the cases are found, and how one of them is told."""

    kind: str
    name: str
    takes: Takes
    find: Callable[[Session, Rule, datetime], Iterator[Hit]]
    says: Callable[[Rule, Facts, datetime], str]


OPEN = text("tasks.state in ('open', 'claimed')")
"""As the partial indexes say it."""
GOING = cases.c.state == "active"
AWAITED = GOING & ~cases.c.on_hold
"""In which something is to be done now: with 挂账 a reviewer has agreed that it lies for a time."""


def open_tasks(rule: Rule, *more: ColumnElement[bool], columns: tuple[Any, ...] = ()) -> Select[Any]:
    """The open tasks of a process, at the rule's steps where it names some, oldest first."""
    at_steps = (tasks.c.step.in_(rule.steps),) if rule.steps else ()
    return (
        select(tasks.c.case_id, tasks.c.name, tasks.c.pools, tasks.c.opened_at, tasks.c.due_at, *columns)
        .join(cases, cases.c.id == tasks.c.case_id)
        .where(OPEN, *at_steps, *more, GOING, cases.c.process_key == rule.process)
        .order_by(tasks.c.opened_at, tasks.c.id)
        .limit(MOST)
    )


def once_a_case(hits: Iterator[Hit]) -> Iterator[Hit]:
    """Of each case the first."""
    seen: set[str] = set()
    for hit in hits:
        if hit.case_id not in seen:
            seen.add(hit.case_id)
            yield hit


def pool_of(pools: list[str] | None) -> str | None:
    """The pool in which a task lies."""
    return pools[0] if pools else None


def handlers_of(path: str | None) -> str | None:
    """The pool of those who handle in a unit."""
    return f"handler@{path}" if path else None


def code_of(pool: str) -> str:
    """The code of the unit in which a pool is: the last part of its path."""
    return pool.rpartition("@")[2].rpartition("/")[2]


def lasted(since: str, until: datetime) -> str:
    """How long it has been, in words."""
    return long(until - datetime.fromisoformat(since))


def long(length: timedelta) -> str:
    """A length in natural time, in words."""
    return amount(length, line_of(None, NO_CALENDAR)) if length >= timedelta(minutes=1) else "不到 1 分钟"


def at(instant: str) -> str:
    """An instant of the facts, in words."""
    return when(datetime.fromisoformat(instant))
