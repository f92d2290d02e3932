"""What becomes of a request: written once, by whichever comes first, what it asked for or its end."""

from app.cases.commands.asking import RequestDecided
from app.cases.motion import Motion
from app.cases.requests import models
from app.cases.requests.kinds import OF_PROCESS

BY_END = ("granted", "refused")
"""Reasons of an end event (`p:closeReason`) that say what became of the request; else it just ended."""

DECIDED = "request decided"
"""Among what the motion knows already: its request was decided in this very act."""


def decided(motion: Motion, how: str | None) -> bool:
    """What became of the request that this case decides, told to its parent; False when that was told before,
    or this case is no request."""
    kind, case = OF_PROCESS.get(motion.case["process_key"]), motion.case
    if kind is None or case["parent_id"] is None or DECIDED in motion.asked:
        return False
    motion.asked[DECIDED] = True
    how, said = how if how in BY_END else "ended", _last_opinion(motion)
    withdrawn = case["state"] == "cancelled"  # from outside, for a reason in words
    said = case["close_reason"] if withdrawn else said
    asked_by = models.decide(motion.session, case["id"], how, motion.actor.id, motion.now, said)
    if asked_by is None:
        return False
    told = "withdrawn" if withdrawn else how
    motion.ask(RequestDecided(case["parent_id"], case["id"], kind.key, told, asked_by, said))
    return True


def _last_opinion(motion: Motion) -> str | None:
    """The opinion of the step that was completed in this act."""
    done = [row for row in motion.tasks.values() if row["state"] == "done" and row["closed_at"] == motion.now]
    return done[-1]["opinion"] if done else None
