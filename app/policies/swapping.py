"""Running cases go over to a newer policy of their process: looked at first, asked for, done case by case.

Each case is a transaction of its own under its lock, with its line of the report in it; who is killed in the
middle leaves what is done, and whoever comes next goes on. Two at once find each case moved already.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.audit import streams
from app.bundles import store
from app.cases import flags
from app.cases.advance import move, within_budget
from app.cases.commands.clocks import SwapPolicy
from app.cases.errors import CaseBusy
from app.cases.guarding import firing_now, pausing
from app.cases.models import GOING, cases
from app.cases.motion import Row
from app.cases.tree import Tree
from app.cases.verbs.swap_policy import SWAPPED, TiersToCome, swap_policy
from app.clocks import policies
from app.core import clock, dialects, events, personal
from app.core.db import Session, reading, transaction
from app.core.errors import Conflict, NotFound, Problem, Unprocessable
from app.core.events import Event
from app.core.ids import new_id
from app.engine.errors import EngineError
from app.identity.actor import SYSTEM, Actor
from app.identity.permissions import POLICY_SWAP
from app.identity.scopes import require, unit_scope
from app.policies.fitting import misfit
from app.policies.swap_models import policy_swap_cases, policy_swaps

log = logging.getLogger("huying.policies")

BATCH = 100
MOST_LOOKED_AT = 1_000
"""Cases of one trial over HTTP; three milliseconds each."""


class SwapNotNewer(Unprocessable):
    """没有办件可以换用这一版：只能换用比现在新的规则；要退回旧的，请把旧的内容重新发布成新的一版。"""


class SwapRunning(Conflict):
    """这个流程正在换用时限规则，等它做完再来。"""


@dataclass(frozen=True)
class Target:
    """The policy that cases go over to; `older` are the versions that go by an earlier one: its number."""

    key: str
    number: int
    version: str
    older: Mapping[str, int]


@dataclass(frozen=True)
class Line:
    """What came, or would come, of a case; `why` it stays where it is, else nothing."""

    case: Row
    was: int | None
    why: str | None
    clocks: Sequence[Mapping[str, Any]] = ()


@dataclass
class Trial:
    """What a swap would do. `total` counts all cases, `lines` those that were looked at."""

    target: Target
    total: int
    lines: list[Line] = field(default_factory=list)


def install() -> None:
    """The report hears of each case that went over; as often as you like."""
    events.listen(_report)


def trial(actor: Actor, key: str, number: int) -> Trial:
    """What would become of the actor's cases; nothing is written. Raises PermissionMissing, NotFound,
    SwapNotNewer."""
    require(actor, POLICY_SWAP)
    return look(key, number, actor.permissions.get(POLICY_SWAP, ()), MOST_LOOKED_AT)


def look(key: str, number: int, within: Sequence[str] | None, most: int | None = None) -> Trial:
    """The same for whoever can run commands here: of all units (`within` None) and cases (`most` None)."""
    with reading() as session:
        target = target_of(session, key, number)
        chosen = _chosen(target, within)
        total = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
        tried = Trial(target, total)
        for row in _each(session, chosen):
            if most is not None and len(tried.lines) >= most:
                break
            tried.lines.append(_tried(session, target, row))
    return tried


def ask(session: Session, actor: Actor, key: str, number: int, reason: str) -> Row:
    """A swap of the actor's cases begins; the background does it. Raises PermissionMissing, NotFound,
    SwapNotNewer, SwapRunning."""
    require(actor, POLICY_SWAP)
    return begin(session, actor, key, number, reason, actor.permissions.get(POLICY_SWAP, ()))


def begin(
    session: Session, actor: Actor, key: str, number: int, reason: str, within: Sequence[str] | None
) -> Row:
    """The same for whoever can run commands here."""
    target = target_of(session, key, number)
    row: Row = {
        "id": new_id(),
        "process_key": key,
        "number": number,
        "version_id": target.version,
        "within": None if within is None else list(within),
        "reason": personal.covered(reason),
        "asked_by": actor.id,
        "called": actor.name,
        "asked_at": clock.now(session),
        "state": "running",
        "ended_at": None,
    }
    try:
        session.execute(insert(policy_swaps), row)
    except IntegrityError:  # of two at once the index lets one in
        raise SwapRunning from None
    _audit(session, "policy.swap_asked", actor.id, row, {"reason": row["reason"]})
    return row


def running(session: Session, key: str | None = None) -> list[Row]:
    """The swaps that are not done, of one process or of all."""
    statement = select(policy_swaps).where(policy_swaps.c.state == "running").order_by(policy_swaps.c.id)
    if key is not None:
        statement = statement.where(policy_swaps.c.process_key == key)
    return [dict(row) for row in session.execute(statement).mappings()]


def go_on() -> int:
    """One pass over every swap that is not done; returns how many cases were settled."""
    with reading() as session:
        found = running(session)
    return sum(pass_over(swap) for swap in found)


def pass_over(swap: Row) -> int:
    """Settles the cases of a swap that nobody is at work on; those that were busy are left for the next pass.
    When none is left it is done. Returns how many were settled."""
    settled, waiting, after = 0, 0, ""
    with reading() as session:
        target = target_of(session, swap["process_key"], swap["number"])
    while True:
        with pausing():  # what was reached by now is marked as the policy of then says
            flags.fire(firing_now)
        with reading() as session:
            rows = _batch(session, _left(swap, target), after)
        for row in rows:
            done = _settle(swap, target, row)
            settled, waiting = settled + done, waiting + (not done)
        if len(rows) < BATCH:
            break
        after = rows[-1]["id"]
    if not waiting:
        _end(swap)
    return settled


def target_of(session: Session, key: str, number: int) -> Target:
    """Raises NotFound for a policy that there is not, SwapNotNewer where no version is older."""
    rows = policies.of_key(session, key)
    chosen = next((row for row in rows if row["number"] == number), None)
    if chosen is None:
        raise NotFound
    older = {}
    for published in store.versions(session, key):
        own = max((row["number"] for row in rows if row["version_number"] <= published.number), default=0)
        if own < number:
            older[published.id] = own
    if not older:
        raise SwapNotNewer
    return Target(key, number, chosen["version_id"], older)


def _chosen(target: Target, within: Sequence[str] | None) -> Select[Any]:
    """The running cases that go by an older policy."""
    under = func.coalesce(cases.c.policy_version, cases.c.version_id)
    statement = select(cases).where(
        cases.c.process_key == target.key, cases.c.state.in_(GOING), under.in_(list(target.older))
    )
    return statement if within is None else statement.where(unit_scope(tuple(within), cases.c.org_path))


def _left(swap: Row, target: Target) -> Select[Any]:
    """Those of a swap that are not in its report yet."""
    told = policy_swap_cases
    known = select(told.c.case_id).where(told.c.swap_id == swap["id"], told.c.case_id == cases.c.id)
    return _chosen(target, swap["within"]).where(~known.exists())


def _batch(session: Session, chosen: Select[Any], after: str) -> list[Row]:
    page = chosen.where(cases.c.id > bindparam("after")).order_by(cases.c.id).limit(BATCH)
    return [dict(row) for row in session.execute(page, {"after": after}).mappings()]


def _each(session: Session, chosen: Select[Any]) -> Iterator[Row]:
    after = ""
    while rows := _batch(session, chosen, after):
        yield from rows
        after = rows[-1]["id"]


def _tried(session: Session, target: Target, row: Row) -> Line:
    was = target.older[row["policy_version"] or row["version_id"]] or None
    try:
        if why := misfit(row["version_id"], target.version):
            return Line(row, was, why)
        motion = Tree(session, SYSTEM, max(clock.now(session), row["last_event_at"])).look(dict(row))
        swap_policy(motion, _command(target, row["id"], "（试算）", SYSTEM.name))
    except Exception as error:
        return Line(row, was, _why(error, row["id"]))
    told = next(event for event in motion.events if event.name == SWAPPED)
    return Line(row, was, None, (told.payload or {})["clocks"])


def _settle(swap: Row, target: Target, row: Row) -> bool:
    """One case: moved, or told why not; False when somebody is at work on it."""
    was = target.older[row["policy_version"] or row["version_id"]] or None
    command = _command(target, row["id"], swap["reason"], swap["called"], swap["id"])
    try:
        why = misfit(row["version_id"], target.version)
        if why is None:
            within_budget(lambda: _moved(command))
            return True
    except (CaseBusy, TiersToCome):
        return False
    except Exception as error:  # one broken case must not stop the others
        why = _why(error, row["id"])
    line = {"swap_id": swap["id"], "case_id": row["id"], "was": was, "why": why[:500], "clocks": []}
    with transaction() as session:
        kept = dialects.insert_ignore(session.dialect, policy_swap_cases)
        session.execute(kept, {**line, "at": clock.now(session)})
    return True


def _moved(command: SwapPolicy) -> None:
    with transaction() as session:
        move(session, [command], SYSTEM)


def _why(error: Exception, case_id: str) -> str:
    if isinstance(error, Problem):
        return error.detail or error.title
    if isinstance(error, EngineError):
        return str(error)
    log.error("case %s could not go over to another policy", case_id, exc_info=error)
    return "流程版本或时钟读不出来，请查看日志。"


def _command(target: Target, case_id: str, reason: str, called: str, swap: str = "") -> SwapPolicy:
    return SwapPolicy(case_id, target.version, target.number, target.older, reason, called, swap)


def _report(session: Session, told: Sequence[Event]) -> None:
    """A line of the report for each case that went over, in its own transaction."""
    lines = [
        {
            "swap_id": event.payload["swap"],
            "case_id": event.case_id,
            "at": event.at,
            "was": event.data["was"],
            "why": None,
            "clocks": event.payload["clocks"],
        }
        for event in told
        if event.name == SWAPPED and event.payload is not None and event.payload["swap"]
    ]
    if lines:
        session.execute(insert(policy_swap_cases), lines)


def _end(swap: Row) -> None:
    ended = (
        update(policy_swaps)
        .where(policy_swaps.c.id == swap["id"], policy_swaps.c.state == "running")
        .values(state="done", ended_at=bindparam("now"))
    )
    with transaction() as session:
        if session.execute(ended, {"now": clock.now(session)}).rowcount:
            _audit(session, "policy.swap_done", SYSTEM.id, swap, {})


def _audit(session: Session, name: str, actor_id: str, swap: Row, data: Mapping[str, Any]) -> None:
    about = {"swap": swap["id"], "policy": swap["number"], **data}
    now = clock.now(session)
    streams.append(session, streams.Entry(streams.ADMIN, name, actor_id, swap["process_key"], about, now))
