"""Asking a report, and for the cases behind one of its numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn

from app.bundles import store
from app.cases.motion import Row
from app.core import clock, dialects
from app.core.db import Session, reading
from app.core.errors import FieldError, NotFound, Unprocessable
from app.identity import org
from app.identity.actor import Actor
from app.identity.permissions import REPORT_READ
from app.identity.scopes import require
from app.reports import dimensions, measures, points, query
from app.reports.measures import Measure, Report
from app.reports.query import MOST_GROUPS, NOBODY, Asked

LONGEST_DAYS = 3 * 366
SECONDS = 30
"""How long a report may take: more than a page, less than for ever."""
Sums = dict[str, Any]


class ReportRefused(Unprocessable):
    """统计的条件有误，请按提示修改。"""


class TooManyGroups(Unprocessable):
    """分组太多，请把单位或分类汇总到上一级，或缩短期间。"""


@dataclass(frozen=True)
class Figures:
    """What a report found, at one instant; `before` is what the period before had, by the keys of a group."""

    report: Report
    asked: Asked
    by: tuple[str, ...]
    at: datetime
    rows: Sequence[Row]
    total: Sums
    excluded: int
    held: int
    held_counted: bool
    names: Mapping[str, Mapping[str, str]]
    before: Mapping[tuple[Any, ...], Row] | None = None
    before_total: Sums | None = None

    def keys(self, row: Row) -> tuple[Any, ...]:
        """What tells a group from the others."""
        return tuple(row[name] for name in self.by)


def reports(actor: Actor) -> list[Report]:
    """Every report there is: of all orders, and of each process that writes measures down."""
    require(actor, REPORT_READ)
    with reading() as session:
        return [measures.orders(), *_of_processes(session)]


def named(session: Session, name: str) -> Report:
    """Raises NotFound."""
    if name == measures.ORDERS:
        return measures.orders()
    published = next((each for each in store.versions(session, name) if each.current), None)
    bundle = store.version(session, published.id) if published is not None else None
    if published is None or bundle is None or not bundle.process.measures:
        raise NotFound
    return measures.of_process(bundle, published.number)


def figures(actor: Actor, name: str, asked: Asked, by: Sequence[str], compare: str | None = None) -> Figures:
    """The numbers of a report. Raises NotFound, PermissionMissing, ReportRefused, TooManyGroups."""
    require(actor, REPORT_READ)
    with reading() as session:
        return counted(session, actor, named(session, name), asked, by, compare)


def counted(
    session: Session, actor: Actor, report: Report, asked: Asked, by: Sequence[str], compare: str | None
) -> Figures:
    """The same within a transaction, of a report that was found. Raises ReportRefused, TooManyGroups."""
    _check(report, asked, [*by, *(each for each, _ in asked.only)])
    asked = _placed(session, asked)
    _ready(session)
    now = clock.now(session)
    rows = _groups(session, actor, report, asked, by, now)
    excluded, held = query.set_aside(session, actor, report, asked, now)
    held_counted = "held" not in query.left_out(report, asked)
    called = {each: names(session, report, each, {row[each] for row in rows} - {None}) for each in by}
    total = _total(rows, by)
    rows = points.beside(session, actor, report, asked, by, rows, now)
    found = Figures(report, asked, tuple(by), now, rows, total, excluded, held, held_counted, called)
    if compare is None:
        return found
    then = asked.before(compare)
    earlier = _groups(session, actor, report, then, by, now)
    judged = points.beside(session, actor, report, then, by, earlier, now)
    before = {found.keys(row): row for row in judged}
    return Figures(**{**vars(found), "before": before, "before_total": _total(earlier, by)})


def cases_behind(
    actor: Actor, name: str, asked: Asked, measure: str, part: str, most: int, after: str | None
) -> list[Row]:
    """The cases that a number counts, at most so many. Raises NotFound, PermissionMissing, ReportRefused."""
    require(actor, REPORT_READ)
    with reading() as session:
        report = named(session, name)
        _check(report, asked, [each for each, _ in asked.only])
        return behind(session, actor, report, _placed(session, asked), measure, part, most, after)


def behind(
    session: Session,
    actor: Actor,
    report: Report,
    asked: Asked,
    measure: str,
    part: str,
    most: int,
    after: str | None = None,
) -> list[Row]:
    """The same within a transaction, of a report that was found. Raises ReportRefused."""
    found = part_of(report, measure, part)
    _ready(session)
    return query.listed(session, actor, report, found, part, asked, clock.now(session), most, after)


def part_of(report: Report, measure: str, part: str) -> Measure:
    """The measure that has this part. Raises ReportRefused."""
    if measure not in report.measures:
        refuse("?measure", "measure-unknown", f"没有这个指标；有 {'、'.join(report.measures)}。")
    found = report.measures[measure]
    if found.weighted:
        named = "、".join(f"{each.key}（{each.label}）" for _, each in found.weighted)
        refuse("?measure", "part-unknown", f"得分由几个比率合成，请分别看它们的办件：{named}。")
    if part not in found.parts({}):
        refuse("?part", "part-unknown", "这个指标是件数，没有分母。")
    return found


def refuse(at: str, code: str, says: str) -> NoReturn:
    raise ReportRefused(errors=[FieldError(at, code, says)])


def name_of(found: Figures, dimension: str, key: str | None) -> str:
    """What people call a group; the key itself when nobody knows a name."""
    if key is None:
        return dimensions.NOBODY_ZH.get(dimension, NOBODY)
    return found.names[dimension].get(key, key)


def _of_processes(session: Session) -> Iterator[Report]:
    for each in store.versions(session):
        if each.current and (bundle := store.version(session, each.id)).process.measures:
            yield measures.of_process(bundle, each.number)


def _groups(
    session: Session, actor: Actor, report: Report, asked: Asked, by: Sequence[str], now: datetime
) -> list[Row]:
    rows = query.groups(session, actor, report, asked, by, now)
    if len(rows) > MOST_GROUPS:
        raise TooManyGroups
    return rows


def _placed(session: Session, asked: Asked) -> Asked:
    """With the path of the unit that was named by its code."""
    if asked.within is None:
        return asked
    unit = org.unit_by_code(session, asked.within)
    if unit is None:
        refuse("?within", "unit-unknown", "没有这个代码的单位。")
    return replace(asked, within=unit.path)


def _total(rows: Sequence[Row], by: Sequence[str]) -> Sums:
    return {key: sum(row[key] or 0 for row in rows) for key in (rows[0] if rows else ()) if key not in by}


def _ready(session: Session) -> None:
    dialects.plan_anew(session.connection)
    dialects.take_time(session.connection, SECONDS)


def _check(report: Report, asked: Asked, by: Sequence[str]) -> None:
    if asked.last < asked.first:
        refuse("?to", "value-invalid", "最后一天早于第一天。")
    if (asked.last - asked.first).days > LONGEST_DAYS:
        refuse("?to", "value-invalid", "期间最长三年。")
    for each in by:
        try:
            dimensions.column(report, each, asked.period)
        except dimensions.Unknown as unknown:
            refuse("?by", "value-invalid", unknown.zh)


def names(session: Session, report: Report, dimension: str, keys: set[str]) -> dict[str, str]:
    """What people call these groups, as far as it is known."""
    statement = dimensions.names_of(report, dimension)
    known = dimensions.SOURCES if dimension == "source" else {}
    if not keys or statement is None:
        return {}
    found: Sequence[Any] = session.execute(statement, {"keys": sorted(keys)}).all()
    return {**{row[0]: row[1] for row in found}, **known}
