"""What can be done with many cases at once: 关注 and 收藏, and both taken back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.cases.advance import answered
from app.cases.batches.service import Asked, Over
from app.cases.marks import service as marks
from app.core.db import Session
from app.core.errors import Problem
from app.identity.actor import Actor

VERBS: Mapping[str, Callable[[Session, Actor, str], dict[str, Any]]] = {
    "follow": marks.follow,
    "unfollow": marks.unfollow,
    "favourite": marks.keep,
    "unfavourite": marks.forget,
}


@dataclass(frozen=True)
class _About:
    """Which case a problem is about."""

    case_id: str


def over(actor: Actor, asked: Asked) -> Over:
    """A batch of cases; together they are one transaction."""
    act = VERBS[asked["verb"]]

    def all_of(session: Session, ids: list[str]) -> list[dict[str, Any]]:
        return [_marked(session, actor, act, case_id) for case_id in ids]

    return Over(
        "case",
        {"followed": None, "favourite": None},
        one=lambda item, request: answered(lambda session: act(session, actor, item["case"]), request),
        all=lambda items, request: answered(
            lambda session: all_of(session, [item["case"] for item in items]), request
        ),
        done=told,
    )


def told(set_on: Mapping[str, Any]) -> dict[str, Any]:
    """One of them was done: what I set on it now."""
    return {**set_on, "status": 200, "problem": None}


def _marked(
    session: Session, actor: Actor, act: Callable[[Session, Actor, str], dict[str, Any]], case_id: str
) -> dict[str, Any]:
    try:
        return act(session, actor, case_id)
    except Problem as problem:
        vars(problem)["about"] = _About(case_id)
        raise
