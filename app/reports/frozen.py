"""Reading a frozen month: the answer of a report from what was kept, and the cases behind each number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from app.bundles import store
from app.cases.motion import Row
from app.core.db import Session, reading
from app.core.errors import NotFound
from app.identity.actor import Actor
from app.identity.permissions import REPORT_READ
from app.identity.scopes import require
from app.reports import dimensions, measures, members, points, query, service
from app.reports.freezing import unpacked
from app.reports.measures import Report
from app.reports.members import Member
from app.reports.models import frozen_groups, frozen_months
from app.reports.months import Month
from app.reports.service import Figures

BY = ("unit", "place")
"""By what a frozen month is grouped."""
_MONTHS = (
    select(frozen_months)
    .where(frozen_months.c.process_key == bindparam("key"))
    .order_by(frozen_months.c.month.desc())
)
_GROUPS = select(frozen_groups).where(frozen_groups.c.month_id == bindparam("month"))


@dataclass(frozen=True)
class Frozen:
    """A month as it was kept: its row, the definitions of then, and a row for each unit and place."""

    row: Row
    month: Month
    report: Report
    groups: Sequence[Row]

    @property
    def members(self) -> Iterator[Member]:
        """Every case of these groups, as it was."""
        parts = members.parts_of(self.report, self.month)
        for group in self.groups:
            yield from unpacked(group["members"], parts, group["unit"], group["place"])


def months(actor: Actor, name: str) -> list[Row]:
    """The months that were frozen of a process, the newest first. Raises NotFound, PermissionMissing."""
    require(actor, REPORT_READ)
    with reading() as session:
        found = [dict(row) for row in session.execute(_MONTHS, {"key": name}).mappings()]
        if not found:
            service.named(session, name)  # nothing yet, or no such report
        return found


def figures(
    actor: Actor, name: str, month: str, by: Sequence[str], unit_tier: str | None
) -> tuple[Row, Figures]:
    """The month's row and its numbers in the actor's scope. Raises NotFound, PermissionMissing."""
    require(actor, REPORT_READ)
    with reading() as session:
        found = kept(session, name, month)
        report, groups = found.report, in_scope(session, actor, found.groups)
        shown = _shown(session, unit_tier)
        rows = _added_up(report, groups, by, shown)
        asked = found.month.asked
        rows = points.beside(session, actor, report, asked, by, rows, found.row["frozen_at"])
        names = {
            each: service.names(session, report, each, {row[each] for row in rows} - {None}) for each in by
        }
    return found.row, Figures(
        report,
        asked,
        tuple(by),
        found.row["frozen_at"],
        rows,
        next(iter(_added_up(report, groups, (), {}))),
        sum(each["excluded"] for each in groups),
        sum(each["held"] for each in groups),
        "held" not in query.left_out(report, asked),
        names,
    )


def cases_behind(
    actor: Actor,
    name: str,
    month: str,
    measure: str,
    part: str,
    only: Mapping[str, str | None],
    unit_tier: str | None,
    most: int,
    after: str | None,
) -> list[Row]:
    """The very cases that a frozen number was made of, as they stand now, the newest first.

    `only` holds the unit or place that they were counted under. Raises NotFound, PermissionMissing,
    ReportRefused.
    """
    require(actor, REPORT_READ)
    with reading() as session:
        found = kept(session, name, month)
        service.part_of(found.report, measure, part)
        shown = _shown(session, unit_tier)
        groups = [
            each
            for each in in_scope(session, actor, found.groups)
            if all(shown.get(each[dimension], each[dimension]) == key for dimension, key in only.items())
        ]
        mine = Frozen(found.row, found.month, found.report, groups).members
        ids = sorted((each.id for each in mine if (measure, part) in each.parts), reverse=True)
        return query.named(session, [each for each in ids if after is None or each < after][:most])


def kept(session: Session, name: str, month: str) -> Frozen:
    """A frozen month of a process. Raises NotFound."""
    statement = _MONTHS.where(frozen_months.c.month == bindparam("month"))
    row = session.execute(statement, {"key": name, "month": month}).mappings().first()
    if row is None:
        raise NotFound
    report = measures.of_process(store.version(session, row["version_id"]), row["version_number"])
    groups = [dict(each) for each in session.execute(_GROUPS, {"month": row["id"]}).mappings()]
    return Frozen(dict(row), Month.read(month), report, groups)


def in_scope(session: Session, actor: Actor, groups: Sequence[Row]) -> list[Row]:
    """What happened below a unit that grants the right, and what a unit below one had to answer for."""
    codes = query.codes_below(session, actor)
    return [each for each in groups if each["place"] in codes or each["unit"] in codes]


def _shown(session: Session, unit_tier: str | None) -> dict[str | None, str]:
    """Unit → the one above it at a tier, by codes."""
    above = dimensions.rolled("unit", unit_tier, None)
    return {} if above is None else {row.own: row.shown for row in session.execute(select(above))}


def _added_up(
    report: Report, groups: Sequence[Row], by: Sequence[str], shown: Mapping[str | None, str]
) -> list[Row]:
    names = [column.name for each in report.measures.values() for column in each.columns({})]
    rows: dict[tuple[str | None, ...], Row] = {} if by else {(): dict.fromkeys(names, 0)}
    for group in groups:
        keys = tuple(shown.get(group[each], group[each]) for each in by)
        row = rows.setdefault(keys, {**dict(zip(by, keys, strict=True)), **dict.fromkeys(names, 0)})
        for name, more in group["sums"].items():
            row[name] += more
    return [
        rows[keys] for keys in sorted(rows, key=lambda keys: [(each is None, each or "") for each in keys])
    ]
