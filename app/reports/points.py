"""加分、扣分: entered by one, granted by another, taken back by a third act; what a score counts of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, insert, or_, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases import viewing
from app.cases.errors import FourEyes
from app.cases.motion import Row
from app.cases.verbs import guard
from app.core import clock, dialects
from app.core.clock import BEIJING
from app.core.db import Session
from app.core.errors import Conflict, FieldError, NotFound, Unprocessable
from app.core.ids import new_id
from app.identity import org
from app.identity.actor import Actor
from app.identity.models import people, units
from app.identity.permissions import REPORT_READ, SCORE_APPROVE, SCORE_ENTER
from app.identity.scopes import hidden, missing, require
from app.reports import query
from app.reports.measures import Measure, Report
from app.reports.models import score_points
from app.reports.query import Asked

Points = Mapping[str, Mapping[str, float]]
"""Unit → `<score>_added`, `<score>_taken`."""
STATES = {"pending": "待审批", "granted": "已同意", "refused": "未同意", "revoked": "已撤销"}
MOST_POINTS = 100
_p = score_points.c
_LOCKED = dialects.locked(select(score_points).where(_p.id == bindparam("which")))
_entered, _decided, _revoked = (people.alias(name) for name in ("entered", "decided", "revoked"))
_ROWS = select(
    score_points,
    units.c.name.label("unit_name"),
    _entered.c.name.label("entered_name"),
    _decided.c.name.label("decided_name"),
    _revoked.c.name.label("revoked_name"),
).select_from(
    score_points.outerjoin(units, units.c.code == _p.unit)
    .outerjoin(_entered, _entered.c.id == _p.entered_by)
    .outerjoin(_decided, _decided.c.id == _p.decided_by)
    .outerjoin(_revoked, _revoked.c.id == _p.revoked_by)
)


class PointsRefused(Unprocessable):
    """这样不能加分、扣分，请按提示修改。"""


class PointsDecided(Conflict):
    """这一条加分、扣分已经审批过，或已经撤销。"""


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: the score, the unit's code, how many points, the day they count for, why."""

    measure: str
    unit: str
    points: float
    day: date
    reason: str
    case_id: str | None = None


@dataclass(frozen=True)
class Which:
    """Which entries are listed: None is all."""

    first: date | None = None
    last: date | None = None
    measure: str | None = None
    unit: str | None = None
    state: str | None = None


def enter(session: Session, actor: Actor, report: Report, wanted: Wanted) -> Row:
    """An entry that waits for its approval.

    Raises PermissionMissing, NotFound (a unit or case out of scope), PointsRefused, ReasonRequired.
    """
    require(actor, SCORE_ENTER)
    now = clock.now(session)
    _score(report, wanted.measure)
    _worth(wanted.points)
    if wanted.day > now.astimezone(BEIJING).date():
        raise _refused("/day", "date-in-future", "日期还没有到，请写事情发生的那一天。")
    _judged(session, actor, wanted.unit, SCORE_ENTER)
    if wanted.case_id is not None:
        viewing.visible(session, actor, wanted.case_id)
    row: Row = {
        "id": new_id(),
        "process_key": report.key,
        "measure": wanted.measure,
        "unit": wanted.unit,
        "points": wanted.points,
        "day": wanted.day,
        "reason": guard.noted(wanted.reason, "加分、扣分的原因"),
        "case_id": wanted.case_id,
        "state": "pending",
        "entered_by": actor.id,
        "entered_at": now,
    }
    session.execute(insert(score_points), row)
    about = {name: row[name] for name in ("measure", "unit", "points", "reason", "case_id")}
    about |= {"process": report.key, "day": wanted.day.isoformat()}
    streams.append(session, Entry(streams.ADMIN, "points.entered", actor.id, row["id"], about, now))
    return one(session, row["id"])


def decide(
    session: Session, actor: Actor, report: Report, which: str, granted: bool, opinion: str | None
) -> Row:
    """Granted or refused by somebody else than entered it; a refusal says why.

    Raises PermissionMissing, NotFound, FourEyes, PointsDecided, ReasonRequired.
    """
    row = _taken(session, actor, report, which)
    if row["entered_by"] == actor.id:
        raise FourEyes("加分、扣分不能由登记的人自己审批。")
    if row["state"] != "pending":
        raise PointsDecided
    said = None if granted and not opinion else guard.noted(opinion or "", "审批意见")
    state = "granted" if granted else "refused"
    values = {"state": state, "decided_by": actor.id, "opinion": said}
    return _written(session, actor, which, f"points.{state}", values, "decided_at")


def revoke(session: Session, actor: Actor, report: Report, which: str, reason: str) -> Row:
    """What was granted counts no more from now on; what was frozen with it keeps it.

    Raises PermissionMissing, NotFound, PointsDecided, ReasonRequired.
    """
    row = _taken(session, actor, report, which)
    if row["state"] != "granted":
        raise PointsDecided("只有已经同意的能撤销。")
    values = {
        "state": "revoked",
        "revoked_by": actor.id,
        "revoke_reason": guard.noted(reason, "撤销的原因"),
    }
    return _written(session, actor, which, "points.revoked", values, "revoked_at")


def page(
    session: Session, actor: Actor, report: Report, which: Which, most: int, after: str | None
) -> list[Row]:
    """Entries about the units whose statistics the actor sees, the newest first. Raises PermissionMissing."""
    require(actor, REPORT_READ)
    rows = _ROWS.where(_p.process_key == report.key, _mine(session, actor))
    for column, wanted in ((_p.measure, which.measure), (_p.unit, which.unit), (_p.state, which.state)):
        rows = rows if wanted is None else rows.where(column == wanted)
    rows = rows if which.first is None else rows.where(_p.day >= which.first)
    rows = rows if which.last is None else rows.where(_p.day <= which.last)
    rows = rows if after is None else rows.where(_p.id < after)
    found = session.execute(rows.order_by(_p.id.desc()).limit(most)).mappings()
    return [dict(row) for row in found]


def one(session: Session, which: str) -> Row:
    """An entry with the names of whom it tells."""
    return dict(session.execute(_ROWS.where(_p.id == which)).mappings().one())


# — what a score counts —


def beside(
    session: Session,
    actor: Actor,
    report: Report,
    asked: Asked,
    by: Sequence[str],
    rows: Sequence[Row],
    at: datetime,
) -> list[Row]:
    """The groups of a report with the points of each, where each is the whole of a unit.

    Points belong to a unit's whole score. They are in no part of it (a class, a level, a place of several),
    in no unit above it, and in no total.
    """
    if asked.only or asked.within is not None or len(by) != 1 or by[0] not in ("unit", "place"):
        return list(rows)
    found = counted(session, actor, report, asked.first, asked.last, at)
    return [{**row, **found.get(row[by[0]] or "", {})} for row in rows]


def counted(session: Session, actor: Actor, report: Report, first: date, last: date, at: datetime) -> Points:
    """The points of every unit of the actor's scope, as they stood at an instant.

    A unit without an entry has zeros; one outside the scope is not in it: its score is not seen whole.
    """
    scores = [each.key for each in report.measures.values() if each.weighted]
    if not scores:
        return {}
    none = {f"{key}_{way}": 0.0 for key in scores for way in ("added", "taken")}
    found = {code: dict(none) for code in query.codes_below(session, actor)}
    rows = _sums(report.key, first, last, at)
    counting: Sequence[Any] = session.execute(rows).all()
    for unit, measure, added, taken in counting:
        if unit in found and f"{measure}_added" in none:
            found[unit] |= {
                f"{measure}_added": round(float(added), 2),
                f"{measure}_taken": round(float(taken), 2),
            }
    return found


def _sums(process: str, first: date, last: date, at: datetime) -> Any:
    ways = [func.sum(case((sign, func.abs(_p.points)), else_=0)) for sign in (_p.points > 0, _p.points < 0)]
    standing = and_(_p.decided_at <= at, or_(_p.revoked_at.is_(None), _p.revoked_at > at))
    return (
        select(_p.unit, _p.measure, *ways)
        .where(_p.process_key == process, _p.day.between(first, last), _p.state != "refused", standing)
        .group_by(_p.unit, _p.measure)
    )


# — who may, and about what —


def _taken(session: Session, actor: Actor, report: Report, which: str) -> Row:
    """The entry, locked, for who may approve there."""
    require(actor, SCORE_APPROVE)
    found = session.execute(_LOCKED, {"which": which}).mappings().one_or_none()
    if found is None or found["process_key"] != report.key:
        raise NotFound
    _judged(session, actor, found["unit"], SCORE_APPROVE)
    return dict(found)


def _judged(session: Session, actor: Actor, code: str, permission: str) -> None:
    """Raises NotFound for a unit out of scope, PermissionMissing where one only sees it."""
    unit = org.unit_by_code(session, code)
    if unit is None or not (actor.allows(permission, unit.path) or actor.allows(REPORT_READ, unit.path)):
        raise hidden(actor, code[:60])
    if not actor.allows(permission, unit.path):
        raise missing(actor, permission, code)


def _mine(session: Session, actor: Actor) -> Any:
    return dialects.one_of(_p.unit, sorted(query.codes_below(session, actor)))


def _written(
    session: Session, actor: Actor, which: str, kind: str, values: Mapping[str, Any], when: str
) -> Row:
    now = clock.now(session)
    session.execute(update(score_points).where(_p.id == which).values({**values, when: now}))
    about = {name: each for name, each in values.items() if not name.endswith("_by")}
    streams.append(session, Entry(streams.ADMIN, kind, actor.id, which, about, now))
    return one(session, which)


def _score(report: Report, key: str) -> Measure:
    found = report.measures.get(key)
    if found is None or not found.weighted:
        scores = "、".join(
            f"{each.key}（{each.label}）" for each in report.measures.values() if each.weighted
        )
        said = f"只有得分可以加分、扣分；这个统计有 {scores}。" if scores else "这个统计没有得分。"
        raise _refused("/measure", "measure-unknown", said)
    return found


def _worth(points: float) -> None:
    if not 0 < abs(points) <= MOST_POINTS or round(points, 2) != points:
        said = f"加分写正数，扣分写负数，不超过 {MOST_POINTS} 分，最多两位小数。"
        raise _refused("/points", "value-invalid", said)


def _refused(at: str, code: str, says: str) -> PointsRefused:
    return PointsRefused(says, errors=[FieldError(at, code, says)])
