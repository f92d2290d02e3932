"""Tables of what residents see and do. What is shown is read from the case each time; the row holds only
what lists are searched by, and is kept in step with the case (following.py)."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    not_,
    or_,
    select,
)

from app.bundles.publishing import CLOSED, HIDDEN
from app.cases.models import cases
from app.cases.motion import RESERVED
from app.core import dialects
from app.core.db import Id, Instant, Session, metadata

SHOWN = "shown"
OPEN = "open"
STANDS = {OPEN: "进行中", CLOSED: "已结束", HIDDEN: "不再显示"}
"""How a publication stands, worked out from its own state and its case's."""
PENDING = "pending"
OBJECTED = "objected"
COMMENTS = {SHOWN: "已显示", PENDING: "待审核", HIDDEN: "已隐藏", OBJECTED: "异议"}
ASKED, CONFIRMED, DECLINED, CANCELLED = "asked", "confirmed", "declined", "cancelled"
BOOKINGS = {ASKED: "待答复", CONFIRMED: "已约定", DECLINED: "未能约定", CANCELLED: "已取消"}


def _of(table: str, *, key: bool = False) -> Column[Any]:
    fk = ForeignKey("publications.id", name=f"fk_{table}_of")
    return Column("publication_id", Id, fk, nullable=False, primary_key=key)


def _by(table: str, *, key: bool = False) -> Column[Any]:
    fk = ForeignKey("people.id", name=f"fk_{table}_person")
    return Column("person_id", Id, fk, nullable=False, primary_key=key)


publications = Table(
    "publications",
    metadata,
    Column("id", Id, primary_key=True),
    # No foreign key: a diagram may show a case in the transaction in which it comes to be.
    Column("case_id", Id, nullable=False),
    Column("name", String(60), nullable=False),  # what process.yaml calls it
    Column("process_key", String(60), nullable=False),
    Column("section", String(60), nullable=False),
    Column("audience", String(10), nullable=False),  # publishing.EVERYONE | MEMBERS
    Column("ended", String(10), nullable=False),  # what becomes of it when the case has ended
    Column("state", String(10), nullable=False),  # shown | closed | hidden, as the diagram said
    Column("shown_at", Instant, nullable=False),
    Column("hidden_at", Instant),
    Column("reason", Text),
    Column("title", String(200), nullable=False),
    Column("category", String(200)),
    Column("status", String(60)),  # the public word
    Column("words", Text, nullable=False),  # its texts, folded, for searching
    Column("lng", Float),
    Column("lat", Float),
    Column("seats", Integer),  # none: as many as come
    Column("until", Instant),
    Column("taken", Integer, nullable=False),  # people signed up, companions too
    UniqueConstraint("case_id", "name", name="uq_publications_name"),
    Index("ix_publications_section", "section", "id"),
)

likes = Table(
    "publication_likes",
    metadata,
    _of("publication_likes", key=True),
    _by("publication_likes", key=True),
    Column("at", Instant, nullable=False),
    Index("ix_publication_likes_person", "person_id", "publication_id"),
    sqlite_with_rowid=False,
)

comments = Table(
    "publication_comments",
    metadata,
    Column("id", Id, primary_key=True),
    _of("publication_comments"),
    _by("publication_comments"),
    Column("text", Text, nullable=False),
    Column("rating", Boolean, nullable=False),  # said beside the stars
    Column("state", String(10), nullable=False),  # COMMENTS
    Column("at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", String(60)),
    Column("reason", Text),
    Index("ix_publication_comments_page", "publication_id", "id"),
)

stars = Table(
    "publication_stars",
    metadata,
    _of("publication_stars", key=True),
    _by("publication_stars", key=True),
    Column("aspect", String(30), primary_key=True),
    Column("stars", Integer, nullable=False),  # 1–5
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

signups = Table(
    "publication_signups",
    metadata,
    Column("id", Id, primary_key=True),
    _of("publication_signups"),
    _by("publication_signups"),
    Column("people", Integer, nullable=False),  # oneself and who comes along
    Column("at", Instant, nullable=False),
    Column("checked_in_at", Instant),
    Column("checked_in_by", String(60)),
    UniqueConstraint("publication_id", "person_id", name="uq_publication_signups"),
    Index("ix_publication_signups_person", "person_id", "publication_id"),
)

bookings = Table(
    "publication_bookings",
    metadata,
    Column("id", Id, primary_key=True),
    _of("publication_bookings"),
    _by("publication_bookings"),
    Column("wanted_at", Instant, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(10), nullable=False),  # BOOKINGS
    Column("at", Instant, nullable=False),
    Column("answer", Text),
    Column("answered_at", Instant),
    Column("answered_by", String(60)),
    Index("ix_publication_bookings_page", "publication_id", "id"),
)

readers = Table(
    "publication_readers",  # who looked on a day, until the day is over and they are a number (reads)
    metadata,
    _of("publication_readers", key=True),
    Column("day", Date, primary_key=True),
    _by("publication_readers", key=True),
    Index("ix_publication_readers_day", "day"),
    sqlite_with_rowid=False,
)

reads = Table(
    "publication_reads",
    metadata,
    _of("publication_reads", key=True),
    Column("day", Date, primary_key=True),
    Column("people", Integer, nullable=False),
    sqlite_with_rowid=False,
)

STANDS_NOW = case(
    (
        or_(
            publications.c.state == HIDDEN,
            cases.c.state.in_(("cancelled", "merged")),
            and_(cases.c.state == "closed", publications.c.ended == HIDDEN),
        ),
        HIDDEN,
    ),
    (
        or_(
            publications.c.state == CLOSED,
            cases.c.state == "suspended",
            and_(cases.c.state == "closed", publications.c.ended == CLOSED),
        ),
        CLOSED,
    ),
    else_=OPEN,
)
FULL = and_(publications.c.seats.is_not(None), publications.c.taken >= publications.c.seats)


def over(now: datetime) -> ColumnElement[bool]:
    """Past the last instant for signing up."""
    return and_(publications.c.until.is_not(None), publications.c.until < now)


def to_be_had(now: datetime) -> ColumnElement[bool]:
    """Open, not over, and not without a seat left."""
    return and_(STANDS_NOW == OPEN, not_(over(now)), not_(FULL))


FOUND = select(
    publications,
    STANDS_NOW.label("stands"),
    cases.c.version_id,
    cases.c.org_path,
    cases.c.data,
    cases.c.state.label("case_state"),
    *(cases.c[name].label(f"case_{name}") for name in RESERVED),
).join(cases, cases.c.id == publications.c.case_id)
"""Publications, each with the case that it is shown of."""

Row = dict[str, Any]

_ONE = FOUND.where(publications.c.id == bindparam("which"))
_LOCK = dialects.locked(select(publications.c.id).where(publications.c.id == bindparam("which")))


def one(session: Session, publication_id: str) -> Row | None:
    """A publication with its case, whoever asks."""
    row = session.execute(_ONE, {"which": publication_id}).mappings().one_or_none()
    return dict(row) if row is not None else None


def locked(session: Session, publication_id: str) -> Row | None:
    """The same, until the end of the transaction nobody else's."""
    session.execute(_LOCK, {"which": publication_id}).first()
    return one(session, publication_id)
