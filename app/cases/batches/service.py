"""One verb on many things: each for itself, with an answer of its own, or all or none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.core import once
from app.core.db import reading
from app.core.errors import Conflict, FieldError, Problem
from app.core.once import IdempotencyInFlight, IdempotencyKeyReused, Once, Stored

MOST = 500

Asked = Mapping[str, Any]
Item = Mapping[str, Any]
Told = dict[str, Any]


class BatchRefused(Conflict):
    """有一件不能这样办，全部没有办。"""


@dataclass(frozen=True)
class Over:
    """What a batch goes over. `noun` names an item in what is asked and told, and `<noun>_id` the one that a
    problem is about; `blank` is what is told of one that was refused. `one` does the act with an item and
    keeps the answer with it, `all` with every item in one transaction; `done` says what came of one.
    """

    noun: str
    blank: Told
    one: Callable[[Item, Once], Any]
    all: Callable[[Sequence[Item], Once], Any]
    done: Callable[[Any], Told]


def each(over: Over, asked: Asked, request: Once) -> list[Told]:
    """Every one for itself, in the order asked: what came of it.

    Nothing for a request that was answered before: its answer is kept. Raises IdempotencyKeyReused.
    """
    with reading() as session:
        if not request.dry and once.look_up(session, request) is not None:
            return []
    return [_one(over, item, _part(over, request, i)) for i, item in enumerate(asked["items"])]


def together(over: Over, asked: Asked, request: Once) -> Any:
    """All or none, in one transaction. Raises BatchRefused, which names the one that stood in the way."""
    try:
        return over.all(asked["items"], request)
    except Problem as problem:
        which = getattr(getattr(problem, "about", None), f"{over.noun}_id", None)
        places = [i for i, item in enumerate(asked["items"]) if item[over.noun] == which]
        said = problem.detail or problem.title
        where = [FieldError(f"/items/{i}", problem.slug, said) for i in places]
        raise BatchRefused(said, errors=where, failed=_refusal(over, which, problem)) from problem


def _refusal(over: Over, which: str | None, problem: Problem) -> Told:
    """Why one of them was not done."""
    errors = [{"pointer": e.pointer, "code": e.code, "message": e.message} for e in problem.errors]
    return {
        over.noun: which,
        "status": problem.status,
        **over.blank,
        "problem": {
            "type": f"/problems/{problem.slug}",
            "title": problem.title,
            "detail": problem.detail,
            "errors": errors,
        },
    }


def _one(over: Over, item: Item, request: Once) -> Told:
    try:
        result = over.one(item, request)
    except (IdempotencyInFlight, IdempotencyKeyReused):
        raise  # the same request is at work
    except Problem as problem:  # the others are not to suffer from it
        return _refusal(over, item[over.noun], problem)
    if isinstance(result, Stored):
        told: Told = orjson.loads(result.body)
        return told
    return over.done(result)


def _part(over: Over, request: Once, i: int) -> Once:
    """The identity of one item of a request: a retry goes on where the first one stopped."""

    def render(result: Any) -> Stored:
        return Stored(200, {"Content-Type": "application/json"}, orjson.dumps(over.done(result)))

    return replace(request, route=f"{request.route}#{i}", render=render)
