"""What is counted, each number once: its words, its version, and which cases it counts.

A measure is a share (numerator of denominator) or a count. Both parts are conditions on one row a case, so
that a number and the list of its cases can never differ. Who changes a condition raises the version.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, true

from app.bundles.bundle import Bundle
from app.bundles.measures import MeasureDef
from app.cases.measuring.reading import condition, number
from app.cases.measuring.terms import NOW, Reading, Tables
from app.publications.measuring import FUNCTIONS
from app.reports.models import counted_cases as c

GOING = c.c.state.in_(("active", "suspended", "merged"))
"""Under way; a merged order still awaits its answer."""
LATE = c.c.met_at > c.c.due_at
OVERDUE = and_(c.c.met_at.is_(None), c.c.due_at < NOW, GOING)


@dataclass(frozen=True)
class Measure:
    """One number. `counts` is the numerator, `of` the denominator, none for a plain count.

    With `value` it is Σ value over those of `counts`, divided by Σ `over`, or by how many have one. A score
    adds nothing up itself: it is 100 · Σ weight · rate over `weighted`, and the points that `points` counts.
    """

    key: str
    label: str
    says: str
    counts: ColumnElement[bool]
    of: ColumnElement[bool] | None = None
    version: int = 1
    unit: str = "rate"
    value: Any = None
    over: Any = None
    least: int = 30
    prior: int = 10
    weighted: tuple[tuple[float, "Measure"], ...] = ()
    includes: tuple[str, ...] = ()

    def parts(self, left_out: Mapping[str, ColumnElement[bool]]) -> dict[str, ColumnElement[bool]]:
        """What can be drilled into, by name; of a score nothing: its rates can.

        `left_out` is what is in no number now, but for those that `includes` it.
        """
        if self.weighted:
            return {}
        kept = [out.is_(False) for name, out in left_out.items() if name not in self.includes]
        given = {"numerator": self.counts, **({} if self.of is None else {"denominator": self.of})}
        return {name: and_(part, *kept) for name, part in given.items()}

    @property
    def averages(self) -> bool:
        """Whether it is a plain mean of the cases' own numbers."""
        return self.unit == "mean" and self.over is None

    def columns(self, left_out: Mapping[str, ColumnElement[bool]]) -> Iterator[Any]:
        """What is added up for it: `<key>_n`, `<key>_of`, and `<key>_cases` where that is another number."""
        parts = self.parts(left_out)
        if self.value is None:  # of a score there is nothing
            for name, part in parts.items():
                yield func.count().filter(part).label(f"{self.key}_{'n' if name == 'numerator' else 'of'}")
            return
        counts = parts["numerator"]
        yield func.sum(self.value).filter(counts).label(f"{self.key}_n")
        if self.over is not None:
            yield func.sum(self.over).filter(counts).label(f"{self.key}_of")
        elif self.of is not None:
            yield func.count().filter(parts["denominator"]).label(f"{self.key}_of")
        yield func.count().filter(counts).label(f"{self.key}_cases")


def _orders() -> Iterator[Measure]:
    yield Measure("received", "受理量", "期内的全部工单。", true(), unit="count")
    yield Measure("closed", "办结量", "期内的工单中已经办结的。", c.c.state == "closed", unit="count")
    yield Measure(
        "on_time",
        "按时办结率",
        "应办结的（时限已停的，和到期还没有停的）里面，在到期以前停的；到期时刻含延期和挂账。",
        and_(c.c.due_at.is_not(None), c.c.met_at <= c.c.due_at),
        and_(c.c.due_at.is_not(None), or_(c.c.met_at.is_not(None), OVERDUE)),
    )
    yield Measure("overdue", "超期未办结", "时限还没有停、现在已经过了到期时刻的。", OVERDUE, unit="count")
    yield Measure("late", "超期办结", "时限停的时候已经过了到期时刻的。", LATE, unit="count")
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
    """A named report: its measures in order, the tables they read, and the process it is about, if one."""

    key: str
    label: str
    measures: Mapping[str, Measure]
    tables: Tables
    bundle: Bundle | None = None

    @property
    def holds_out(self) -> bool:
        """Whether cases on hold are in no number, unless somebody asks otherwise."""
        counting = self.bundle.process.statistics if self.bundle is not None else None
        return counting is not None and counting.held == "left_out"


ORDERS, ORDERS_LABEL = "orders", "工单办理情况"
_ORDERS = {each.key: each for each in _orders()}


def own_tables() -> Tables:
    """What stands in the counted row of a case, to which the rest is joined."""
    own = ("state", "received_at", "closed_at", "round")
    return Tables(c.c.case_id, {name: c.c[name] for name in own})


def orders() -> Report:
    """The report over all processes that are counted."""
    return Report(ORDERS, ORDERS_LABEL, _ORDERS, own_tables())


def of_process(bundle: Bundle, version: int) -> Report:
    """The report of a process: the measures that its newest version writes down, over all its cases."""
    tables = own_tables()
    reading = Reading(bundle, tables, beside=FUNCTIONS)
    defined = bundle.process.measures
    plain = {key: _read(reading, each, version) for key, each in defined.items() if not each.weights}
    measures = {key: plain.get(key) or _score(each, plain, version) for key, each in defined.items()}
    return Report(bundle.key, bundle.process.name, measures, tables, bundle)


def _score(given: MeasureDef, plain: Mapping[str, Measure], version: int) -> Measure:
    weighted = tuple((weight, plain[name]) for name, weight in given.weights.items())
    return Measure(
        given.key,
        given.label,
        given.says,
        true(),
        version=version,
        unit=given.unit,
        least=given.least,
        weighted=weighted,
    )


def _read(reading: Reading, given: MeasureDef, version: int) -> Measure:
    def holds(part: str) -> ColumnElement[bool]:
        return condition(reading, given.parts[part]) if part in given.parts else true()

    value, over = (number(reading, given.parts[p]) if p in given.parts else None for p in ("value", "over"))
    counts = and_(holds("denominator"), holds("numerator"))
    for each in (value, over):
        counts = counts if each is None else and_(counts, each.is_not(None))
    of = None if given.unit == "count" else holds("denominator") if value is None else counts
    return Measure(
        given.key,
        given.label,
        given.says,
        counts,
        of,
        version,
        given.unit,
        value,
        over,
        given.least,
        given.prior,
        includes=given.includes,
    )
