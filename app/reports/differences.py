"""差异: a frozen month against what the same question gives now, case by case, with the cause of each."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.cases.motion import Row
from app.clocks import calendars
from app.core import clock
from app.core.db import reading
from app.identity.actor import Actor
from app.identity.permissions import REPORT_READ
from app.identity.scopes import require
from app.reports import causes, freezing, frozen, members, numbers, points, query, service
from app.reports.causes import Cause
from app.reports.measures import Report
from app.reports.members import Member

MOST_CASES = 200
"""Cases named of one difference; how many there are is told."""


@dataclass(frozen=True)
class Moved:
    """A case that came into a part of a number since, or fell out of it."""

    id: str
    part: str
    came: bool
    cause: str


@dataclass(frozen=True)
class Difference:
    """One measure of one unit: what was kept, what it would be now (None where it is measured no more)."""

    measure: str
    label: str
    unit: str | None
    then: Mapping[str, Any]
    now: Mapping[str, Any] | None
    moved: Sequence[Moved]
    causes: Mapping[str, int]


@dataclass(frozen=True)
class Compared:
    """A frozen month held against now: its row, what is in force now, and every difference."""

    row: Row
    at: datetime
    version: int
    calendar: int | None
    found: Sequence[Difference]
    names: Mapping[str, str]


def compare(actor: Actor, name: str, month: str) -> Compared:
    """Raises NotFound, PermissionMissing."""
    require(actor, REPORT_READ)
    with reading() as session:
        kept, report = frozen.kept(session, name, month), service.named(session, name)
        now = clock.now(session)
        places = freezing.places(session)
        current = members.of_month(session, report, kept.month, now, places)
        calendar = calendars.by_place(session).newest or None
        codes = query.codes_below(session, actor)
        groups = frozen.in_scope(session, actor, kept.groups)
        then_points, now_points = (
            points.counted(session, actor, each, kept.month.first, kept.month.last, at)
            for each, at in ((kept.report, kept.row["frozen_at"]), (report, now))
        )
        redefined = causes.redefinitions(kept.report, report)
        as_then = members.of_month(session, kept.report, kept.month, now, places) if redefined else current
        again = causes.recounted(session, kept, report) if calendar != kept.row["calendar"] else {}
        cause = causes.told_from(kept, report, current, as_then, again)
        mine = [each for each in current if each.place in codes or each.unit in codes]
        found = list(_differences(kept, groups, report, mine, cause, (then_points, now_points)))
        keys = {each.unit for each in found if each.unit is not None}
        names = service.names(session, report, "unit", keys)
    version = next(iter(report.measures.values())).version
    return Compared(kept.row, now, version, calendar, found, names)


def _differences(
    kept: frozen.Frozen,
    groups: Sequence[Row],
    report: Report,
    mine: Sequence[Member],
    cause: Cause,
    judged: tuple[points.Points, points.Points],
) -> Iterator[Difference]:
    then_of = frozen.Frozen(kept.row, kept.month, kept.report, groups)
    then_sums: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for group in groups:
        then_sums[group["unit"]].update(group["sums"])
    by_unit: defaultdict[str | None, list[Member]] = defaultdict(list)
    for each in mine:
        by_unit[each.unit].append(each)
    then_ids, now_ids = _ids(then_of.members), _ids(mine)
    for unit in sorted({*then_sums, *by_unit}, key=lambda code: (code is None, code or "")):
        points_then, points_now = (each.get(unit or "", {}) for each in judged)
        before = {**then_sums[unit], **points_then}
        sums = {**members.sums(report, by_unit[unit]), **points_now}
        for key, measure in kept.report.measures.items():
            then = numbers.number(measure, before)
            now = numbers.number(report.measures[key], sums) if key in report.measures else None
            moved = [
                Moved(each, part, came, cause((key, part), each))
                for part in ("numerator", "denominator")
                for came, some, other in ((True, now_ids, then_ids), (False, then_ids, now_ids))
                for each in sorted(some[unit, key, part] - other[unit, key, part])
            ]
            if then == now and not moved:
                continue
            counts = Counter(each.cause for each in {one.id: one for one in moved}.values())
            repointed = now is not None and any(then[way] != now[way] for way in ("added", "taken"))
            told = counts or {"points" if repointed else cause((key, "numerator"), None): 0}
            yield Difference(key, measure.label, unit, then, now, moved[:MOST_CASES], told)


def _ids(found: Iterator[Member] | Sequence[Member]) -> defaultdict[tuple[str | None, str, str], set[str]]:
    ids: defaultdict[tuple[str | None, str, str], set[str]] = defaultdict(set)
    for member in found:
        for key, part in member.parts:
            ids[member.unit, key, part].add(member.id)
    return ids
