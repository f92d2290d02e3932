"""What residents did with what they were shown, as numbers: of many publications with one question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Integer, String, bindparam, func, literal, select, union_all

from app.core.db import Session
from app.publications.models import SHOWN, comments, likes, readers, reads, signups, stars


@dataclass(frozen=True)
class Stars:
    """The mean of an aspect, to two places, and of how many people."""

    mean: float
    number: int


@dataclass
class Counted:
    """The numbers of one publication."""

    likes: int = 0
    comments: int = 0
    signed_up: int = 0
    checked_in: int = 0
    raters: int = 0
    reads: int = 0
    stars: dict[str, Stars] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        """Over all aspects and people."""
        given = sum(each.number for each in self.stars.values())
        total = sum(each.mean * each.number for each in self.stars.values())
        return round(total / given, 2) if given else None


NOTHING = Counted()


def _part(table: Any, kind: str, number: Any, *, aspect: Any = None, only: Any = None) -> Any:
    """One kind of number by publication, in the shape of all parts."""
    column = table.c.publication_id
    what = aspect if aspect is not None else literal("", String(30))
    total = func.sum(table.c.stars) if aspect is not None else literal(0, Integer)
    query = select(
        column.label("publication"),
        literal(kind, String(10)).label("kind"),
        what.label("aspect"),
        number.label("number"),
        total.label("total"),
    ).where(column.in_(bindparam("ids", expanding=True)))
    query = query.group_by(column, *([aspect] if aspect is not None else []))
    return query.where(only) if only is not None else query


_ALL = union_all(
    _part(likes, "likes", func.count()),
    _part(comments, "comments", func.count(), only=comments.c.state == SHOWN),
    _part(signups, "signed_up", func.sum(signups.c.people)),
    _part(signups, "checked_in", func.sum(signups.c.people), only=signups.c.checked_in_at.is_not(None)),
    _part(reads, "reads", func.sum(reads.c.people)),
    _part(readers, "reads", func.count()),
    _part(stars, "raters", func.count(stars.c.person_id.distinct())),
    _part(stars, "stars", func.count(), aspect=stars.c.aspect),
)


def of(session: Session, ids: Sequence[str]) -> Mapping[str, Counted]:
    """The numbers by publication; all of `ids` are there. One statement."""
    found = {each: Counted() for each in ids}
    if not ids:
        return found
    for row in session.execute(_ALL, {"ids": list(ids)}):
        mine, number = found[row.publication], int(row.number)
        if row.kind == "stars":
            mine.stars[row.aspect] = Stars(round(float(row.total) / number, 2), number)
        else:
            setattr(mine, row.kind, getattr(mine, row.kind) + number)
    return found
