"""A person's mailbox: what was told, newest first, what is unread, and what each wants to hear of and how."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, update

from app.bundles.keys import nearest
from app.cases.models import cases
from app.core import clock, dialects
from app.core.db import Session
from app.core.errors import FieldError, NotFound, Unprocessable
from app.core.http import etag
from app.core.http.fields import out
from app.identity.actor import SYSTEM, Actor
from app.identity.models import people
from app.identity.permissions import CASE_READ
from app.identity.scopes import case_scope
from app.notices import channels
from app.notices.models import notice_choices, notice_settings, notices
from app.notices.rules import DIGEST, in_force

Row = dict[str, Any]

EXACT = 999
"""Unread notices are counted up to here."""
USUAL: Mapping[str, Any] = {"digest": True, "quiet": True, "revision": 0}


class ChoiceRefused(Unprocessable):
    """通知设置有误，请按提示修改。"""


# — reading —


def page(
    session: Session,
    actor: Actor,
    limit: int,
    after: tuple[datetime, str] | None,
    *,
    kind: str | None = None,
    within: str | None = None,
    unread: bool = False,
) -> list[Row]:
    """Up to `limit + 1` notices, newest first; `within` one that stands for others: those.

    Number and title of a case are shown only to who sees the case now.
    """
    now = clock.now(session)
    seen = and_(cases.c.id == notices.c.case_id, case_scope(actor, CASE_READ, cases.c.org_path, cases.c.id))
    statement = (
        select(notices, cases.c.number, cases.c.title, people.c.name.label("by_name"))
        .select_from(notices.outerjoin(cases, seen).outerjoin(people, people.c.id == notices.c.by_id))
        .where(*_told(actor, now))
        .order_by(notices.c.tell_at.desc(), notices.c.id.desc())
        .limit(limit + 1)
    )
    if within is not None:
        statement = statement.where(notices.c.folded_into == within)
    elif kind is not None:
        statement = statement.where(notices.c.kind == kind)
    else:
        statement = statement.where(notices.c.folded_into.is_(None))
    if unread:
        statement = statement.where(notices.c.read_at.is_(None))
    if after is not None:
        at, last = after
        earlier = and_(notices.c.tell_at == at, notices.c.id < last)
        statement = statement.where(or_(notices.c.tell_at < at, earlier))
    return [dict(row) for row in session.execute(statement).mappings()]


def counts(session: Session, actor: Actor) -> dict[str, Any]:
    """What the bell shows, and how much is unread of each class; exact to 999."""
    statement = (
        select(notices.c.kind, notices.c.folded_into, notices.c.urgent)
        .where(*_told(actor, clock.now(session)), notices.c.read_at.is_(None))
        .limit(EXACT + 1)
    )
    rows = session.execute(statement).all()
    found = Counter(row.kind for row in rows if row.kind != DIGEST)
    kinds = in_force()
    return {
        "unread": {
            "count": min(EXACT, sum(row.folded_into is None for row in rows)),
            "totalExact": len(rows) <= EXACT,
        },
        "urgent": sum(row.urgent for row in rows),
        "classes": [
            {"class": kind, "label": kinds.kind(kind).label, "count": count}
            for kind, count in sorted(found.items())
        ],
    }


def _told(actor: Actor, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return notices.c.person_id == actor.id, notices.c.tell_at <= now


def view(row: Mapping[str, Any]) -> Row:
    """A notice as it leaves the house."""
    seen = row["number"] is not None
    return {
        "id": row["id"],
        "class": row["kind"],
        "classLabel": in_force().kind(row["kind"]).label,
        "text": row["text"],
        "case": row["case_id"] if seen else None,
        "caseNumber": row["number"],
        "caseTitle": row["title"],
        "by": SYSTEM.name if row["by_id"] == SYSTEM.id else row["by_name"],
        "urgent": row["urgent"],
        "at": out(row["at"]),
        "toldAt": out(row["tell_at"]),
        "readAt": out(row["read_at"]),
        "count": row["count"],
        "within": row["folded_into"],
    }


_READ = (
    update(notices)
    .where(
        notices.c.person_id == bindparam("who"),
        notices.c.read_at.is_(None),
        notices.c.tell_at <= bindparam("told"),
    )
    .values(read_at=bindparam("now"))
)
_one = or_(notices.c.id == bindparam("which"), notices.c.folded_into == bindparam("which"))
_inside = notices.alias("inside")
_NOTHING_LEFT = _READ.where(
    notices.c.count > 1,
    ~exists(select(_inside.c.id).where(_inside.c.folded_into == notices.c.id, _inside.c.read_at.is_(None))),
)


def read(session: Session, actor: Actor, notice_id: str) -> Row:
    """已读: one notice, and those that it stands for. Raises NotFound for another person's."""
    now = clock.now(session)
    mine = select(notices.c.id).where(notices.c.id == notice_id, *_told(actor, now))
    if session.execute(mine).one_or_none() is None:
        raise NotFound
    session.execute(_READ.where(_one), {"who": actor.id, "told": now, "now": now, "which": notice_id})
    return counts(session, actor)


def read_all(session: Session, actor: Actor, kind: str | None, until: datetime | None) -> Row:
    """全部已读: all that were told until then, or those of one class."""
    now = clock.now(session)
    how = {"who": actor.id, "told": min(until or now, now), "now": now}
    if kind is None:
        session.execute(_READ, how)
    else:
        session.execute(_READ.where(notices.c.kind == kind), how)
        session.execute(_NOTHING_LEFT, how)
    return counts(session, actor)


# — what each wants —


def wishes(session: Session, actor: Actor) -> Row:
    """How somebody is told, and of what: every class there is."""
    settings = _settings(session, actor)
    chosen = _chosen(session, actor)
    return {
        "channels": settings["channels"],
        "digest": settings["digest"],
        "quiet": settings["quiet"],
        "revision": settings["revision"],
        "available": [{"channel": key, "label": each.label} for key, each in channels.available().items()],
        "classes": [
            {
                "class": kind.key,
                "label": kind.label,
                "urgent": kind.urgent,
                "must": kind.must,
                "wanted": kind.must or chosen.get(kind.key, not kind.wished),
            }
            for kind in in_force().kinds.values()
            if kind.key != DIGEST
        ],
    }


def choose(session: Session, actor: Actor, seen: int | None, given: Mapping[str, Any]) -> Row:
    """Keeps how somebody wants to be told. Raises ChoiceRefused, Stale."""
    before = _settings(session, actor, lock=True)
    etag.agree(seen, before["revision"])
    _check(given)
    row = {name: given[name] for name in ("channels", "digest", "quiet")}
    row |= {"person_id": actor.id, "revision": before["revision"] + 1}
    session.execute(dialects.upsert(session.dialect, notice_settings, ("person_id",)), row)
    choices = [
        {"person_id": actor.id, "kind": kind, "wanted": wanted} for kind, wanted in given["classes"].items()
    ]
    if choices:
        upsert = dialects.upsert(session.dialect, notice_choices, ("person_id", "kind"))
        session.execute(upsert, choices)
    return wishes(session, actor)


def _check(given: Mapping[str, Any]) -> None:
    errors, known = [], channels.available()
    for i, channel in enumerate(given["channels"]):
        if channel not in known:
            zh = f"没有“{channel}”这个渠道；可以写{nearest(channel, known)}。"
            errors.append(FieldError(f"/channels/{i}", "channel-unknown", zh))
    kinds = {key: kind for key, kind in in_force().kinds.items() if key != DIGEST}
    for key, wanted in given["classes"].items():
        if key not in kinds:
            zh = f"没有“{key}”这一类通知；有{nearest(key, kinds)}。"
            errors.append(FieldError(f"/classes/{key}", "class-unknown", zh))
        elif not isinstance(wanted, bool):
            errors.append(FieldError(f"/classes/{key}", "invalid", "应为 true 或 false。"))
        elif kinds[key].must and not wanted:
            zh = f"“{kinds[key].label}”必须接收，不能关掉。"
            errors.append(FieldError(f"/classes/{key}", "class-must", zh))
    if errors:
        raise ChoiceRefused(errors=errors)


def _settings(session: Session, actor: Actor, *, lock: bool = False) -> Row:
    statement = select(notice_settings).where(notice_settings.c.person_id == actor.id)
    found = session.execute(dialects.locked(statement) if lock else statement).mappings().one_or_none()
    return dict(found) if found is not None else {**USUAL, "channels": list(channels.usual())}


def _chosen(session: Session, actor: Actor) -> dict[str, bool]:
    statement = select(notice_choices.c.kind, notice_choices.c.wanted)
    found: Sequence[Any] = session.execute(statement.where(notice_choices.c.person_id == actor.id)).all()
    return {row.kind: row.wanted for row in found}
