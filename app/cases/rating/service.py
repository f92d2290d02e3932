"""评价, as a sentence."""

from collections.abc import Mapping
from typing import Any

from app.cases.advance import Moved, advance
from app.cases.commands.rating import Rate
from app.core.once import Once, Stored
from app.identity.actor import Actor


def rate(
    actor: Actor,
    case_id: str,
    answers: Mapping[str, Any],
    outcome: str | None = None,
    opinion: str | None = None,
    request: Once | None = None,
) -> Moved | Stored:
    """评价. Raises NothingToRate, AlreadyRated, AnswersRefused, CaseBusy …"""
    return advance(Rate(case_id, answers, outcome, opinion), actor, request)
