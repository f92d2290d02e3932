"""处理异常: an act on an incident, under the lock of its case, or alone where there is none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.bundles import Bundle
from app.bundles.forms import AnswersRefused
from app.bundles.values import Wrong, is_empty, reader
from app.cases.commands.beside import TreatIncident
from app.cases.env import awake
from app.cases.errors import PersonNotSelectable
from app.cases.external.models import external_tasks
from app.cases.incidents import rows
from app.cases.incidents.errors import IncidentActRefused, IncidentResolved, IncidentStands
from app.cases.incidents.kinds import ACTS, ANNOTATE, ASSIGN, ENDING, OF_EXTERNAL, REASONS, RETRY, SKIP
from app.cases.incidents.standing import ALIKE, ALIKE_OUTSIDE, Standing, look
from app.cases.incidents.ways import service_of, ways
from app.cases.models import incident_log, incidents
from app.cases.motion import Motion, Row
from app.cases.sync import route_anew
from app.cases.verbs import guard
from app.clocks.models import timers
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import Session
from app.core.errors import FieldError
from app.core.ids import new_id
from app.engine.run import Run
from app.identity import login, org
from app.identity.actor import Actor
from app.identity.permissions import INCIDENT_RETRY
from app.identity.scopes import require

_ONE = dialects.locked(select(incidents).where(incidents.c.id == bindparam("which")))
_CHANGE = update(incidents).where(incidents.c.id == bindparam("which"))
_LOG = insert(incident_log)
_REARM = (
    update(timers)
    .where(ALIKE)
    .values(state="armed", attempts=0, deaths=0, begun=False, lease_by=None, lease_until=None)
)
_OFFER_AGAIN = (
    update(external_tasks)
    .where(ALIKE_OUTSIDE)
    .values(state="open", next_at=bindparam("at"), retries=None, account_id=None, worker=None)
)


def treat(motion: Motion, command: TreatIncident) -> Run | None:
    """What the act does to the case and to the incident; the engine when it was woken and is to settle."""
    incident, standing = taken_up(motion.session, motion.actor, command, motion.now, motion.bundle)
    told = keep(motion.session, motion.actor, command, incident, motion.now)
    woken = None
    if command.act == RETRY:
        woken = _try_again(motion, incident)
    elif command.act == SKIP:
        woken = _pass_by(motion, incident, standing, command)
        told["given"] = sorted(command.results)
    motion.tell(ACTS[command.act], **told)
    motion.made = rows.by_id(motion.session, incident["id"])
    return woken


def moved_on(motion: Motion, command: TreatIncident) -> None:
    """A case that stands where it stood was tried for nothing. Raises IncidentStands."""
    if command.act == RETRY and motion.stranded:
        raise IncidentStands("再看了一次，条件仍不成立，办件还停在那里。")


def taken_up(
    session: Session, actor: Actor, command: TreatIncident, now: datetime, bundle: Bundle | None
) -> tuple[Row, Standing]:
    """The incident, locked, when the act is open to the actor and to the incident as it stands.

    Raises IncidentResolved (who, when), Stale, IncidentActRefused (what to do instead), PermissionMissing.
    """
    incident = dict(session.execute(_ONE, {"which": command.incident_id}).mappings().one())
    require(actor, INCIDENT_RETRY, incident["org_path"], incident["id"])
    standing = look(session, incident, now)
    if command.act == ANNOTATE:
        return incident, standing
    if incident["state"] != "open":
        who = org.name_of(session, incident["resolved_by"])
        when = incident["resolved_at"].astimezone(BEIJING).isoformat(timespec="seconds")
        raise IncidentResolved(f"已由{who}于 {when} 处理。", who=who, when=when)
    if command.seen is not None:
        guard.fresh(incident, command.seen)
    if command.act in ENDING:
        way = ways(incident, standing, bundle)[command.act]
        if not way.open:
            raise IncidentActRefused(way.says)
    return incident, standing


def keep(
    session: Session, actor: Actor, command: TreatIncident, incident: Row, now: datetime
) -> dict[str, Any]:
    """Writes down what is done. Returns what is told of it."""
    act, told = command.act, {"number": incident["number"], "kind": incident["kind"]}
    changes: Row = {"revision": incident["revision"] + 1}
    line: Row = {"incident_id": incident["id"], "at": now, "actor_id": actor.id, "act": act}
    line |= {"id": new_id(), "text": None, "to_id": None}
    if act in REASONS:
        line["text"] = guard.noted(command.said, REASONS[act])
    if act in ENDING:
        changes |= {"state": "resolved", "resolved_by": actor.id, "resolved_at": now, "note": line["text"]}
        told |= {"element": incident["element"], "at": incident["org_path"], "reason": command.said.strip()}
    if act == ASSIGN:
        changes["assignee_id"] = line["to_id"] = _whom(session, actor, command.to, incident["org_path"])
        told["called"] = org.name_of(session, line["to_id"])
    session.execute(_CHANGE.values(changes), {"which": incident["id"]})
    session.execute(_LOG, line)
    about = {"number": incident["number"], "kind": incident["kind"], "case": incident["case_id"]}
    streams.append(session, Entry(streams.ADMIN, ACTS[act], actor.id, incident["id"], about, now))
    return told


def _whom(session: Session, actor: Actor, named: str | None, path: str) -> str:
    """Who asks, or the person of this login, who must be one that may deal with it."""
    if named is None:
        return actor.id
    person = org.person_by_login(session, named)
    known = person is not None and person.active and person.kind == "person"
    if person and known and login.actor_by_id(session, person.id).allows(INCIDENT_RETRY, path):
        return person.id
    message = f"“{named}”不能处理这条异常：只能交给在这里有“{INCIDENT_RETRY.label}”权限的人。"
    raise PersonNotSelectable(message, errors=[FieldError("/to", "person-not-selectable", message)])


def _try_again(motion: Motion, incident: Row) -> Run | None:
    """A stopped timer is due at once, a task looks for its pools anew, a stranded case is looked at again."""
    if incident["timer_id"] is not None:
        which = {"case": incident["case_id"], "timer": incident["timer_id"]}
        motion.session.execute(_REARM, which)
    if incident["kind"] == OF_EXTERNAL:
        which = {"case": incident["case_id"], "element_of": incident["element"], "at": motion.now}
        motion.session.execute(_OFFER_AGAIN, which)
    if incident["kind"] == "pool-empty":
        step = incident["element"]
        alike = [task for task in motion.tasks.values() if (task["step"], task["state"]) == (step, "open")]
        lay = [task["pools"] for task in alike]
        stay = [task for task in alike if not route_anew(motion, task)]
        if lay == [task["pools"] for task in alike]:
            raise IncidentStands(f"“{alike[0]['name']}”该去的待办池仍然没有人，请先任命人员。")
        motion.unstaffed += stay  # an incident of their own
    return awake(motion) if incident["kind"] == "no-way-forward" else None


def _pass_by(motion: Motion, incident: Row, standing: Standing, command: TreatIncident) -> Run | None:
    """The token goes on past the job or the event; what the job would have given is as somebody says."""
    given = _given(motion, incident, command.results)
    if incident["kind"] not in ("timer-failed", "no-way-forward", OF_EXTERNAL):
        return None  # a message of the outbox: exchange hears of it
    run = awake(motion)
    if given:
        run.env.write(given)
    stopped = [each.ref for each in standing.stopped] or run.waiting_at(incident["element"])
    for ref in stopped:
        run.skip(ref)
        motion.finished[ref] = "skipped"
    return run


def _given(motion: Motion, incident: Row, results: Mapping[str, Any]) -> dict[str, Any]:
    """What was given instead, each as its name is declared. Raises AnswersRefused, a message a field."""
    service = service_of(incident, motion.bundle)
    wanted = [name for _, name in service.outputs] if service is not None else []
    declared = motion.bundle.process.data
    wrong = [
        FieldError(f"/results/{name}", "field-unknown", "这一步不给出这一项。")
        for name in results
        if name not in wanted
    ]
    given = {}
    for name in wanted:
        try:
            if name not in results:
                raise Wrong("required", f"请写明“{declared[name].label}”，不知道的写 null。")
            if not is_empty(results[name]):
                given[name] = reader(declared[name])(results[name], motion.now)
        except Wrong as said:
            wrong.append(FieldError(f"/results/{name}", said.code, said.zh))
    if wrong:
        raise AnswersRefused(errors=wrong)
    return given
