"""待办、已办、办理中 and the other lists of a person: what is mine to do, what I did, what I watch."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select

from app.cases import assign
from app.cases.lists import VIEWS, Shape
from app.cases.motion import Row
from app.core import clock
from app.core.clock import BEIJING
from app.core.db import Session, reading
from app.core.errors import FieldError, Unprocessable
from app.identity import scopes
from app.identity.actor import Actor
from app.identity.permissions import TASK_READ
from app.identity.scopes import require

EXACT_TO = 999


class ViewUnknown(Unprocessable):
    """没有这个列表。"""


def page(actor: Actor, view: str, limit: int, after: Sequence[Any] | None) -> list[Row]:
    """At most `limit + 1` rows of a view, in its order; `after` is the sort key of the last row seen."""
    known(view)
    require(actor, TASK_READ)
    asked = VIEWS[view]
    with reading() as session:
        given = _who(actor)
        if asked.timed:
            given |= _when(session)
        if after is not None:
            given |= {
                f"after_{i}": read(key) for i, (read, key) in enumerate(zip(asked.reads, after, strict=True))
            }
        statement = _rows(view, _shape(actor), after is not None)
        return [dict(row) for row in session.execute(statement, {**given, "most": limit + 1}).mappings()]


def sort_key(view: str, row: Row) -> list[Any]:
    """What a cursor remembers of the last row."""
    return [
        value.isoformat() if isinstance(value := row[name], datetime) else value for name in VIEWS[view].keys
    ]


def width(view: str) -> int:
    """How many values a cursor of the view holds."""
    return len(VIEWS[view].keys)


def counts(actor: Actor) -> dict[str, dict[str, Any]]:
    """Every view's count, exact to 999: one statement asks for all of them."""
    require(actor, TASK_READ)
    with reading() as session:
        given = {**_who(actor), **_when(session), "most": EXACT_TO + 1}
        row = session.execute(_counts(_shape(actor)), given).one()
    return {
        view: {"count": min(found, EXACT_TO), "totalExact": found <= EXACT_TO}
        for view, found in row._mapping.items()
    }


def known(view: str) -> None:
    if view not in VIEWS:
        names = "、".join(f"{key}（{each.label}）" for key, each in VIEWS.items())
        raise ViewUnknown(errors=[FieldError("?view", "view-unknown", f"可选：{names}。")])


# Building a statement takes longer than the database needs for it: made once for each shape of a person.


@lru_cache(maxsize=1000)
def _rows(view: str, shape: Shape, goes_on: bool) -> Select[Any]:
    return VIEWS[view].rows(shape, goes_on)


@lru_cache(maxsize=200)
def _counts(shape: Shape) -> Select[Any]:
    return select(*(view.count(shape).label(name) for name, view in VIEWS.items()))


def _shape(actor: Actor) -> Shape:
    whole, parts = assign.all_places(actor)
    return Shape(len(whole), scopes.shape(actor, TASK_READ), len(parts))


def _who(actor: Actor) -> dict[str, Any]:
    whole, parts = assign.all_places(actor)
    places = {f"place_{i}": place for i, place in enumerate(whole)}
    for i, (place, process) in enumerate(parts):
        places |= {f"part_{i}": place, f"of_{i}": process}
    return {"me": actor.id, "desk": f"person:{actor.id}", **places, **scopes.values(actor, TASK_READ)}


def _when(session: Session) -> dict[str, Any]:
    now = clock.now(session)
    tomorrow = now.astimezone(BEIJING).date() + timedelta(days=1)
    return {"now": now, "tomorrow": datetime.combine(tomorrow, time(), BEIJING)}
