"""What people see of a poll: residents those on whose roll they stand, staff those of the cases they see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, exists, false, func, or_, select

from app.cases.models import cases
from app.core import clock
from app.core.db import Session, reading
from app.core.http.fields import out
from app.identity.actor import Actor
from app.identity.models import people
from app.identity.permissions import POLL_READ
from app.identity.scopes import case_scope, hidden, require
from app.polls import box, keeping, models, tally
from app.polls.errors import PollOpen
from app.polls.matters import Matter, matter_of
from app.polls.models import CANCELLED, CLOSED, OPEN, Row, poll_matters, poll_roll, poll_voters, polls

_VOTED = and_(poll_voters.c.poll_id == poll_roll.c.poll_id, poll_voters.c.person_id == poll_roll.c.person_id)
_LINES = (
    select(
        poll_roll.c.person_id.label("id"),
        people.c.login,
        people.c.name,
        poll_roll.c.recused_by,
        poll_roll.c.reason,
        poll_voters.c.channel,
        poll_voters.c.proof_id,
    )
    .join(people, people.c.id == poll_roll.c.person_id)
    .outerjoin(
        poll_voters,
        and_(poll_voters.c.poll_id == poll_roll.c.poll_id, poll_voters.c.person_id == poll_roll.c.person_id),
    )
    .where(poll_roll.c.poll_id == bindparam("poll"), poll_roll.c.person_id > bindparam("after"))
    .order_by(poll_roll.c.person_id)
    .limit(bindparam("most"))
)
_MATTERS = (
    select(poll_matters)
    .where(poll_matters.c.poll_id.in_(bindparam("polls", expanding=True)))
    .order_by(poll_matters.c.poll_id, poll_matters.c.place)
)
_NUMBERS = (
    select(
        poll_roll.c.poll_id,
        func.count().filter(poll_roll.c.recused_by.is_(None)).label("eligible"),
        func.count(poll_voters.c.person_id).label("voted"),
    )
    .outerjoin(poll_voters, _VOTED)
    .where(poll_roll.c.poll_id.in_(bindparam("polls", expanding=True)))
    .group_by(poll_roll.c.poll_id)
)
_MINE = (
    select(poll_roll.c.poll_id, poll_roll.c.recused_by, poll_voters.c.channel)
    .outerjoin(poll_voters, _VOTED)
    .where(
        poll_roll.c.poll_id.in_(bindparam("polls", expanding=True)),
        poll_roll.c.person_id == bindparam("person"),
    )
)
_NAMES = select(people.c.id, people.c.name).where(people.c.id.in_(bindparam("ids", expanding=True)))


def page(
    actor: Actor, case_id: str | None, state: str | None, limit: int, after: str | None
) -> list[dict[str, Any]]:
    """At most `limit + 1` polls, the newest first, each as `view` shows it."""
    query = models.FOUND.where(_seen(actor))
    if case_id is not None:
        query = query.where(polls.c.case_id == case_id)
    if state is not None:
        query = query.where(_stands(state))
    if after is not None:
        query = query.where(polls.c.id < after)
    with reading() as session:
        found = session.execute(query.order_by(polls.c.id.desc()).limit(limit + 1)).mappings()
        return _views(session, actor, [models.poll_of(row) for row in found])


def look(actor: Actor, poll_id: str) -> dict[str, Any]:
    """One poll. Raises NotFound."""
    with reading() as session:
        return _views(session, actor, [seen(session, actor, poll_id)])[0]


def seen(session: Session, actor: Actor, poll_id: str) -> Row:
    """Loading and being allowed are one act. Raises NotFound, PermissionMissing."""
    if actor.kind != "resident":
        require(actor, POLL_READ, subject=poll_id)
    query = models.FOUND.where(polls.c.id == poll_id, _seen(actor))
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise hidden(actor, poll_id)
    return models.poll_of(row)


def seen_by_staff(session: Session, actor: Actor, poll_id: str, permission: str) -> None:
    """The same for what residents never do. Raises NotFound, PermissionMissing."""
    poll = seen(session, actor, poll_id)
    case = session.execute(select(cases.c.org_path).where(cases.c.id == poll["case_id"])).scalar_one()
    require(actor, permission, case, subject=poll_id)


def _views(session: Session, actor: Actor, found: Sequence[Row]) -> list[dict[str, Any]]:
    """Polls as they leave the house, however many with the same few questions."""
    if not found:
        return []
    ids, now = [poll["id"] for poll in found], clock.now(session)
    matters: dict[str, list[Matter]] = {each: [] for each in ids}
    for row in session.execute(_MATTERS, {"polls": ids}).mappings():
        matters[row["poll_id"]].append(matter_of(row))
    numbers = {row.poll_id: row for row in session.execute(_NUMBERS, {"polls": ids})}
    mine = {row.poll_id: row for row in session.execute(_MINE, {"polls": ids, "person": actor.id})}
    return [_view(session, poll, matters[poll["id"]], numbers, mine, now) for poll in found]


def _view(
    session: Session,
    poll: Row,
    matters: Sequence[Matter],
    numbers: Mapping[str, Any],
    mine: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """Votes once it is closed, or always where the diagram says so."""
    here = numbers.get(poll["id"])
    eligible, voted = (int(here.eligible), int(here.voted)) if here is not None else (0, 0)
    counted: Sequence[tally.Counted] | None = None
    if poll["state"] == CLOSED:
        kept = [dict(map(tuple, votes)) for votes in poll["counts"]]
        counted = [
            tally.judged(matter, votes, poll["passes"], voted, eligible)
            for matter, votes in zip(matters, kept, strict=True)
        ]
    elif poll["live"] and poll["state"] == OPEN:
        counted = keeping.counted(session, poll).counted
    line = mine.get(poll["id"])
    return {
        "id": poll["id"],
        "case": poll["case_id"],
        "name": poll["name"],
        "attempt": poll["attempt"],
        "title": poll["title"],
        "secret": poll["secret"],
        "state": poll["state"],
        "over": poll["state"] != OPEN or now >= poll["ends_at"],
        "openedAt": out(poll["opened_at"]),
        "endsAt": out(poll["ends_at"]),
        "closedAt": out(poll["closed_at"]),
        "eligible": eligible,
        "voted": voted,
        "quorum": poll["quorum"] or None,
        "quorumMet": tally.quorum_met(poll["quorum"], voted, eligible),
        "passes": tally.pass_in_words(poll["passes"]),
        "result": poll["result"],
        "digest": bytes(poll["digest"]).hex() if poll["digest"] else None,
        "matters": [_matter(matter, counted) for matter in matters],
        "mine": line
        and {
            "voted": line.channel is not None,
            "channel": line.channel,
            "recused": line.recused_by is not None,
        },
    }


def published(actor: Actor, poll_id: str, matter: int, limit: int, after: str | None) -> list[dict[str, Any]]:
    """At most `limit + 1` receipts of a matter with what was chosen, in their order; for staff also whose
    they are, where that is no secret. Raises PollOpen, NotFound."""
    with reading() as session:
        poll = seen(session, actor, poll_id)
        if poll["state"] != CLOSED:
            raise PollOpen
        matters = {row["place"]: matter_of(row) for row in models.matters_of(session, poll_id)}
        if matter not in matters:
            raise hidden(actor, poll_id)
        rows = [row for row in models.ballots_of(session, poll_id) if row["matter"] == matter]
        ids = [row["person_id"] for row in rows if row["person_id"]]
        named = {row.id: row.name for row in session.execute(_NAMES, {"ids": ids})} if ids else {}
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        receipt = bytes(row["receipt"]).hex()
        who = named.get(row["person_id"]) if actor.kind != "resident" else None
        line = found.setdefault(receipt, {"receipt": receipt, "choices": [], "voter": who})
        line["choices"].append(matters[matter].named(row["choice"]))
    return [line for receipt, line in sorted(found.items()) if after is None or receipt > after][: limit + 1]


def check(actor: Actor, poll_id: str, code: str) -> list[dict[str, Any]]:
    """What is counted for the holder of a code, matter by matter; `counted` false where nothing is."""
    with reading() as session:
        poll = seen(session, actor, poll_id)
        matters = [matter_of(row) for row in models.matters_of(session, poll_id)]
        ballots = keeping.ballots_now(session, poll)
    lines = []
    for matter in matters:
        receipt = box.receipt_of(poll_id, matter.place, code)
        chosen = [choice for place, kept, choice in ballots if (place, kept) == (matter.place, receipt)]
        lines.append(
            {
                "matter": matter.place,
                "title": matter.title,
                "receipt": receipt.hex(),
                "counted": bool(chosen),
                "choices": [matter.named(choice) for choice in chosen],
            }
        )
    return lines


def recount(actor: Actor, poll_id: str) -> dict[str, Any]:
    """Counts the published list anew and compares: with what the close counted, with who voted, with the
    digest that the case's audit chain holds. Raises PollOpen, NotFound."""
    with reading() as session:
        poll = seen(session, actor, poll_id)
        if poll["state"] != CLOSED:
            raise PollOpen
        again = keeping.counted(session, poll)
        ballots = keeping.ballots_now(session, poll)
    receipts = [
        len({kept for place, kept, _ in ballots if place == each.matter.place}) for each in again.counted
    ]
    same = {
        "countsAgree": [list(map(list, each.votes.items())) for each in again.counted] == poll["counts"],
        "everyVoterOnce": all(number == again.voted for number in receipts),
        "digestAgrees": again.digest == bytes(poll["digest"]),
    }
    return {
        "poll": poll_id,
        "result": again.result,
        "voted": again.voted,
        "eligible": again.eligible,
        "matters": [_matter(each.matter, again.counted) for each in again.counted],
        "digest": again.digest.hex(),
        **same,
        "agrees": all(same.values()) and again.result == poll["result"],
    }


def roll(actor: Actor, poll_id: str, permission: str, limit: int, after: str | None) -> list[dict[str, Any]]:
    """At most `limit + 1` people of the roll, and whether they have voted; never what."""
    with reading() as session:
        seen_by_staff(session, actor, poll_id, permission)
        which = {"poll": poll_id, "after": after or "", "most": limit + 1}
        rows = session.execute(_LINES, which).mappings().all()
    return [
        {
            "id": row["id"],
            "login": row["login"],
            "name": row["name"],
            "voted": row["channel"] is not None,
            "channel": row["channel"],
            "proof": row["proof_id"],
            "recused": row["recused_by"] is not None,
            "reason": row["reason"],
        }
        for row in rows
    ]


def _seen(actor: Actor) -> Any:
    if actor.kind == "resident":
        return exists().where(poll_roll.c.poll_id == polls.c.id, poll_roll.c.person_id == actor.id)
    scope = case_scope(actor, POLL_READ, cases.c.org_path, cases.c.id)
    return exists().where(cases.c.id == polls.c.case_id, scope)


def _stands(state: str) -> Any:
    """Polls in a state; open ones of a case that is over are void."""
    over = exists().where(cases.c.id == polls.c.case_id, cases.c.state.in_(models.OVER))
    if state == OPEN:
        return and_(polls.c.state == OPEN, ~over)
    void = and_(polls.c.state == OPEN, over) if state == CANCELLED else false()
    return or_(polls.c.state == state, void)


def _matter(matter: Matter, counted: Sequence[tally.Counted] | None) -> dict[str, Any]:
    found = next((each for each in counted or () if each.matter.place == matter.place), None)
    options = [{"choice": place, "text": text} for place, text in enumerate(matter.options, 1)]
    if matter.abstention:
        options.append({"choice": 0, "text": matter.named(0)})
    if found is not None:
        options = [{**option, "votes": found.votes[int(str(option["choice"]))]} for option in options]
    return {
        "matter": matter.place,
        "title": matter.title,
        "most": matter.most,
        "abstention": matter.abstention,
        "options": [{"votes": None, **option} for option in options],
        "passed": found.passed if found is not None else None,
        "winner": matter.named(found.winner) if found is not None and found.winner else None,
    }
