"""Tables of polls. Secret ballots lead to nobody: they have no person, no time and no order.

While a secret poll is open all its ballots are one sealed value, sorted anew with every vote; once it is
closed they become rows, written in the order of their receipts in one statement.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
)

from app.cases.models import cases
from app.core import dialects
from app.core.db import Id, Instant, Json, Session, metadata
from app.crypto.sealed import SealedBytes

OPEN, CLOSED, CANCELLED = "open", "closed", "cancelled"
STATES = {OPEN: "投票中", CLOSED: "已结束", CANCELLED: "已作废"}
OVER = ("closed", "cancelled")
"""States of a case for which nobody votes any more."""
ONLINE, OFFLINE = "online", "offline"
CHANNELS = {ONLINE: "线上", OFFLINE: "线下"}

polls = Table(
    "polls",
    metadata,
    Column("id", Id, primary_key=True),
    # No foreign key: a diagram may open a poll in the transaction in which its case comes to be.
    Column("case_id", Id, nullable=False),
    Column("org_path", String(400), nullable=False),  # whose members vote
    Column("name", String(60), nullable=False),  # what the diagram calls it
    Column("attempt", Integer, nullable=False),  # 1, 2, …: a step done again opens it anew
    Column("title", String(200), nullable=False),
    Column("secret", Boolean, nullable=False),
    Column("live", Boolean, nullable=False),  # counts are shown while it is open
    Column("quorum", String(20), nullable=False),
    Column("passes", String(40), nullable=False),
    Column("state", String(10), nullable=False),  # STATES
    Column("opened_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("result", String(10)),  # tally.RESULTS
    Column("counts", Json),  # what the close counted, matter by matter
    Column("digest", LargeBinary),  # SM3 of the published list, also in the case's audit chain
    UniqueConstraint("case_id", "name", "attempt", name="uq_polls_name"),
    Index("ix_polls_state", "state", "id"),
)

poll_matters = Table(
    "poll_matters",
    metadata,
    Column("poll_id", Id, ForeignKey("polls.id", name="fk_poll_matters_poll"), primary_key=True),
    Column("place", Integer, primary_key=True),  # 1, 2, …
    Column("title", String(200), nullable=False),
    Column("options", Json, nullable=False),  # texts; a ballot names them by place, 1, 2, …
    Column("most", Integer, nullable=False),  # how many of them one may choose
    Column("abstention", Boolean, nullable=False),
)

# The electoral roll: who was an approved member when the poll opened.
poll_roll = Table(
    "poll_roll",
    metadata,
    Column("poll_id", Id, ForeignKey("polls.id", name="fk_poll_roll_poll"), primary_key=True),
    Column("person_id", Id, ForeignKey("people.id", name="fk_poll_roll_person"), primary_key=True),
    Column("recused_by", String(60)),
    Column("reason", Text),
    Index("ix_poll_roll_person", "person_id", "poll_id"),
    sqlite_with_rowid=False,
)

# Who has voted: one row a person, whichever way. `voted_at` stays empty in a secret poll.
poll_voters = Table(
    "poll_voters",
    metadata,
    Column("poll_id", Id, ForeignKey("polls.id", name="fk_poll_voters_poll"), primary_key=True),
    Column("person_id", Id, ForeignKey("people.id", name="fk_poll_voters_person"), primary_key=True),
    Column("channel", String(10), nullable=False),  # CHANNELS
    Column("entered_by", String(60)),  # who entered an offline ballot
    Column("proof_id", Id),  # the attachment that shows it
    Column("voted_at", Instant),
    sqlite_with_rowid=False,
)

# What was chosen: one row an option; option 0 is an abstention. `person_id` stays empty in a secret poll.
poll_ballots = Table(
    "poll_ballots",
    metadata,
    Column("poll_id", Id, ForeignKey("polls.id", name="fk_poll_ballots_poll"), primary_key=True),
    Column("matter", Integer, primary_key=True),
    Column("receipt", LargeBinary(16), primary_key=True),
    Column("choice", Integer, primary_key=True),
    Column("person_id", Id),
    sqlite_with_rowid=False,
)

# The ballot box of an open secret poll: all ballots in one sealed value.
poll_boxes = Table(
    "poll_boxes",
    metadata,
    Column("poll_id", Id, ForeignKey("polls.id", name="fk_poll_boxes_poll"), primary_key=True),
    Column("ballots", SealedBytes, nullable=False),
)

# How far along the roll people were told that a poll opened, or is about to end.
poll_tellings = Table(
    "poll_tellings",
    metadata,
    Column("poll_id", Id, ForeignKey("polls.id", name="fk_poll_tellings_poll"), primary_key=True),
    Column("event", String(20), primary_key=True),  # poll.opened | poll.closing
    Column("reached", String(36), nullable=False),  # the person up to whom all were told
    Column("ended_at", Instant),
    sqlite_with_rowid=False,
)

_CASE = select(cases.c.state).where(cases.c.id == polls.c.case_id).scalar_subquery().label("case_state")
FOUND = select(polls, _CASE)
"""Polls, each with the state of its case: an open one whose case is over is void without a word."""
_LOCKED = dialects.locked(FOUND.where(polls.c.id == bindparam("poll")))
_MATTERS = select(poll_matters).where(poll_matters.c.poll_id == bindparam("poll"))
_ON_ROLL = select(poll_roll).where(
    poll_roll.c.poll_id == bindparam("poll"), poll_roll.c.person_id == bindparam("person")
)
_VOTED = select(poll_voters).where(
    poll_voters.c.poll_id == bindparam("poll"), poll_voters.c.person_id == bindparam("person")
)
_ELIGIBLE = (
    select(func.count())
    .select_from(poll_roll)
    .where(poll_roll.c.poll_id == bindparam("poll"), poll_roll.c.recused_by.is_(None))
)
_VOTERS = select(func.count()).select_from(poll_voters).where(poll_voters.c.poll_id == bindparam("poll"))
_BALLOTS = (
    select(poll_ballots)
    .where(poll_ballots.c.poll_id == bindparam("poll"))
    .order_by(poll_ballots.c.matter, poll_ballots.c.receipt, poll_ballots.c.choice)
)
_NEW_VOTER = insert(poll_voters)

Row = dict[str, Any]


def locked(session: Session, poll_id: str) -> Row | None:
    """The poll, until the end of the transaction nobody else's."""
    row = session.execute(_LOCKED, {"poll": poll_id}).mappings().one_or_none()
    return poll_of(row) if row is not None else None


def poll_of(found: Any) -> Row:
    """A row of FOUND, void if its case is over."""
    row = dict(found)
    over = row.pop("case_state") in OVER
    return {**row, "state": CANCELLED} if over and row["state"] == OPEN else row


def matters_of(session: Session, poll_id: str) -> list[Row]:
    """What is voted on, in order."""
    found = session.execute(_MATTERS.order_by(poll_matters.c.place), {"poll": poll_id})
    return [dict(row) for row in found.mappings()]


def on_roll(session: Session, poll_id: str, person: str) -> Row | None:
    """Somebody's line of the roll."""
    row = session.execute(_ON_ROLL, {"poll": poll_id, "person": person}).mappings().one_or_none()
    return dict(row) if row is not None else None


def voted(session: Session, poll_id: str, person: str) -> Row | None:
    """That somebody has voted, and how the ballot came."""
    row = session.execute(_VOTED, {"poll": poll_id, "person": person}).mappings().one_or_none()
    return dict(row) if row is not None else None


def eligible(session: Session, poll_id: str) -> int:
    """How many may vote: all on the roll but those who were recused."""
    return int(session.scalar(_ELIGIBLE, {"poll": poll_id}))


def turnout(session: Session, poll_id: str) -> int:
    """How many have voted."""
    return int(session.scalar(_VOTERS, {"poll": poll_id}))


def ballots_of(session: Session, poll_id: str) -> list[Row]:
    """The rows of all ballots, by matter and receipt."""
    return [dict(row) for row in session.execute(_BALLOTS, {"poll": poll_id}).mappings()]


def add_voters(session: Session, rows: list[Row]) -> None:
    """These people have voted now."""
    session.execute(_NEW_VOTER, rows)
