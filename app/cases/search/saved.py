"""Saved filters: a question with a name, one's own or shared with a role or with a unit and all below it.

What a filter finds is always what the one who asks may see: sharing one shares no case.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from app.cases.search import query
from app.cases.search.fields import Reading, refuse
from app.cases.search.query import Asked, Noun, Sort
from app.core import clock
from app.core.db import Id, Instant, Json, Session, metadata, reading
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.http import etag
from app.core.http.fields import out
from app.core.ids import new_id
from app.identity import org
from app.identity.actor import Actor
from app.identity.models import people
from app.identity.people import known_role, known_unit
from app.identity.permissions import FILTER_SHARE
from app.identity.scopes import require

Row = dict[str, Any]

saved_filters = Table(
    "saved_filters",
    metadata,
    Column("id", Id, primary_key=True),
    Column("owner_id", String(60), nullable=False),
    Column("kind", String(10), nullable=False),  # cases | tasks
    Column("name", String(60), nullable=False),
    Column("content", Json, nullable=False),  # filter and sort, as they were sent
    Column("share", Json, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),
    Index("ix_saved_filters_owner", "owner_id", "id"),
)

filter_shares = Table(
    "filter_shares",
    metadata,
    Column("holder", String(270), nullable=False),  # role:<key> | unit:<path>
    Column("filter_id", Id, ForeignKey("saved_filters.id"), nullable=False),
    PrimaryKeyConstraint("holder", "filter_id", name="pk_filter_shares"),
    Index("ix_filter_shares_filter", "filter_id"),
)

NOUNS = {"cases": query.CASES, "tasks": query.TASKS}
MOST_OF_ONE = 100

_ONE = (
    select(saved_filters, people.c.name.label("owner_name"))
    .outerjoin(people, people.c.id == saved_filters.c.owner_id)
    .where(saved_filters.c.id == bindparam("id"))
)
_UNSHARE = delete(filter_shares).where(filter_shares.c.filter_id == bindparam("id"))


class FiltersTooMany(Conflict):
    """保存的筛选太多了（最多 100 个），请先删去不用的。"""


def page(session: Session, actor: Actor, kind: str | None, limit: int, after: str | None) -> list[Row]:
    """Up to `limit + 1` filters of the actor and of those that were shared with them, newest first."""
    rows = (
        select(saved_filters, people.c.name.label("owner_name"))
        .outerjoin(people, people.c.id == saved_filters.c.owner_id)
        .where(_mine(actor))
        .order_by(saved_filters.c.id.desc())
        .limit(limit + 1)
    )
    if kind is not None:
        rows = rows.where(saved_filters.c.kind == kind)
    if after is not None:
        rows = rows.where(saved_filters.c.id < after)
    return [dict(row) for row in session.execute(rows).mappings()]


def visible(session: Session, actor: Actor, filter_id: str) -> Row:
    """A filter of one's own, or one that was shared. Raises NotFound."""
    row = session.execute(_ONE.where(_mine(actor)), {"id": filter_id}).mappings().one_or_none()
    if row is None:
        raise NotFound
    return dict(row)


def save(session: Session, actor: Actor, given: Mapping[str, Any]) -> Row:
    """Keeps a question under a name. Raises FilterRefused, FiltersTooMany, what sharing may raise."""
    mine = select(func.count()).select_from(saved_filters).where(saved_filters.c.owner_id == actor.id)
    if session.scalar(mine) >= MOST_OF_ONE:
        raise FiltersTooMany
    row = {
        "id": new_id(),
        "owner_id": actor.id,
        "kind": given["kind"],
        **_checked(session, actor, given["kind"], given),
        "revision": 1,
    }
    session.execute(insert(saved_filters), row)
    _share(session, actor, row)
    return {**row, "owner_name": actor.name}


def change(session: Session, actor: Actor, filter_id: str, seen: int | None, given: Mapping[str, Any]) -> Row:
    """Puts another question, name or sharing in its place. Raises NotFound, Forbidden, Stale …"""
    row = _own(session, actor, filter_id, seen)
    row.update(_checked(session, actor, row["kind"], given), revision=row["revision"] + 1)
    columns = ("name", "content", "share", "changed_at", "revision")
    session.execute(
        update(saved_filters).where(saved_filters.c.id == filter_id).values({c: row[c] for c in columns})
    )
    session.execute(_UNSHARE, {"id": filter_id})
    _share(session, actor, row)
    return row


def remove(session: Session, actor: Actor, filter_id: str, seen: int | None) -> None:
    """Deletes a filter of one's own."""
    _own(session, actor, filter_id, seen)
    session.execute(_UNSHARE, {"id": filter_id})
    session.execute(delete(saved_filters).where(saved_filters.c.id == filter_id))


def asked_of(actor: Actor, noun: Noun, filter_id: str) -> Asked:
    """The question of a saved filter. Raises NotFound, also when it asks for something else."""
    with reading() as session:
        row = visible(session, actor, filter_id)
    if NOUNS[row["kind"]] is not noun:
        raise NotFound
    content = row["content"]
    return Asked([("/filterId", content["filter"])], query.sort_of(noun, content["sort"]))


def view(row: Mapping[str, Any], actor: Actor) -> Row:
    """A filter as it leaves the house."""
    return {
        "id": row["id"],
        "kind": row["kind"],
        "name": row["name"],
        "filter": row["content"]["filter"],
        "sort": row["content"]["sort"],
        "share": row["share"],
        "owner": row["owner_name"],
        "own": row["owner_id"] == actor.id,
        "changedAt": out(row["changed_at"]),
        "revision": row["revision"],
    }


def _mine(actor: Actor) -> Any:
    shared = select(filter_shares.c.filter_id).where(filter_shares.c.holder.in_(_holders(actor)))
    return or_(saved_filters.c.owner_id == actor.id, saved_filters.c.id.in_(shared))


def _holders(actor: Actor) -> list[str]:
    above = {path for held in actor.unit_paths for path in org.ancestors(held)}
    return [
        *sorted({f"role:{appointment.role}" for appointment in actor.appointments}),
        *(f"unit:{path}" for path in sorted(above)),
    ]


def _own(session: Session, actor: Actor, filter_id: str, seen: int | None) -> Row:
    row = visible(session, actor, filter_id)
    if row["owner_id"] != actor.id:
        raise Forbidden(f"这是{row['owner_name']}共享的筛选，只有他本人可以修改；您可以另存一个。")
    etag.agree(seen, row["revision"])
    return row


def _checked(session: Session, actor: Actor, kind: str, given: Mapping[str, Any]) -> Row:
    """The parts that people fill in, once the question was understood. Raises FilterRefused."""
    noun, now = NOUNS[kind], clock.now(session)
    query.sort_of(noun, given["sort"])
    asking = Reading(session, actor, now, [])
    noun.conditions(asking, given["filter"], "/filter")
    refuse(asking.errors)
    return {
        "name": given["name"],
        "content": {"filter": given["filter"], "sort": given["sort"]},
        "share": given["share"],
        "changed_at": now,
    }


def _share(session: Session, actor: Actor, row: Row) -> None:
    """Raises PermissionMissing for a unit that is not one's own, UnitUnknown and RoleUnknown."""
    found = dict.fromkeys(_holder(session, actor, i, each) for i, each in enumerate(row["share"]))
    if found:
        session.execute(
            insert(filter_shares), [{"holder": holder, "filter_id": row["id"]} for holder in found]
        )


def _holder(session: Session, actor: Actor, i: int, share: Mapping[str, Any]) -> str:
    if share.get("unit") is not None:
        unit = known_unit(session, share["unit"], f"/share/{i}/unit")
        require(actor, FILTER_SHARE, unit.path, unit.code)
        return f"unit:{unit.path}"
    require(actor, FILTER_SHARE)
    return f"role:{known_role(session, share['role'], f'/share/{i}/role')}"


def together(saved: Asked, filter: Mapping[str, Any], sort: Sequence[Mapping[str, Any]], noun: Noun) -> Asked:
    """A saved question with more conditions, and another order when one is named."""
    order: Sort = query.sort_of(noun, sort, saved.sort)
    return Asked([*saved.filters, ("/filter", filter)], order)
