"""What is counted, each number once: its words, its version, and which cases it counts.

A measure is a share (numerator of denominator) or a count. Both parts are conditions on one row a case, so
that a number and the list of its cases can never differ. Who changes a condition raises the version.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, true

from app.core.db import Instant
from app.reports.models import counted_cases as c

NOW: Any = bindparam("now", type_=Instant)

GOING = c.c.state.in_(("active", "suspended", "merged"))
"""Under way; a merged order still awaits its answer."""
LATE = c.c.met_at > c.c.due_at
OVERDUE = and_(c.c.met_at.is_(None), c.c.due_at < NOW, GOING)


@dataclass(frozen=True)
class Measure:
    """One number. `counts` is the numerator; `of` the denominator, none for a plain count."""

    key: str
    label: str
    says: str
    counts: ColumnElement[bool]
    of: ColumnElement[bool] | None = None
    version: int = 1

    @property
    def parts(self) -> dict[str, ColumnElement[bool]]:
        """What can be drilled into, by name."""
        return {"numerator": self.counts, **({} if self.of is None else {"denominator": self.of})}


def _orders() -> Iterator[Measure]:
    yield Measure("received", "受理量", "期内的全部工单。", true())
    yield Measure("closed", "办结量", "期内的工单中已经办结的。", c.c.state == "closed")
    yield Measure(
        "on_time",
        "按时办结率",
        "应办结的（时限已停的，和到期还没有停的）里面，在到期以前停的；到期时刻含延期和挂账。",
        and_(c.c.due_at.is_not(None), c.c.met_at <= c.c.due_at),
        and_(c.c.due_at.is_not(None), or_(c.c.met_at.is_not(None), OVERDUE)),
    )
    yield Measure("overdue", "超期未办结", "时限还没有停、现在已经过了到期时刻的。", OVERDUE)
    yield Measure("late", "超期办结", "时限停的时候已经过了到期时刻的。", LATE)
    yield Measure("returned", "退单率", "期内的工单里面，有过退单申请的。", c.c.returns > 0, true())
    yield Measure("redone", "重办率", "期内的工单里面，重办过的。", c.c.round > 0, true())
    yield Measure(
        "responded",
        "响应率",
        "回访联系上的里面，单位联系过来电人的。",
        and_(c.c.reached, c.c.responded),
        c.c.reached.is_(True),
    )
    yield Measure(
        "solved",
        "解决率",
        "回访联系上的里面，来电人认为已经解决的。",
        and_(c.c.reached, c.c.solved),
        c.c.reached.is_(True),
    )
    yield Measure(
        "satisfied",
        "满意率",
        "回访联系上、来电人说了满意不满意的里面，满意的。",
        and_(c.c.reached, c.c.satisfied),
        and_(c.c.reached, c.c.satisfied.is_not(None)),
    )


@dataclass(frozen=True)
class Report:
    """A named report: its measures, in order."""

    key: str
    label: str
    measures: dict[str, Measure]


REPORTS = {"orders": Report("orders", "工单办理情况", {each.key: each for each in _orders()})}
"""Every report there is, by name."""
