"""A step of several people as they see it: the list, who said what, the counts, and how it ended."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from app import bundles
from app.audit.chain import case_chain
from app.bundles import Bundle
from app.cases.advance import Moved, advance
from app.cases.commands.stack import Recuse
from app.cases.errors import NotSeveral
from app.cases.models import cases, tasks
from app.cases.motion import Row
from app.cases.tasks import visible
from app.cases.voting.wording import rules_in_words
from app.core.db import Session, reading
from app.core.http.fields import out
from app.core.once import Once, Stored
from app.engine.run import Run
from app.engine.still import Still
from app.identity.actor import Actor
from app.identity.models import people, units

_TOGETHER = (
    select(tasks, people.c.name.label("called"))
    .outerjoin(people, people.c.id == tasks.c.done_by)
    .where(
        tasks.c.case_id == bindparam("case"),
        tasks.c.whole == bindparam("whole"),
        tasks.c.step == bindparam("step"),
        tasks.c.part.is_(None),
    )
    .order_by(tasks.c.opened_at, tasks.c.id)
)
_ENGINE = select(cases.c.engine).where(cases.c.id == bindparam("case"))
_TOLD = (
    select(case_chain.c.events)
    .where(case_chain.c.case_id == bindparam("case"), case_chain.c.at >= bindparam("since"))
    .order_by(case_chain.c.seq)
)
_UNITS = select(units.c.code, units.c.name).where(units.c.code.in_(bindparam("codes", expanding=True)))
_PEOPLE = select(people.c.login, people.c.name).where(people.c.login.in_(bindparam("logins", expanding=True)))

SAID, OPEN, LATER, RECUSED, GONE = "voted", "open", "later", "recused", "gone"
STATES = (SAID, OPEN, LATER, RECUSED, GONE)
"""Where one signer stands: gone are those who were taken off, or whom the end of the step left out."""


def recuse(
    actor: Actor, task_id: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """回避 of a signer who has not voted. Raises VerbForbidden, TaskDone, Stale, ReasonRequired …"""
    return advance(Recuse(task_id, reason, seen), actor, request)


def votes_of(actor: Actor, task_id: str) -> dict[str, Any]:
    """The vote that a task is part of. Raises NotFound, NotSeveral."""
    with reading() as session:
        task = visible(session, actor, task_id)
        bundle = bundles.get(task["version_id"])
        many = bundle.step(task["step"]).many
        if many is None:
            raise NotSeveral(f"“{task['name']}”由一个人办理，没有表决。")
        which = {"case": task["case_id"], "whole": task["whole"], "step": task["step"]}
        rows = [dict(row) for row in session.execute(_TOGETHER, which).mappings()]
        listed = _listed(session, bundle, task["case_id"], rows)
        ended = _ended(session, task, rows) if listed is None else None
        signers = _signers(rows, listed)
        named = _names(session, [each["item"] for each in signers])
    counted = Counter(each["outcome"] for each in signers if each["state"] == SAID)
    total = ended["total"] if ended else sum(each["state"] in (SAID, OPEN, LATER) for each in signers)
    return {
        "task": task_id,
        "case": task["case_id"],
        "step": task["step"],
        "name": task["name"],
        "round": task["round"],
        "sequential": many.sequential,
        "rules": rules_in_words(bundle.step(task["step"])),
        "over": listed is None,
        "result": None if listed is not None else (ended or {}).get("result", "undecided"),
        "total": total,
        "done": counted.total(),
        "votes": dict(counted),
        "signers": [{**each, "called": named.get(each["item"] or "")} for each in signers],
    }


def _listed(session: Session, bundle: Bundle, case: str, rows: Sequence[Row]) -> list[tuple[int, Any]] | None:
    """The list as the engine has it, in the order of signing; None once the step is over."""
    for row in rows:
        if row["state"] in ("open", "claimed", "waiting", "suspended"):
            asleep = session.scalar(_ENGINE, {"case": case})
            return Run.load(asleep, bundle.engine, Still()).signers(row["ref"])
    return None


def _signers(rows: Sequence[Row], listed: list[tuple[int, Any]] | None) -> list[dict[str, Any]]:
    """One line a signer, in the order of signing; who voted twice (撤回) is told by the last row."""
    last = {row["place"]: row for row in rows}
    places = list(last) if listed is None else [place for place, _ in listed]
    items = dict(listed or ())
    off = [place for place in last if place not in places]
    lines = [_line(place, items.get(place), last.get(place), there=True) for place in places]
    return lines + [_line(place, None, last[place], there=False) for place in off]


def _line(place: int, item: Any, row: Row | None, there: bool) -> dict[str, Any]:
    said = row is not None and row["state"] == "done"
    return {
        "place": place,
        "item": str(item) if row is None and item is not None else row and row["item"],
        "task": row and row["id"],
        "state": _state(row, there),
        "by": (row["signature"] or row["called"]) if row is not None and row["done_by"] else None,
        "outcome": row["outcome"] if row is not None and said else None,
        "opinion": row["opinion"] if row is not None else None,
        "at": out(row["closed_at"]) if row is not None and row["done_by"] else None,
    }


def _state(row: Row | None, there: bool) -> str:
    if row is None:
        return LATER
    match row["state"]:
        case "done":
            return SAID
        case "cancelled" if row["done_by"]:
            return RECUSED
        case "open" | "claimed" | "waiting" | "suspended":
            return OPEN
    return LATER if there and row["state"] == "returned" else GONE


def _ended(session: Session, task: Row, rows: Sequence[Row]) -> Mapping[str, Any] | None:
    """How the vote ended, as the chain tells it; None where nobody decided: interrupted, or given back."""
    which = {"case": task["case_id"], "since": min(row["opened_at"] for row in rows)}
    found: Mapping[str, Any] | None = None
    for text in session.execute(_TOLD, which).scalars():
        for event in orjson.loads(text):
            if event["name"] == "vote.decided" and event["whole"] == task["whole"]:
                found = event
    return found


def _names(session: Session, items: Sequence[str | None]) -> dict[str, str]:
    """How units and people on a list are called."""
    asked = [item for item in items if item is not None]
    found = {row.code: row.name for row in session.execute(_UNITS, {"codes": asked})}
    rest = [item for item in asked if item not in found]
    return found | {row.login: row.name for row in session.execute(_PEOPLE, {"logins": rest})}
