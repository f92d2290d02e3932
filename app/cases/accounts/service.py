"""停用 and 启用 of an account: no task lies for ever on the desk of somebody who has gone."""

from typing import Any

from sqlalchemy import bindparam, delete, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.advance import answered, move
from app.cases.commands import HandBack
from app.cases.models import cases, task_queue, tasks
from app.cases.verbs import guard
from app.core import clock
from app.core.db import Session
from app.core.errors import Conflict, NotFound
from app.core.once import Once, Stored
from app.identity import org, substitutes
from app.identity.actor import Actor
from app.identity.memberships import APPROVED, memberships
from app.identity.models import appointments, people, tokens
from app.identity.permissions import ACCOUNT_DISABLE
from app.identity.scopes import missing, require

TOLD = 20
"""Tasks named in a refusal; the number of all of them is told too."""


class UserHasOpenTasks(Conflict):
    """该人员还有没有办完的待办，请先转办或办结，或选择退回待办池。"""


class OwnAccount(Conflict):
    """不能停用自己的账号，请由另一位管理员办理。"""


_HELD = (
    select(tasks.c.id, tasks.c.name, cases.c.number)
    .select_from(
        task_queue.join(tasks, tasks.c.id == task_queue.c.task_id).join(cases, cases.c.id == tasks.c.case_id)
    )
    .where(task_queue.c.holder == bindparam("desk"))
    .order_by(tasks.c.id)
)
_HOMES = select(memberships.c.unit_path).where(
    memberships.c.person_id == bindparam("person"), memberships.c.state == APPROVED
)
_PLACES = select(appointments.c.unit_path).where(appointments.c.person_id == bindparam("person"))


def disable(
    actor: Actor, login: str, reason: str, release: bool, request: Once | None = None
) -> dict[str, Any] | Stored:
    """Nobody signs in with the account any more, and every token of it has ended.

    With `release` everything that lies on the person's desk goes back to its pools, in the same transaction.
    Raises NotFound out of scope, OwnAccount, and UserHasOpenTasks, which names them.
    """

    return answered(lambda session: _disabled(session, actor, login, reason, release), request)


def _disabled(session: Session, actor: Actor, login: str, reason: str, release: bool) -> dict[str, Any]:
    person = _leaving(session, actor, login)
    reason = guard.noted(reason, "停用的原因")
    held = _held(session, person.id)
    if held and release:
        move(session, [HandBack(row["task"], person.id, person.name, reason) for row in held], actor)
    elif held:
        said = f"{person.name}还有 {len(held)} 个没有办完的待办。"
        raise UserHasOpenTasks(said, count=len(held), tasks=held[:TOLD])
    if person.active:
        session.execute(update(people).where(people.c.id == person.id).values(state="disabled"))
        session.execute(delete(tokens).where(tokens.c.person_id == person.id))
        _told(session, "account.disabled", actor, person.id, reason)
        for which in substitutes.end_with_account(session, person.id, actor.id, reason, clock.now(session)):
            _told(session, "substitution.ended", actor, which, reason)
    return _view(person, "disabled")


def enable(session: Session, actor: Actor, login: str, reason: str) -> dict[str, Any]:
    """The account may sign in again; what it held before stays where it went."""
    person = _governed(session, actor, login)
    reason = guard.noted(reason, "启用的原因")
    if not person.active:
        session.execute(update(people).where(people.c.id == person.id).values(state="active"))
        _told(session, "account.enabled", actor, person.id, reason)
    return _view(person, "active")


def _leaving(session: Session, actor: Actor, login: str) -> org.Person:
    person = _governed(session, actor, login)
    if person.id == actor.id:
        raise OwnAccount
    return person


def _governed(session: Session, actor: Actor, login: str) -> org.Person:
    """The account, when the permission holds everywhere it is appointed or, of a resident, a member; 404 when
    it holds nowhere there."""
    require(actor, ACCOUNT_DISABLE, subject=login)
    person = org.person_by_login(session, login)
    if person is None:
        raise NotFound
    places = list(session.execute(_PLACES, {"person": person.id}).scalars())
    places += list(session.execute(_HOMES, {"person": person.id}).scalars())
    allowed = [actor.allows(ACCOUNT_DISABLE, place) for place in places]
    if places and not any(allowed):
        raise NotFound
    if not all(allowed):
        raise missing(actor, ACCOUNT_DISABLE, login)
    return person


def _held(session: Session, person_id: str) -> list[dict[str, str]]:
    rows = session.execute(_HELD, {"desk": f"person:{person_id}"})
    return [{"task": row.id, "name": row.name, "case": row.number} for row in rows]


def _told(session: Session, kind: str, actor: Actor, person_id: str, reason: str) -> None:
    entry = Entry(streams.ADMIN, kind, actor.id, person_id, {"reason": reason}, clock.now(session))
    streams.append(session, entry)


def _view(person: org.Person, state: str) -> dict[str, Any]:
    return {"login": person.login, "name": person.name, "kind": person.kind, "state": state}
