"""Who acts for whom: set up by oneself or by an account administrator, listed, ended before its time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, exists, insert, or_, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.bundles import store
from app.cases.verbs import guard
from app.core import clock, dialects, events
from app.core.clock import BEIJING
from app.core.db import Session
from app.core.errors import FieldError, NotFound
from app.core.ids import new_id
from app.identity import login, org
from app.identity.actor import Actor, covers
from app.identity.models import appointments, people, substitutions
from app.identity.permissions import SUBSTITUTION_MANAGE, TASK_COMPLETE, TASK_READ
from app.identity.scopes import missing, require, unit_scope
from app.notices.telling import Notice, tell
from app.substitutes.errors import (
    SubstitutionChain,
    SubstitutionOver,
    SubstitutionOverlap,
    SubstitutionRefused,
)

Row = dict[str, Any]

LONGEST = timedelta(days=366)
EVERY = "全部流程"

_person, _substitute = people.alias("person"), people.alias("substitute")
_ROWS = select(
    substitutions,
    _person.c.login.label("person_login"),
    _person.c.name.label("person_name"),
    _substitute.c.login.label("substitute_login"),
    _substitute.c.name.label("substitute_name"),
).select_from(
    substitutions.join(_person, _person.c.id == substitutions.c.person_id).join(
        _substitute, _substitute.c.id == substitutions.c.substitute_id
    )
)
_LOCK_PEOPLE = dialects.locked(
    select(people.c.id).where(people.c.id.in_(bindparam("ids", expanding=True))).order_by(people.c.id)
)
_LOCKED = dialects.locked(select(substitutions.c.id).where(substitutions.c.id == bindparam("which")))
_NEAR = select(substitutions).where(
    substitutions.c.ended_at.is_(None),
    substitutions.c.valid_from < bindparam("until"),
    substitutions.c.valid_until > bindparam("begin"),
    or_(
        substitutions.c.person_id.in_(bindparam("ids", expanding=True)),
        substitutions.c.substitute_id.in_(bindparam("ids", expanding=True)),
    ),
)


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: logins, instants, keys of processes (None: every one)."""

    person: str | None
    substitute: str
    begin: datetime | None
    until: datetime
    processes: tuple[str, ...] | None
    reason: str


def create(session: Session, actor: Actor, wanted: Wanted) -> Row:
    """甲 acts for 乙 from and until. Raises SubstitutionRefused, SubstitutionOverlap, SubstitutionChain."""
    now = clock.now(session)
    begin = max(wanted.begin or now, now)
    person = _represented(session, actor, wanted.person)
    substitute = _chosen(session, actor, person, wanted.substitute)
    _dates(begin, wanted.until, now)
    keys = _keys(session, wanted.processes)
    reason = guard.noted(wanted.reason, "代理的原因")
    session.execute(_LOCK_PEOPLE, {"ids": [person.id, substitute.id]})  # two who set up at once
    _alone(session, person, substitute, begin, wanted.until, keys)
    row: Row = {
        "id": new_id(),
        "person_id": person.id,
        "substitute_id": substitute.id,
        "valid_from": begin,
        "valid_until": wanted.until,
        "processes": keys,
        "reason": reason,
        "set_by": actor.id,
        "set_at": now,
        "ended_at": None,
        "ended_by": None,
        "end_reason": None,
    }
    session.execute(insert(substitutions), row)
    about = {
        "person": person.id,
        "substitute": substitute.id,
        "from": begin.isoformat(),
        "until": wanted.until.isoformat(),
        "processes": keys,
        "reason": reason,
    }
    streams.append(session, Entry(streams.ADMIN, "substitution.set", actor.id, row["id"], about, now))
    text = (
        f"{substitute.name}从 {_minute(begin)} 到 {_minute(wanted.until)} 代理{person.name}，原因：{reason}"
    )
    _tell(session, actor, row, text, now)
    return one(session, row["id"])


def end(session: Session, actor: Actor, which: str, reason: str) -> Row:
    """Ended before its time, or called off before it began: by who is represented, by the substitute, by who
    set it up, or by an administrator. Whoever is acting by it finishes first.

    Raises NotFound for anybody else, SubstitutionOver, ReasonRequired.
    """
    session.execute(_LOCKED, {"which": which})
    row = one(session, which)
    if actor.id not in (row["person_id"], row["substitute_id"], row["set_by"]):
        _governed(session, actor, row["person_id"], row["person_login"])
    now = clock.now(session)
    if row["ended_at"] is not None or row["valid_until"] <= now:
        when = row["ended_at"] or row["valid_until"]
        raise SubstitutionOver(f"已于 {_minute(when)} 结束。", when=when.astimezone(BEIJING).isoformat())
    why = guard.noted(reason, "结束代理的原因")
    ended = {"ended_at": now, "ended_by": actor.id, "end_reason": why}
    session.execute(update(substitutions).where(substitutions.c.id == which).values(ended))
    about = {"person": row["person_id"], "substitute": row["substitute_id"], "reason": why}
    streams.append(session, Entry(streams.ADMIN, "substitution.ended", actor.id, which, about, now))
    text = f"{row['substitute_name']}不再代理{row['person_name']}，原因：{why}"
    _tell(session, actor, row, text, now)
    return {**row, **ended}


def one(session: Session, which: str) -> Row:
    """One row with the names of both. Raises NotFound."""
    row = session.execute(_ROWS.where(substitutions.c.id == which)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return dict(row)


def page(
    session: Session, actor: Actor, asked: Mapping[str, Any], limit: int, after: str | None
) -> list[Row]:
    """Up to `limit + 1`, newest first. `view`: mine (who acts for me), forMe (for whom I act), all (of the
    people whom I administer). `state`: current, coming, over, or None. Raises PermissionMissing."""
    s = substitutions.c
    query = _ROWS.order_by(s.id.desc()).limit(limit + 1)
    match asked["view"]:
        case "mine":
            query = query.where(s.person_id == actor.id)
        case "forMe":
            query = query.where(s.substitute_id == actor.id)
        case _:
            require(actor, SUBSTITUTION_MANAGE)
            mine = unit_scope(actor.permissions.get(SUBSTITUTION_MANAGE, ()), appointments.c.unit_path)
            query = query.where(exists().where(appointments.c.person_id == s.person_id, mine))
    if asked["state"] is not None:
        query = query.where(_in_state(asked["state"], clock.now(session)))
    if after is not None:
        query = query.where(s.id < after)
    return [dict(row) for row in session.execute(query).mappings()]


def state_of(row: Mapping[str, Any], now: datetime) -> str:
    """coming, current, ended (before its time) or over."""
    if row["ended_at"] is not None:
        return "ended"
    if row["valid_until"] <= now:
        return "over"
    return "coming" if row["valid_from"] > now else "current"


STATES = ("coming", "current", "over", "ended")


def _in_state(state: str, now: datetime) -> Any:
    s = substitutions.c
    held = s.ended_at.is_(None)
    return {
        "coming": and_(held, s.valid_from > now),
        "current": and_(held, s.valid_from <= now, s.valid_until > now),
        "over": and_(held, s.valid_until <= now),
        "ended": s.ended_at.is_not(None),
    }[state]


# — who may, and what may stand beside it —


def _represented(session: Session, actor: Actor, named: str | None) -> Actor:
    """Oneself, or somebody whose account one administers."""
    if named is None or named == actor.login:
        person = actor
    else:
        require(actor, SUBSTITUTION_MANAGE, subject=named)
        found = org.person_by_login(session, named)
        if found is None:
            raise NotFound
        _governed(session, actor, found.id, found.login)
        if not found.active:
            raise _refused("/person", "person-disabled", f"{found.name}的账号已停用，不能由人代理。")
        person = login.actor_by_id(session, found.id)
    if person.kind != "person" or not person.holds(TASK_COMPLETE):
        raise _refused("/person", "person-has-no-tasks", f"{person.name}没有要办的待办，不用代理。")
    return person


def _governed(session: Session, actor: Actor, person_id: str, named: str) -> None:
    """Only who administers every place where somebody is appointed; who administers none learns nothing."""
    if not actor.holds(SUBSTITUTION_MANAGE):
        events.security("out-of-scope", actor.id, named, {})
        raise NotFound
    paths = session.execute(select(appointments.c.unit_path).where(appointments.c.person_id == person_id))
    allowed = [actor.allows(SUBSTITUTION_MANAGE, path) for path in paths.scalars()]
    if not any(allowed):
        raise NotFound
    if not all(allowed):
        raise missing(actor, SUBSTITUTION_MANAGE, named)


def _chosen(session: Session, actor: Actor, person: Actor, named: str) -> Actor:
    """A colleague who does tasks: of the same unit, or of one above or below; an administrator may choose
    anybody of the units he administers."""
    if named == person.login:
        raise _refused("/substitute", "substitute-self", "不能由自己代理自己。")
    found = org.person_by_login(session, named)
    if found is None or found.kind != "person":
        raise _refused(
            "/substitute", "person-not-selectable", f"没有“{named[:60]}”这位工作人员，请核对账号。"
        )
    if not found.active:
        raise _refused("/substitute", "person-disabled", f"{found.name}的账号已停用，不能做代理人。")
    chosen = login.actor_by_id(session, found.id)
    if not (chosen.holds(TASK_READ) and chosen.holds(TASK_COMPLETE)):
        raise _refused(
            "/substitute", "person-not-selectable", f"{found.name}没有办理待办的权限，不能做代理人。"
        )
    near = any(covers(a, b) or covers(b, a) for a in chosen.unit_paths for b in person.unit_paths)
    if not near and not any(actor.allows(SUBSTITUTION_MANAGE, path) for path in chosen.unit_paths):
        message = f"{found.name}与{person.name}不在同一单位，也不是上下级单位，不能做代理人。"
        raise _refused("/substitute", "person-not-selectable", message)
    return chosen


def _dates(begin: datetime, until: datetime, now: datetime) -> None:
    if until <= now:
        raise _refused("/until", "date-in-past", "结束时间已经过去。")
    if until <= begin:
        raise _refused("/until", "until-before-from", "结束时间应在开始时间之后。")
    if until - begin > LONGEST:
        raise _refused("/until", "too-long", "一次代理最长一年。")


def _keys(session: Session, named: tuple[str, ...] | None) -> list[str] | None:
    if named is None:
        return None
    if not named:
        raise _refused("/processes", "required", "请写明代理哪些流程；代理全部流程的，不写这一项。")
    for i, key in enumerate(named):
        if store.head(session, key) is None:
            raise _refused(f"/processes/{i}", "process-unknown", f"没有“{key[:60]}”这个流程。")
    return sorted(set(named))


def _alone(
    session: Session,
    person: Actor,
    substitute: Actor,
    begin: datetime,
    until: datetime,
    keys: list[str] | None,
) -> None:
    """Nobody else acts for the same person and process in that time, and nobody acts through another."""
    which = {"ids": [person.id, substitute.id], "begin": begin, "until": until}
    for row in session.execute(_NEAR, which).mappings():
        when = f"{_minute(row['valid_from'])} 到 {_minute(row['valid_until'])}"
        if row["person_id"] == substitute.id:
            raise SubstitutionChain(f"{substitute.name}自己从 {when} 由别人代理，不能再代理别人。")
        if row["substitute_id"] == person.id:
            raise SubstitutionChain(f"{person.name}从 {when} 正代理别人，这段时间不能再由人代理。")
        if row["person_id"] != person.id:
            continue  # the substitute acts for others, too
        if keys is None or row["processes"] is None or set(keys) & set(row["processes"]):
            who = org.name_of(session, row["substitute_id"])
            raise SubstitutionOverlap(f"从 {when} 已由{who}代理{person.name}，请先结束，或另选时间、流程。")


def _refused(at: str, code: str, message: str) -> SubstitutionRefused:
    return SubstitutionRefused(message, errors=[FieldError(at, code, message)])


def _minute(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def _tell(session: Session, actor: Actor, row: Row, text: str, now: datetime) -> None:
    """Both know of it; who did it himself need not be told."""
    both = [each for each in (row["person_id"], row["substitute_id"]) if each != actor.id]
    key = f"substitution:{row['id']}:{now.isoformat()}"
    tell(session, both, Notice("substitution", text, key, now, by_id=actor.id))
