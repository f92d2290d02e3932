"""A poll's life: it opens with its roll, closes with its counts, or is void."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, insert, literal, select, update

from app.core.db import Session
from app.core.ids import new_id
from app.identity.memberships import members
from app.polls import box, models, tally
from app.polls.matters import Matter, matter_of
from app.polls.models import CANCELLED, CLOSED, OPEN, Row, poll_ballots, poll_matters, poll_roll, polls
from app.polls.tally import Ballot, Counted

_LAST = select(func.max(polls.c.attempt)).where(
    polls.c.case_id == bindparam("case"), polls.c.name == bindparam("name")
)
_NEWEST = (
    select(polls.c.id)
    .where(polls.c.case_id == bindparam("case"), polls.c.name == bindparam("name"))
    .order_by(polls.c.attempt.desc())
    .limit(1)
)
_VOID_NAMED = (
    update(polls)
    .where(polls.c.case_id == bindparam("case"), polls.c.name == bindparam("called"), polls.c.state == OPEN)
    .values(state=CANCELLED, closed_at=bindparam("at"))
)
_CLOSE = update(polls).where(polls.c.id == bindparam("poll"))


@dataclass(frozen=True)
class NewPoll:
    """A poll to be opened: `path` is the unit whose approved members may vote."""

    case_id: str
    path: str
    name: str
    title: str
    matters: tuple[Matter, ...]
    ends_at: datetime
    secret: bool = False
    live: bool = False
    quorum: str = ""
    passes: str = tally.USUAL_PASS


def open_(session: Session, new: NewPoll, now: datetime) -> Row:
    """The poll, with everybody on its roll who is an approved member now. One of the same name that is still
    open is void: the step is done again."""
    session.execute(_VOID_NAMED, {"case": new.case_id, "called": new.name, "at": now})
    attempt = (session.scalar(_LAST, {"case": new.case_id, "name": new.name}) or 0) + 1
    row: Row = {
        "id": new_id(),
        "case_id": new.case_id,
        "org_path": new.path,
        "name": new.name,
        "attempt": attempt,
        "title": new.title,
        "secret": new.secret,
        "live": new.live,
        "quorum": new.quorum,
        "passes": new.passes,
        "state": OPEN,
        "opened_at": now,
        "ends_at": new.ends_at,
    }
    session.execute(insert(polls), row)
    session.execute(
        insert(poll_matters),
        [
            {
                "poll_id": row["id"],
                "place": each.place,
                "title": each.title,
                "options": list(each.options),
                "most": each.most,
                "abstention": each.abstention,
            }
            for each in new.matters
        ],
    )
    who = members(new.path, now).subquery()
    listed = select(literal(row["id"]), who.c.person_id).order_by(who.c.person_id)
    session.execute(insert(poll_roll).from_select(["poll_id", "person_id"], listed))
    if new.secret:
        box.make(session, row["id"])
    return row


@dataclass(frozen=True)
class Outcome:
    """How a poll ended."""

    poll: Row
    eligible: int
    voted: int
    counted: list[Counted]
    result: str
    digest: bytes

    @property
    def lines(self) -> list[str]:
        """A sentence a matter."""
        return [each.line for each in self.counted]


def newest(session: Session, case_id: str, name: str) -> str | None:
    """The poll that a diagram means by this name."""
    return session.scalar(_NEWEST, {"case": case_id, "name": name})  # type: ignore[no-any-return]


def close(session: Session, poll: Row, now: datetime) -> Outcome:
    """Counts; the secret ballots become rows, in the order of their receipts. `poll` is locked; closing it
    again changes nothing and counts the same."""
    if poll["state"] != OPEN:
        return counted(session, poll)
    if poll["secret"]:
        rows = [
            {"poll_id": poll["id"], "matter": matter, "receipt": receipt, "choice": choice}
            for matter, receipt, choice in sorted(box.empty(session, poll["id"]))
        ]
        if rows:
            session.execute(insert(poll_ballots), rows)
    poll.update(state=CLOSED, closed_at=now)
    outcome = counted(session, poll)
    poll.update(
        result=outcome.result,
        counts=[list(each.votes.items()) for each in outcome.counted],
        digest=outcome.digest,
    )
    changed = {name: poll[name] for name in ("state", "closed_at", "result", "counts", "digest")}
    session.execute(_CLOSE.values(**changed), {"poll": poll["id"]})
    return outcome


def counted(session: Session, poll: Row) -> Outcome:
    """A count of what the rows (or the box) hold now."""
    ballots = ballots_now(session, poll)
    matters = [matter_of(row) for row in models.matters_of(session, poll["id"])]
    voted, may = models.turnout(session, poll["id"]), models.eligible(session, poll["id"])
    found = tally.count(matters, ballots, poll["passes"], voted, may)
    result = tally.result_of(found, poll["quorum"], voted, may)
    return Outcome(poll, may, voted, found, result, tally.digest(ballots))


def ballots_now(session: Session, poll: Row) -> list[Ballot]:
    """All ballots, wherever they lie now."""
    if poll["state"] != CLOSED and poll["secret"]:
        return box.look(session, poll["id"])
    rows = models.ballots_of(session, poll["id"])
    return [(row["matter"], bytes(row["receipt"]), row["choice"]) for row in rows]


def void(session: Session, case_id: str, name: str, now: datetime) -> None:
    """An open poll of this name is void; its ballots stay in their box, uncounted."""
    session.execute(_VOID_NAMED, {"case": case_id, "called": name, "at": now})
