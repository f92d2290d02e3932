"""Which category a text is about, by the words that the table keeps for each: a proposal and its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from app.categories.catalogue import valid
from app.categories.models import categories
from app.core.db import Instant, Session

_WORDED = (
    select(categories.c.code, categories.c.keywords)
    .where(categories.c.table_key == bindparam("table"), valid(bindparam("at", type_=Instant)))
    .order_by(categories.c.code)
)


@dataclass(frozen=True)
class Suggestion:
    """A category that can be chosen, and the words of the text that speak for it."""

    code: str
    words: tuple[str, ...]


def suggest(session: Session, table: str, text: str, at: datetime) -> Suggestion | None:
    """The category with the most and longest of its words in the text; None when no word is there.

    Of equals the one that comes first in the table: the same text always gets the same proposal.
    """
    rows = session.execute(_WORDED, {"table": table, "at": at}).all()
    return _best(tuple((row.code, tuple(row.keywords)) for row in rows), text)


def _best(worded: Sequence[tuple[str, tuple[str, ...]]], text: str) -> Suggestion | None:
    best, weight = None, 0
    for code, words in worded:
        found = tuple(word for word in words if word in text)
        weighs = sum(len(word) ** 2 for word in found)
        if weighs > weight:
            best, weight = Suggestion(code, found), weighs
    return best
