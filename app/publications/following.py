"""Keeps the rows that lists are searched by in step with the case, in the transaction that moves it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import bindparam, select, update

from app.bundles import Bundle
from app.bundles.data_fields import chosen_name
from app.bundles.publishing import Publishing
from app.cases.motion import RESERVED, Motion, Row
from app.core import dialects
from app.core.clock import BEIJING
from app.publications.errors import SeatsBelowTaken
from app.publications.models import publications

_COLUMNS = ("title", "category", "status", "words", "lng", "lat", "seats", "until")
_TOLD = ("section", "audience", "ended", "state", "shown_at", "hidden_at", "reason", *_COLUMNS)
"""What is written of a row that was there: never how many seats are taken, which is another act's."""
_KEPT, _TURNED = "publications", "publications turned"
_TEXTS = ("text", "choice", "category")
_CHANGE = (
    update(publications)
    .where(publications.c.case_id == bindparam("row_id"), publications.c.name == bindparam("called"))
    .values({name: bindparam(f"new_{name}", type_=publications.c[name].type) for name in _COLUMNS})
)
_OF_CASE = select(publications).where(publications.c.case_id == bindparam("row_id"))
_TAKEN = dialects.locked(
    select(publications.c.taken).where(
        publications.c.case_id == bindparam("row_id"), publications.c.name == bindparam("called")
    )
)


def kept(motion: Motion) -> dict[str, Row]:
    """The publications of a case by name, as they will be: read once in an act, written with the case."""
    if _KEPT not in motion.asked:
        which = {"row_id": motion.case["id"]}
        found: Any = () if motion.new else motion.session.execute(_OF_CASE, which).mappings()
        motion.asked[_KEPT] = {row["name"]: dict(row) for row in found}
    return motion.asked[_KEPT]  # type: ignore[no-any-return]


def turn(motion: Motion, name: str, row: Row) -> None:
    """A diagram shows, closes or hides a publication."""
    kept(motion)[name] = row
    motion.asked.setdefault(_TURNED, set()).add(name)


def follow(motions: Sequence[Motion]) -> None:
    """Writes what has changed of what is shown. Cases of processes that show nothing cost no statement.

    Raises SeatsBelowTaken when there would be fewer seats than people who have signed up.
    """
    whole: list[Row] = []
    changed: list[Row] = []
    for motion in motions:
        for each in motion.bundle.process.publications.values():
            moved = _moved(motion, each)
            if moved:
                _check_seats(motion, each)
            if moved or each.name in motion.asked.get(_TURNED, ()):
                _gather(motion, each, whole, changed)
    session = motions[0].session
    if whole:
        session.write(dialects.upsert(session.dialect, publications, ("case_id", "name"), _TOLD), whole)
    if changed:
        session.write(_CHANGE, changed)


def _gather(motion: Motion, shown: Publishing, whole: list[Row], changed: list[Row]) -> None:
    """A row that is known is written whole, with the others of its kind; one that never was is no row."""
    columns = projected(motion.bundle, motion.case, shown)
    if _KEPT not in motion.asked:
        which = {"row_id": motion.case["id"], "called": shown.name}
        changed.append({**which, **{f"new_{name}": value for name, value in columns.items()}})
    elif (row := kept(motion).get(shown.name)) is not None:
        whole.append({**row, **columns})


def projected(bundle: Bundle, case: Mapping[str, Any], shown: Publishing) -> Row:
    """What a publication is found by, out of the case as it is now."""
    point = value_of(case, shown.point) or {}
    title = str(value_of(case, shown.title) or case["title"])
    return {
        "title": title[:200],
        "category": _short(value_of(case, shown.category)),
        "status": bundle.process.public_status(case["status"]),
        "words": "\n".join([title, *_texts(bundle, case, shown)]).casefold(),
        "lng": point.get("lng"),
        "lat": point.get("lat"),
        "seats": value_of(case, shown.seats),
        "until": _until(value_of(case, shown.until)),
    }


def value_of(case: Mapping[str, Any], name: str | None) -> Any:
    """What a case holds under a name, a column or data."""
    if name is None:
        return None
    return case[name] if name in RESERVED else case["data"].get(name)


def _texts(bundle: Bundle, case: Mapping[str, Any], shown: Publishing) -> list[str]:
    texts = []
    for name in shown.fields:
        field = bundle.process.data[name]
        said = chosen_name(field).name if field.type == "category" else name
        if field.type in _TEXTS and (value := value_of(case, said)) is not None:
            texts.append(str(value))
    return texts


def _moved(motion: Motion, shown: Publishing) -> bool:
    case, data = motion.case, motion.case["data"]
    if motion.new or case["status"] != motion.was.get("status"):
        return True
    return any(
        case[name] != motion.was.get(name) if name in RESERVED else data.get(name) != motion.before.get(name)
        for name in shown.names
    )


def _check_seats(motion: Motion, shown: Publishing) -> None:
    seats = value_of(motion.case, shown.seats)
    if shown.seats is None or seats is None or motion.new or seats == motion.before.get(shown.seats):
        return
    which = {"row_id": motion.case["id"], "called": shown.name}
    taken = motion.session.scalar(_TAKEN, which) or 0
    if seats < taken:
        raise SeatsBelowTaken(f"已有 {taken} 人报名，名额不能少于 {taken}。", taken=taken)


def _short(value: Any) -> str | None:
    return str(value)[:200] if value is not None else None


def _until(value: Any) -> datetime | None:
    """The last instant for signing up: of a day its end in Beijing."""
    if value is None:
        return None
    read = datetime.fromisoformat(value)
    if len(value) == len("2026-03-02"):
        return datetime.combine(read.date(), time(23, 59, 59), BEIJING)
    return read if read.tzinfo else read.replace(tzinfo=BEIJING)
