"""The words of every case, written in the transaction that changes them, and the question put to them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    Table,
    bindparam,
    event,
    select,
)

from app.cases.models import cases
from app.cases.motion import Motion
from app.cases.search import words
from app.core import dialects
from app.core.db import Id, Session, metadata
from app.core.dialects import Wanted, found_words
from app.identity.models import units

case_search = Table(
    "case_search",
    metadata,
    # A number made from the id: FTS5 knows its rows by number only.
    Column("slot", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, unique=True),
    Column("words", dialects.SearchWords, nullable=False),
)


@event.listens_for(case_search, "after_create")
def _with_index(table: Table, connection: Connection, **_: Any) -> None:
    for line in dialects.full_text(connection.dialect.name, table.name, "slot", "words"):
        connection.exec_driver_sql(line)


TEXTS = ("content",)
"""Case data whose words are kept; what is secret never stands in them."""

_SOURCE = (
    select(
        cases.c.id,
        cases.c.number,
        cases.c.external_no,
        cases.c.title,
        cases.c.data,
        units.c.name.label("place_name"),
    )
    .outerjoin(units, units.c.code == cases.c.place_unit)
    .order_by(cases.c.id)
)
_ONE = _SOURCE.where(cases.c.id == bindparam("case"))
_BATCH = _SOURCE.where(cases.c.id > bindparam("after")).limit(bindparam("most"))


def follow(motion: Motion, *, new: bool) -> None:
    """Keeps a case findable: when it was filed, and when a step changed its texts; its row is written."""
    data, before = motion.case["data"], motion.before
    if new or motion.retitled or any(data.get(name) != before.get(name) for name in TEXTS):
        _keep(motion.session, motion.session.execute(_ONE, {"case": motion.case["id"]}).mappings().all())


def rebuild(session: Session, after: str, most: int) -> tuple[int, str]:
    """Writes the words of the next cases by id anew; returns how many, and the last id."""
    rows = session.execute(_BATCH, {"after": after, "most": most}).mappings().all()
    if rows:
        _keep(session, rows)
    return len(rows), rows[-1]["id"] if rows else after


def holds(terms: Sequence[words.Term]) -> ColumnElement[bool]:
    """The rows of `case_search` in which every term is found."""
    wanted = [Wanted(term.tokens, term.prefix) for term in terms]
    return found_words(case_search.c.words, case_search.c.slot, wanted)


FEW = 2000


def few(session: Session, terms: Sequence[words.Term]) -> list[str] | None:
    """The cases in which every term is found, None when there are more than a few.

    Asked beforehand: with few of them at hand nothing else has to be read, and only an index knows how many
    words begin in a certain way.
    """
    with dialects.by_bitmap(session.connection):
        found = (
            session.execute(select(case_search.c.case_id).where(holds(terms)).limit(FEW + 1)).scalars().all()
        )
    return list(found) if len(found) <= FEW else None


def _keep(session: Session, rows: Sequence[Mapping[Any, Any]]) -> None:
    session.execute(
        dialects.upsert(session.dialect, case_search, ("slot",)),
        [{"slot": _slot(row["id"]), "case_id": row["id"], "words": _words(row)} for row in rows],
    )


def _slot(case_id: str) -> int:
    return UUID(case_id).int & (1 << 62) - 1


def _words(row: Mapping[Any, Any]) -> list[words.Token]:
    found: list[words.Token] = []
    for name in ("number", "external_no", "place_name"):
        found += words.of_name(row[name] or "")
    for text in (row["title"], *(row["data"].get(name) for name in TEXTS)):
        found += words.of_text(text if isinstance(text, str) else "")
    return found[: words.MOST_TOKENS]
