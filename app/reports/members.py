"""The cases of a month and the numbers that each is in: read to freeze a month, and to look again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Float, case, cast, literal, select

from app.core import dialects
from app.core.db import Session
from app.reports import query
from app.reports.measures import Measure, Report
from app.reports.models import counted_cases as counted
from app.reports.months import Month

Part = tuple[str, str]
"""A measure, and numerator or denominator."""
Values = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Member:
    """A case of a month: whose it is, by codes, and which parts of numbers it is in.

    `values` is its own number, and what that is divided by, in the measures that add such numbers up.
    """

    id: str
    unit: str | None
    place: str | None
    excluded: bool
    held: bool
    parts: frozenset[Part]
    values: Values


def parts_of(report: Report, month: Month) -> list[Part]:
    """Every part of every number, in the order of the report; of a score none."""
    return list(_conditions(report, month))


def of_month(
    session: Session, report: Report, month: Month, now: datetime, places: Mapping[str, str]
) -> list[Member]:
    """Every case of the month, whoever may see it, in one statement. `places` is path → code."""
    dialects.plan_anew(session.connection)
    conditions = _conditions(report, month)
    valued = [each for each in report.measures.values() if each.value is not None]
    columns = [case((each, 1), else_=0).label(f"part_{i}") for i, each in enumerate(conditions.values())]
    for i, each in enumerate(valued):
        over = literal(1.0) if each.over is None else each.over
        columns += [cast(each.value, Float).label(f"value_{i}"), cast(over, Float).label(f"over_{i}")]
    own = query.in_period(report, month.asked)
    c = counted.c
    rows = select(c.case_id, c.unit, c.org_path, c.excluded, c.held, *columns).where(*own)
    found = session.execute(rows.select_from(report.tables.joined(counted, own)), {"now": now})
    members = []
    for row in found.mappings():
        parts = frozenset(part for i, part in enumerate(conditions) if row[f"part_{i}"])
        values = {
            each.key: (row[f"value_{i}"], row[f"over_{i}"])
            for i, each in enumerate(valued)
            if (each.key, "numerator") in parts
        }
        place = places.get(row["org_path"])
        members.append(
            Member(row["case_id"], row["unit"], place, row["excluded"], row["held"], parts, values)
        )
    return members


def sums(report: Report, members: Iterable[Member]) -> dict[str, float]:
    """What the measures add up to over these cases, named as `Measure.columns` names it; no zeros."""
    found: dict[str, float] = {}
    measures = report.measures
    for member in members:
        for key, part in member.parts:
            for name, more in _adds(measures[key], part, member.values):
                found[name] = found.get(name, 0) + more
    return {name: each for name, each in found.items() if each}


def _adds(measure: Measure, part: str, values: Values) -> Sequence[tuple[str, float]]:
    key = measure.key
    if measure.value is None:
        return [(f"{key}_n" if part == "numerator" else f"{key}_of", 1)]
    if part == "numerator":
        value, over = values[key]
        more = [(f"{key}_of", over)] if measure.over is not None else []
        return [(f"{key}_n", value), (f"{key}_cases", 1), *more]
    return [(f"{key}_of", 1)] if measure.over is None else []


def _conditions(report: Report, month: Month) -> dict[Part, Any]:
    out = query.left_out(report, month.asked)
    return {
        (measure.key, part): condition
        for measure in report.measures.values()
        for part, condition in measure.parts(out).items()
    }
