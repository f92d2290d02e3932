"""What residents did with what they were shown, as numbers: of many publications with few questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, func, select

from app.core.db import Session
from app.publications.models import SHOWN, comments, likes, signups, stars


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
    stars: dict[str, Stars] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        """Over all aspects and people."""
        given = sum(each.number for each in self.stars.values())
        total = sum(each.mean * each.number for each in self.stars.values())
        return round(total / given, 2) if given else None


NOTHING = Counted()


def _asked(table: Any, *what: Any) -> Any:
    column = table.c.publication_id
    return select(column, *what).where(column.in_(bindparam("ids", expanding=True))).group_by(column)


_LIKES = _asked(likes, func.count().label("likes"))
_COMMENTS = _asked(comments, func.count().label("comments")).where(comments.c.state == SHOWN)
_SIGNED_UP = _asked(
    signups,
    func.sum(signups.c.people).label("signed_up"),
    func.coalesce(func.sum(signups.c.people).filter(signups.c.checked_in_at.is_not(None)), 0).label(
        "checked_in"
    ),
)
_RATERS = _asked(stars, func.count(stars.c.person_id.distinct()).label("raters"))
_STARS = _asked(
    stars, stars.c.aspect, func.sum(stars.c.stars).label("total"), func.count().label("number")
).group_by(stars.c.aspect)


def of(session: Session, ids: Sequence[str]) -> Mapping[str, Counted]:
    """The numbers by publication; all of `ids` are there."""
    found = {each: Counted() for each in ids}
    if not ids:
        return found
    for question in (_LIKES, _COMMENTS, _SIGNED_UP, _RATERS):
        for row in session.execute(question, {"ids": list(ids)}).mappings():
            for name, value in row.items():
                if name != "publication_id":
                    setattr(found[row["publication_id"]], name, int(value))
    for row in session.execute(_STARS, {"ids": list(ids)}).mappings():
        mean = round(float(row["total"]) / row["number"], 2)
        found[row["publication_id"]].stars[row["aspect"]] = Stars(mean, row["number"])
    return found
