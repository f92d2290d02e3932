"""What workers do with the external tasks they hold: hand in, report an error or a failure, keep, let go."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, text, update

from app.cases.advance import Moved, advance, within_budget
from app.cases.commands import FinishWork
from app.cases.errors import ProcessStopped
from app.cases.external import shown
from app.cases.external.errors import ExternalFailed
from app.cases.external.finish import by_the_same, held, locked
from app.cases.external.models import external_tasks
from app.cases.incidents import opening
from app.cases.motion import Row
from app.core import clock, personal
from app.core.db import Session, reading, transaction
from app.engine.errors import EngineError, ErrorUncaught
from app.identity import topics
from app.identity.actor import Actor
from app.identity.permissions import EXTERNAL_WORK
from app.identity.scopes import hidden, require

INCIDENT = "external-failed"

_CHANGE = update(external_tasks).where(external_tasks.c.id == bindparam("which"))
_OPEN = text("external_tasks.state = 'open'")
STOPPED: Row = {"state": "stopped", "next_at": None, "lock_until": None}
_LET_GO = {"worker": None, "account_id": None, "lock_until": None}


def complete(actor: Actor, work_id: str, worker: str, variables: Mapping[str, Any]) -> Row:
    """交回: the case goes on with what the worker gives; the same worker's repetition gets the same answer.

    Raises NotFound, ExternalTaskClosed, ExternalTaskLockLost, VariablesWrong, CaseBusy, and ProcessStopped
    when what follows in the process fails: then the task stops, with an incident.
    """
    row = _mine(actor, work_id)
    return _hand_in(actor, row, FinishWork(row["case_id"], work_id, variables, worker=worker))


def bpmn_error(
    actor: Actor, work_id: str, worker: str, code: str, said: str, variables: Mapping[str, Any]
) -> Row:
    """报出错误: the edge that awaits the code takes the case on; where none is drawn the task stops, with an
    incident. Raises as `complete` does."""
    row = _mine(actor, work_id)
    words = personal.covered(said) or None
    try:
        return _hand_in(actor, row, FinishWork(row["case_id"], work_id, variables, code, words, worker))
    except ErrorUncaught as failed:
        told = {"error_code": code, "error_message": words}
        return _stopped(actor, row, worker, failed, told)


def _hand_in(actor: Actor, row: Row, command: FinishWork) -> Row:
    try:
        moved = advance(command, actor)
    except EngineError as failed:
        if command.error is not None and _of_the_worker(failed, row):
            raise
        number = _stop(actor, row, failed)
        raise ProcessStopped(f"异常编号 {number}。", incident=number) from failed
    assert isinstance(moved, Moved)
    assert moved.made is not None
    return {**row, **moved.made}


def _of_the_worker(failed: EngineError, row: Row) -> bool:
    """No edge awaits the code that the worker reported: no fault of what comes after."""
    return isinstance(failed, ErrorUncaught) and failed.element == row["element"]


def failure(
    actor: Actor, work_id: str, worker: str, said: str, details: str, retries: int, pause: timedelta
) -> Row:
    """没有办成: offered again after the pause, or, with no retries left, stopped with an incident.

    Raises NotFound, ExternalTaskClosed, ExternalTaskLockLost.
    """
    told: Row = {
        "error_message": personal.covered(said) or None,
        "error_details": personal.covered(details) or None,
        "retries": retries,
    }
    row = _mine(actor, work_id)
    if not retries:
        failed = ExternalFailed()
        failed.element = row["element"]
        return _stopped(actor, row, worker, failed, told)
    return _change(actor, work_id, worker, lambda now: {**told, **_LET_GO, "next_at": now + pause})


def extend_lock(actor: Actor, work_id: str, worker: str, length: timedelta) -> Row:
    """延长锁: from now on so long. Raises as `failure` does."""
    return _change(actor, work_id, worker, lambda now: {"lock_until": now + length, "next_at": now + length})


def unlock(actor: Actor, work_id: str, worker: str) -> Row:
    """放开: offered again at once. Raises as `failure` does."""
    return _change(actor, work_id, worker, lambda now: {**_LET_GO, "next_at": now})


def _mine(actor: Actor, work_id: str) -> Row:
    """A task that this account could be offered. Raises PermissionMissing, NotFound."""
    require(actor, EXTERNAL_WORK, subject=work_id)
    with reading() as session:
        row = session.execute(shown.ROWS.where(external_tasks.c.id == work_id)).mappings().one_or_none()
        if (
            row is None
            or not actor.allows(EXTERNAL_WORK, row["org_path"])
            or row["topic"] not in topics.granted(session, actor.id)
        ):
            raise hidden(actor, work_id)
    return dict(row)


def _change(actor: Actor, work_id: str, worker: str, columns: Callable[[datetime], Row]) -> Row:
    """What concerns the lock alone moves no case, and goes no further than the row."""
    seen = _mine(actor, work_id)

    def change() -> Row:
        with transaction() as session:
            row, now = _held(session, actor, work_id, worker)
            new = columns(now)
            session.execute(_CHANGE.values(new), {"which": work_id})
        return {**row, **new}

    changed = within_budget(change)
    assert isinstance(changed, dict)
    return {**seen, **changed}


def _held(session: Session, actor: Actor, work_id: str, worker: str) -> tuple[Row, datetime]:
    row = locked(session, work_id)
    now = clock.now(session)
    held(session, row, actor.id, worker, now)
    return row, now


def _stopped(actor: Actor, row: Row, worker: str, failed: Exception, told: Row) -> Row:
    """Stops a task that its worker gave up; a repetition finds it so."""

    def stop() -> Row:
        with transaction() as session:
            found = locked(session, row["id"])
            if found["state"] == "stopped" and by_the_same(found, actor.id, worker):
                return found
            held(session, found, actor.id, worker, clock.now(session))
            session.execute(_CHANGE.values({**told, **STOPPED}), {"which": row["id"]})
            _open_incident(session, actor, row, failed)
            return {**found, **told, **STOPPED}

    stopped = within_budget(stop)
    assert isinstance(stopped, dict)
    return {**row, **stopped}


def _stop(actor: Actor, row: Row, failed: EngineError) -> str:
    """The process failed at what was handed in: the task waits for somebody who mends it."""

    def stop() -> str:
        with transaction() as session:
            session.execute(_CHANGE.where(_OPEN).values(STOPPED), {"which": row["id"]})
            return _open_incident(session, actor, row, failed)

    return str(within_budget(stop))


def _open_incident(session: Session, actor: Actor, row: Row, failed: Exception) -> str:
    failed.element = row["element"]  # type: ignore[attr-defined]  # the incident is where the case stands
    where = opening.Where(row["process_key"], row["org_path"], row["case_id"])
    return opening.open_incident(session, INCIDENT, where, failed, actor)
