"""What residents did with what they were shown, for `measures:`: of one case, all its publications or one."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Float, Integer, cast, func, select

from app.bundles.keys import nearest
from app.cases.measuring.terms import NUMBER, Function, Reading, Refused, Term
from app.publications.models import (
    CANCELLED,
    SHOWN,
    bookings,
    comments,
    likes,
    publications,
    readers,
    reads,
    signups,
    stars,
)

_HOW_MANY = func.count()
_PEOPLE = func.coalesce(func.sum(signups.c.people), 0)


def _number(name: str, table: Any, made: Any, *only: Any, kind: Any = Integer) -> Function:
    return lambda reading, given: _term(
        reading, name, given, lambda: _rows(reading, given, table, made, only), kind
    )


def _reads(reading: Reading, given: tuple[str, ...]) -> Term:
    """Of the days that are summed up, and of those that are not yet."""

    def made() -> Any:
        kept = _rows(reading, given, reads, func.coalesce(func.sum(reads.c.people), 0), ())
        return kept + _rows(reading, given, readers, _HOW_MANY, ())

    return _term(reading, "reads", given, made, Integer)


def _term(reading: Reading, name: str, given: tuple[str, ...], made: Callable[[], Any], kind: Any) -> Term:
    """Raises Refused when the process shows nothing of this name, or nothing at all."""
    shown = reading.bundle.process.publications
    if not shown:
        raise Refused(f"process.yaml 没有写 publication，没有给居民看的，{name}() 算不出来。")
    if given and given[0] not in shown:
        raise Refused(f"publication 里没有“{given[0]}”；有{nearest(given[0], shown)}。")
    return Term(NUMBER, reading.tables.once(f"{name}:{given}", made(), kind()))


def _rows(reading: Reading, given: tuple[str, ...], table: Any, made: Any, only: tuple[Any, ...]) -> Any:
    rows = select(made).select_from(table.join(publications, publications.c.id == table.c.publication_id))
    rows = rows.where(publications.c.case_id == reading.tables.case_id, *only)
    if given:
        rows = rows.where(publications.c.name == given[0])
    return rows.scalar_subquery()


FUNCTIONS: Mapping[str, Function] = {
    "likes": _number("likes", likes, _HOW_MANY),
    "comments": _number("comments", comments, _HOW_MANY, comments.c.state == SHOWN),
    "stars": _number("stars", stars, func.avg(cast(stars.c.stars, Float)), kind=Float),
    "raters": _number("raters", stars, func.count(stars.c.person_id.distinct())),
    "bookings": _number("bookings", bookings, _HOW_MANY, bookings.c.state != CANCELLED),
    "signed_up": _number("signed_up", signups, _PEOPLE),
    "attended": _number("attended", signups, _PEOPLE, signups.c.checked_in_at.is_not(None)),
    "reads": _reads,
}
