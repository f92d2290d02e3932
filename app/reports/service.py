"""Asking a report, and for the cases behind one of its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import bindparam, select

from app.bundles.models import process_heads, process_versions
from app.cases.motion import Row
from app.categories.models import categories
from app.core import clock, dialects
from app.core.db import Session, reading
from app.core.errors import FieldError, NotFound, Unprocessable
from app.identity.actor import Actor
from app.identity.models import units
from app.identity.permissions import REPORT_READ
from app.identity.scopes import require
from app.reports import query
from app.reports.measures import REPORTS, Report
from app.reports.query import DIMENSIONS, MOST_GROUPS, NOBODY, Asked

LONGEST_DAYS = 3 * 366
SECONDS = 30
"""How long a report may take: more than a page, less than for ever."""
Sums = dict[str, int]

_UNIT_NAMES = select(units.c.code, units.c.name).where(units.c.code.in_(bindparam("keys", expanding=True)))
_key = categories.c.table_key + "/" + categories.c.code
_CATEGORY_NAMES = (  # the newest name last, so that it counts
    select(_key, categories.c.name)
    .where(_key.in_(bindparam("keys", expanding=True)))
    .order_by(categories.c.valid_from)
)
_PROCESS_NAMES = (
    select(process_heads.c.key, process_versions.c.name)
    .join(process_versions, process_versions.c.id == process_heads.c.version_id)
    .where(process_heads.c.key.in_(bindparam("keys", expanding=True)))
)
_NAMES: Mapping[str, Any] = {
    "unit": _UNIT_NAMES,
    "category": _CATEGORY_NAMES,
    "process": _PROCESS_NAMES,
}


class ReportRefused(Unprocessable):
    """统计的条件有误，请按提示修改。"""


class TooManyGroups(Unprocessable):
    """分组太多，请把单位或分类汇总到上一级，或缩短期间。"""


@dataclass(frozen=True)
class Figures:
    """What a report found, at one instant."""

    report: Report
    asked: Asked
    at: datetime
    rows: Sequence[Row]
    total: Sums
    excluded: int
    names: Mapping[str, Mapping[str, str]]


def named(name: str) -> Report:
    """Raises NotFound."""
    if name not in REPORTS:
        raise NotFound
    return REPORTS[name]


def figures(actor: Actor, name: str, asked: Asked, by: Sequence[str]) -> Figures:
    """The numbers of a report. Raises NotFound, PermissionMissing, ReportRefused, TooManyGroups."""
    require(actor, REPORT_READ)
    report = named(name)
    _check(asked, by)
    with reading() as session:
        _ready(session)
        now = clock.now(session)
        rows = query.groups(session, actor, report, asked, by, now)
        if len(rows) > MOST_GROUPS:
            raise TooManyGroups
        excluded = query.left_out(session, actor, asked)
        names = {each: _names(session, each, {row[each] for row in rows} - {None}) for each in by}
    total = {key: sum(row[key] or 0 for row in rows) for key in (rows[0] if rows else ()) if key not in by}
    return Figures(report, asked, now, rows, total, excluded, names)


def cases_behind(
    actor: Actor, name: str, asked: Asked, measure: str, part: str, most: int, after: str | None
) -> list[Row]:
    """The cases that a number counts, at most so many. Raises NotFound, PermissionMissing, ReportRefused."""
    require(actor, REPORT_READ)
    report = named(name)
    _check(asked, ())
    if measure not in report.measures:
        refuse("?measure", "measure-unknown", f"没有这个指标；有 {'、'.join(report.measures)}。")
    parts = report.measures[measure].parts
    if part not in parts:
        refuse("?part", "part-unknown", "这个指标是件数，没有分母。")
    with reading() as session:
        _ready(session)
        return query.listed(session, actor, parts[part], asked, clock.now(session), most, after)


def refuse(at: str, code: str, says: str) -> NoReturn:
    raise ReportRefused(errors=[FieldError(at, code, says)])


def _ready(session: Session) -> None:
    dialects.plan_anew(session.connection)
    dialects.take_time(session.connection, SECONDS)


def _check(asked: Asked, by: Sequence[str]) -> None:
    if asked.last < asked.first:
        refuse("?to", "value-invalid", "最后一天早于第一天。")
    if (asked.last - asked.first).days > LONGEST_DAYS:
        refuse("?to", "value-invalid", "期间最长三年。")
    for each in by:
        if each not in DIMENSIONS:
            refuse("?by", "value-invalid", f"不能按“{each[:40]}”分组；可以用 {'、'.join(DIMENSIONS)}。")


def _names(session: Session, dimension: str, keys: set[str]) -> dict[str, str]:
    if not keys:
        return {}
    found: Sequence[Any] = session.execute(_NAMES[dimension], {"keys": sorted(keys)}).all()
    return {row[0]: row[1] for row in found}


def name_of(found: Figures, dimension: str, key: str | None) -> str:
    """What people call a group; the key itself when nobody knows a name."""
    if key is None:
        return {"unit": "（未派）", "category": "（未分类）"}.get(dimension, NOBODY)
    return found.names[dimension].get(key, key)
