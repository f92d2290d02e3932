"""Voting: one ballot a person, online or on paper, and who leaves the roll before (回避)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, update

from app.audit import streams
from app.audit.streams import Entry
from app.cases.advance import answered
from app.cases.attachments import models as attachments
from app.core import clock
from app.core.db import Session
from app.core.errors import FieldError, NotFound
from app.core.once import Once
from app.identity import org
from app.identity.actor import Actor
from app.identity.permissions import POLL_MANAGE
from app.identity.scopes import hidden
from app.polls import box, models
from app.polls.errors import AlreadyVoted, BallotRefused, NotEligible, PollClosed, ReceiptTaken
from app.polls.matters import Matter, matter_of
from app.polls.models import OFFLINE, ONLINE, OPEN, Row, poll_ballots, poll_roll
from app.polls.tally import Ballot
from app.polls.viewing import seen_by_staff

STREAM = "polls"
"""The audit stream that says that somebody voted, never what."""

Choices = Mapping[int, Sequence[int]]
"""Matter → the options chosen, by place; none is an abstention."""

_RECUSE = (
    update(poll_roll)
    .where(poll_roll.c.poll_id == bindparam("poll"), poll_roll.c.person_id == bindparam("person"))
    .values(recused_by=bindparam("by"), reason=bindparam("why"))
)


@dataclass(frozen=True)
class Paper:
    """Ballots on paper: who handed one in, and what they say. In a secret poll the lists are not paired."""

    people: tuple[str, ...]
    ballots: tuple[Choices, ...]
    proof: str


def cast(actor: Actor, poll_id: str, choices: Choices, code: str, request: Once | None = None) -> Any:
    """A resident's own ballot. `code` is the receipt code that the voter chose by chance.

    Raises NotFound for who is not on the roll, AlreadyVoted, PollClosed, NotEligible, BallotRefused,
    ReceiptTaken.
    """

    def act(session: Session) -> Any:
        poll = _locked(session, poll_id)
        line = models.on_roll(session, poll_id, actor.id)
        if line is None:
            raise hidden(actor, poll_id)
        if models.voted(session, poll_id, actor.id) is not None:
            raise AlreadyVoted
        now = _still_open(session, poll)
        if line["recused_by"] is not None:
            raise NotEligible
        matters = [matter_of(row) for row in models.matters_of(session, poll_id)]
        ballots = _ballots(poll_id, matters, choices, code, "/choices")
        _keep(session, poll, ballots, actor.id)
        models.add_voters(session, [_voter(poll, actor.id, ONLINE, now)])
        streams.append(session, Entry(STREAM, "poll.voted", actor.id, poll_id, {"channel": ONLINE}, now))
        return poll

    return answered(act, request)


def enter_paper(actor: Actor, poll_id: str, paper: Paper, request: Once | None = None) -> Any:
    """Ballots on paper, entered with proof: an attachment of the case. All of them or none.

    Raises AlreadyVoted naming who has voted already, BallotRefused, PollClosed, PermissionMissing.
    """

    def act(session: Session) -> Any:
        poll = _locked(session, poll_id)
        seen_by_staff(session, actor, poll_id, POLL_MANAGE)
        now = _still_open(session, poll)
        _check_paper(session, poll, paper)
        people = _voters_named(session, poll_id, paper.people)
        matters = [matter_of(row) for row in models.matters_of(session, poll_id)]
        for i, choices in enumerate(paper.ballots):
            code = secrets.token_urlsafe(24)  # nobody keeps it: the paper itself is the proof
            ballots = _ballots(poll_id, matters, choices, code, f"/ballots/{i}/choices")
            _keep(session, poll, ballots, people[i])
        more = {"entered_by": actor.id, "proof_id": paper.proof}
        models.add_voters(session, [{**_voter(poll, who, OFFLINE, now), **more} for who in sorted(people)])
        told = {"channel": OFFLINE, "people": sorted(people), "proof": paper.proof}
        streams.append(session, Entry(STREAM, "poll.entered", actor.id, poll_id, told, now))
        return {"poll": poll, "entered": len(people)}

    return answered(act, request)


def recuse(actor: Actor, poll_id: str, person: str | None, reason: str, request: Once | None = None) -> Any:
    """回避: a resident leaves the roll himself, or staff say who is to leave it (by login).

    Raises AlreadyVoted, PollClosed, NotFound, PermissionMissing.
    """

    def act(session: Session) -> Any:
        poll = _locked(session, poll_id)
        if person is None:
            who = actor.id
            if models.on_roll(session, poll_id, who) is None:
                raise hidden(actor, poll_id)
        else:
            seen_by_staff(session, actor, poll_id, POLL_MANAGE)
            who = _voters_named(session, poll_id, (person,), at="/person")[0]
        if models.voted(session, poll_id, who) is not None:
            raise AlreadyVoted
        now = _still_open(session, poll)
        session.execute(_RECUSE, {"poll": poll_id, "person": who, "by": actor.id, "why": reason})
        streams.append(session, Entry(STREAM, "poll.recused", actor.id, poll_id, {"person": who}, now))
        return poll

    return answered(act, request)


def _locked(session: Session, poll_id: str) -> Row:
    poll = models.locked(session, poll_id)
    if poll is None:
        raise NotFound
    return poll


def _still_open(session: Session, poll: Row) -> datetime:
    """The instant, after any wait for the poll's lock. Raises PollClosed."""
    now = clock.now(session)
    if poll["state"] != OPEN or now >= poll["ends_at"]:
        raise PollClosed
    return now


def _ballots(poll_id: str, matters: Sequence[Matter], choices: Choices, code: str, at: str) -> list[Ballot]:
    """A ballot as rows. Raises BallotRefused, which points at the matter and never says what was chosen."""
    errors = [
        FieldError(f"{at}/{place}", "matter-unknown", "没有这一项表决事项。")
        for place in choices
        if place not in {matter.place for matter in matters}
    ]
    found: list[Ballot] = []
    for matter in matters:
        chosen = list(choices.get(matter.place, ()))
        wrong = _wrong(matter, chosen)
        if wrong:
            errors.append(FieldError(f"{at}/{matter.place}", wrong[0], f"“{matter.title}”{wrong[1]}"))
        receipt = box.receipt_of(poll_id, matter.place, code)
        found += [(matter.place, receipt, choice) for choice in chosen or [0]]
    if errors:
        raise BallotRefused(errors=errors)
    return found


def _wrong(matter: Matter, chosen: Sequence[int]) -> tuple[str, str] | None:
    if not chosen and not matter.abstention:
        return "choice-missing", "没有选，不能弃权。"
    if len(chosen) > matter.most:
        return "too-many-choices", f"最多选 {matter.most} 项。"
    if len(set(chosen)) < len(chosen) or any(not 1 <= each <= len(matter.options) for each in chosen):
        return "choice-unknown", f"的选项应为 1 至 {len(matter.options)} 中各不相同的。"
    return None


def _keep(session: Session, poll: Row, ballots: list[Ballot], person: str) -> None:
    """Into the box; in a real-name poll as rows that say whose they are. Raises ReceiptTaken."""
    there = box.look(session, poll["id"]) if poll["secret"] else _kept(session, poll["id"])
    if {ballot[:2] for ballot in there} & {ballot[:2] for ballot in ballots}:
        raise ReceiptTaken
    if poll["secret"]:
        box.fill(session, poll["id"], [*there, *ballots])
        return
    rows = [
        {"poll_id": poll["id"], "matter": matter, "receipt": receipt, "choice": choice, "person_id": person}
        for matter, receipt, choice in ballots
    ]
    session.execute(insert(poll_ballots), rows)


def _kept(session: Session, poll_id: str) -> list[Ballot]:
    rows = models.ballots_of(session, poll_id)
    return [(row["matter"], bytes(row["receipt"]), row["choice"]) for row in rows]


def _voter(poll: Row, person: str, channel: str, now: datetime) -> Row:
    return {
        "poll_id": poll["id"],
        "person_id": person,
        "channel": channel,
        "entered_by": None,
        "proof_id": None,
        "voted_at": None if poll["secret"] else now,
    }


def _check_paper(session: Session, poll: Row, paper: Paper) -> None:
    errors = []
    if len(paper.people) != len(paper.ballots):
        zh = f"有 {len(paper.people)} 个人，{len(paper.ballots)} 张票，应当一样多。"
        errors.append(FieldError("/ballots", "ballots-and-people", zh))
    if not attachments.kept(session, poll["case_id"], [paper.proof]):
        errors.append(FieldError("/proof", "attachment-unknown", "没有这个附件，请先把凭证上传到办件。"))
    if errors:
        raise BallotRefused(errors=errors)


def _voters_named(session: Session, poll_id: str, logins: Sequence[str], at: str = "/people") -> list[str]:
    """The ids of these people of the roll. Raises BallotRefused, AlreadyVoted, with who it is."""
    known = org.people_by_login(session, logins)
    errors, voted = [], []
    for i, login in enumerate(logins):
        where = at if at == "/person" else f"{at}/{i}"
        person = known.get(login)
        line = models.on_roll(session, poll_id, person.id) if person else None
        if line is None or line["recused_by"] is not None or logins.index(login) < i:
            zh = f"“{login}”不在名单上、已经回避，或写了两次。"
            errors.append(FieldError(where, "not-on-the-roll", zh))
        elif person and models.voted(session, poll_id, person.id) is not None:
            voted.append(FieldError(where, "already-voted", f"“{login}”已经投过票。"))
    if errors:
        raise BallotRefused(errors=errors)
    if voted:
        raise AlreadyVoted(errors=voted)
    return [known[login].id for login in logins]
