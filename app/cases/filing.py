"""登记: a new case gets its number, its first tasks and its clocks, or is told plainly why not."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from app import bundles
from app.bundles import Bundle, store
from app.bundles.calendar_starts import CalendarStart
from app.cases import hints, numbers, repeats
from app.cases.acts import settle
from app.cases.advance import Moved, keep_new, within_budget
from app.cases.answers import check_answers
from app.cases.attachments import loose
from app.cases.birth import born
from app.cases.commands import NewCase
from app.cases.env import CaseEnv
from app.cases.errors import (
    AlreadyFiled,
    CaseBusy,
    ProcessRetired,
    ProcessStopped,
    ProcessUnknown,
    ReporterUnknown,
    UnitNotSelectable,
)
from app.cases.incidents import opening
from app.cases.models import cases
from app.cases.motion import Motion, expression_data
from app.cases.repeats import Earlier
from app.cases.secrets.taking import hush
from app.cases.sync import grant
from app.core import clock, once
from app.core.db import Session, reading
from app.core.errors import FieldError, Problem, Unprocessable
from app.core.once import Once, Stored
from app.engine.errors import EngineError
from app.engine.run import Run
from app.identity import memberships, org
from app.identity.actor import SCHEDULE, Actor
from app.identity.permissions import CASE_CREATE, CASE_READ
from app.identity.residents import RESIDENT
from app.identity.scopes import case_scope, require

STAFF = "staff"
"""The source of a case that a person of the house filed; a service is its own source."""

_SAME = select(cases.c.id, cases.c.number).where(
    cases.c.source == bindparam("source"), cases.c.external_no == bindparam("external_no")
)


class DateInFuture(Unprocessable):
    """收到时间不能晚于现在。"""


def file_case(actor: Actor, new: NewCase, request: Once | None = None) -> Moved | Stored:
    """Files a case and opens its first tasks.

    Raises ProcessUnknown, ProcessRetired, UnitNotSelectable, AnswersRefused, and AlreadyFiled with a link to
    the first one.
    """
    require(actor, CASE_CREATE)
    with reading() as session:
        if request is not None and (stored := once.look_up(session, request)) is not None:
            return stored  # before a number is taken
        version = _current(session, new.process)
        received = new.received_at or clock.now(session)
    bundle = bundles.get(version)
    _may_start(actor, bundle, new.start)
    dry = request is not None and request.dry
    number = None
    if not dry and not _will_be_refused(actor, new, bundle):
        number = numbers.take(bundle.process.number, received)
    try:
        return within_budget(lambda: _step(actor, new, number, bundle, request), request)
    except IntegrityError as error:  # the same external number was filed a moment ago
        with reading() as session:
            _first_filing(session, actor, _source(actor, bundle, new.external_no), new.external_no)
        raise error
    except EngineError as error:
        if dry:
            raise ProcessStopped("照这样登记，流程会停下，请联系流程管理员。") from error
        told = opening.open_for_filing(new.process, _whose(actor, new), actor, error)
        raise ProcessStopped(
            f"流程配置出错，这件事没有登记成功，已记入异常，等管理员处理，异常编号 {told}。", incident=told
        ) from error


def file_scheduled(start: CalendarStart, at: datetime, name: str) -> Moved:
    """Files the case of the period that begins at an instant; `name` is that of the schedule. Raises
    AlreadyFiled for the second one of a period, and what `file_case` raises."""
    new = NewCase(
        process=start.process,
        title=start.worded(start.title, at),
        answers=start.answers(at),
        external_no=f"{name}@{at.astimezone(clock.BEIJING).date()}",
        place_unit=start.unit,
    )
    moved = file_case(SCHEDULE, new)
    assert isinstance(moved, Moved)  # nobody repeats it by a key of a request
    return moved


def check(actor: Actor, new: NewCase) -> None:
    """Raises what `file_case` would refuse; writes nothing. What the engine meets later is not tried."""
    require(actor, CASE_CREATE)
    bundle = current(new.process)
    _may_start(actor, bundle, new.start)
    with reading() as session:
        _born(session, actor, new, "", bundle)


def repeated(actor: Actor, new: NewCase) -> list[Earlier]:
    """What this filing would repeat, as its process says; nothing is written.

    Raises ProcessUnknown, ProcessRetired, UnitNotSelectable.
    """
    require(actor, CASE_CREATE)
    bundle = current(new.process)
    _may_start(actor, bundle, new.start)
    if bundle.process.repeats is None:
        return []
    with reading() as session:
        now = clock.now(session)
        place = _place(session, actor, new, bundle, now)
        return _like(session, actor, bundle, new, place.code, new.received_at or now)


def _like(
    session: Session, actor: Actor, bundle: Bundle, new: NewCase, place: str, at: datetime
) -> list[Earlier]:
    rule, about = bundle.process.repeats, {**new.answers, "title": new.title}
    return [] if rule is None else repeats.of_filing(session, actor, rule, new.process, about, place, at)


def current(process: str) -> Bundle:
    """The version that new cases start with. Raises ProcessUnknown, ProcessRetired."""
    with reading() as session:
        version = _current(session, process)
    return bundles.get(version)


def _current(session: Session, process: str) -> str:
    head = store.head(session, process)
    if head is None:
        raise ProcessUnknown(f"没有名为“{process}”的流程。")
    if head.retired:
        raise ProcessRetired
    return str(head.version_id)


def source_of(actor: Actor) -> str:
    """Where a case comes from follows from who files it (the calendar, too), never from what is sent."""
    return (
        actor.login if actor.kind in ("service", "system") else RESIDENT if actor.kind == RESIDENT else STAFF
    )


def _source(actor: Actor, bundle: Bundle, external_no: str | None) -> str:
    """A number that is one system's, whoever files under it (a post, sent or patrolled), says where from."""
    return (bundle.process.external_from if external_no is not None else None) or source_of(actor)


def _will_be_refused(actor: Actor, new: NewCase, bundle: Bundle) -> bool:
    """Whether the filing fails its checks: then no number is drawn for it, and the transaction says why."""
    with reading() as session:
        try:
            _born(session, actor, new, "", bundle)
        except Problem:
            return True
    return False


def _step(
    actor: Actor, new: NewCase, number: str | None, bundle: Bundle, request: Once | None
) -> Moved | Stored:
    dry = request is not None and request.dry

    def act(session: Session) -> tuple[Moved, datetime]:
        motion = _born(session, actor, new, number or "", bundle)
        case = motion.case
        if dry:  # a number that is taken back with all the rest
            case["number"] = numbers.take_within(session, bundle.process.number, case["received_at"])
        elif number is None:  # what refused it a moment ago is gone
            raise CaseBusy(headers={"Retry-After": "1"})
        earlier = _like(session, actor, bundle, new, case["place_unit"], case["received_at"]) if dry else []
        motion.tell("case.received", since=case["received_at"].isoformat(), number=case["number"])
        motion.say(case["data"])  # its clocks run only now
        if new.start is not None:
            begun_by = bundle.engine.start_messages[new.start]
            motion.tell("message.received", message=begun_by, ref=None, receipt=new.receipt)
        motion.acts.append("Start")
        for person in {actor.id, case["reporter_id"]} - {None}:
            grant(motion, f"person:{person}", "started")
        motion.changes.inserts["attachments"] += loose.take(motion)
        settle(motion, Run.new(bundle.engine, CaseEnv(motion), new.start))
        would = keep_new(motion, dry=dry)
        for each in would or []:
            if each["number"] == case["number"]:
                each["prompts"] = hints.before_filing(earlier)
        return Moved(None, case, motion.opened, bundle, would=would), motion.now

    return once.answered(request, act)


def _born(session: Session, actor: Actor, new: NewCase, number: str, bundle: Bundle) -> Motion:
    """The case as it will be, with its checks made; nothing is written yet."""
    now = clock.now(session)
    received = new.received_at or now
    if received > now:
        raise DateInFuture(errors=[FieldError("/receivedAt", "date-in-future", "收到时间不能晚于现在。")])
    source = _source(actor, bundle, new.external_no)
    _first_filing(session, actor, source, new.external_no)
    place = _place(session, actor, new, bundle, now)
    reporter = _reporter(session, actor, new.reporter, now)
    motion = born(
        session,
        actor,
        bundle,
        now,
        place,
        number=number,
        title=new.title.strip(),
        source=source,
        external_no=new.external_no,
        priority=new.priority,
        received_at=received,
        reporter_id=reporter.id if reporter is not None else None,
    )
    motion.case["title"] = hush(motion, "title", motion.case["title"])
    motion.files_of = actor.id
    motion.write(_answers(motion, new))
    if reporter is not None:
        motion.write({"reporter": reporter.login})
    return motion


def _answers(motion: Motion, new: NewCase) -> dict[str, Any]:
    """What the case begins with, held against the start form, or against what its message declares."""
    if new.start is None:
        return check_answers(motion, motion.bundle.engine.start_form, new.answers)
    form = motion.bundle.messages[motion.bundle.engine.start_messages[new.start]].form
    data = expression_data(motion.bundle, motion.case)
    return form.check(new.answers, data, motion.lookups) if form is not None else {}


def _may_start(actor: Actor, bundle: Bundle, start: str | None) -> None:
    """A message may start what `starts` names it for; the door asked whether its sender may send it."""
    if start is not None:
        if bundle.engine.start_messages.get(start) not in bundle.process.start_messages:
            raise ProcessUnknown(f"“{bundle.process.name}”不能由这条消息登记。")
        return
    if actor.kind == "system":
        if not bundle.process.start_by_schedule:
            raise ProcessUnknown(f"“{bundle.process.name}”不能由定期任务登记：它的 starts 里没有 schedule。")
        return
    if actor.kind == RESIDENT:
        if not bundle.process.start_by_resident:
            raise ProcessUnknown(f"“{bundle.process.name}”不能由居民登记。")
        return
    roles = {appointment.role for appointment in actor.appointments}
    if not bundle.process.start_by_api and not roles & set(bundle.process.start_roles):
        raise ProcessUnknown(f"“{bundle.process.name}”不能由您登记。")


def place_of(session: Session, actor: Actor, code: str, now: datetime) -> org.Unit | None:
    """The unit of a code, where the actor may file cases now; None without one."""
    unit = org.unit_by_code(session, code)
    fits = unit is not None and unit.valid_at(now) and actor.allows(CASE_CREATE, unit.path)
    return unit if fits else None


def _whose(actor: Actor, new: NewCase) -> str:
    """The unit that is told of a filing that failed."""
    if actor.appointments:
        return actor.appointments[0].unit_path
    with reading() as session:
        return _place(session, actor, new, current(new.process), clock.now(session)).path


def _reporter(session: Session, actor: Actor, login: str | None, now: datetime) -> org.Person | Actor | None:
    """The resident whom the case is about: who files it, or a member of a community where the filer files.

    Raises ReporterUnknown.
    """
    if actor.kind == RESIDENT and login in (None, actor.login):
        return actor
    if login is None:
        return None
    person = org.person_by_login(session, login) if actor.kind != RESIDENT else None
    known = person is not None and person.kind == RESIDENT and person.active
    joined = memberships.communities(session, person.id, now) if person is not None and known else []
    if not any(actor.allows(CASE_CREATE, each.unit_path) for each in joined):
        message = "没有这位居民，或不是您辖区内社区的成员。"
        raise ReporterUnknown(errors=[FieldError("/reporter", "reporter-unknown", message)])
    return person


def _place(session: Session, actor: Actor, new: NewCase, bundle: Bundle, now: datetime) -> org.Unit:
    """Where a case lies: where its position says, if its process wants that; where its filer names, or is."""
    code = new.place_unit
    unit = _around(session, new.answers.get(bundle.process.placed_by or ""))
    if actor.kind == RESIDENT:
        unit = unit or _home(session, actor, code, now)
    elif unit is None or code is not None or not actor.allows(CASE_CREATE, unit.path):
        wanted = code or (actor.appointments[0].unit_code if actor.appointments else "")
        unit = place_of(session, actor, wanted, now)
    if unit is None:
        message = "没有这个代码的单位，或不在您的范围内。"
        raise UnitNotSelectable(message, errors=[FieldError("/placeUnit", "unit-not-selectable", message)])
    tiers = bundle.process.place_tiers
    if tiers and unit.tier not in tiers:
        message = f"“{bundle.process.name}”不能登记在“{unit.name}”，请写明是下面哪个单位的事。"
        raise UnitNotSelectable(message, errors=[FieldError("/placeUnit", "unit-not-selectable", message)])
    return unit


def _around(session: Session, given: Any) -> org.Unit | None:
    """The unit around a position as it was sent; what is none is told by the form."""
    match given:
        case {"lng": float() | int() as lng, "lat": float() | int() as lat}:
            return org.unit_around(session, (float(lng), float(lat)))
    return None


def _home(session: Session, actor: Actor, code: str | None, now: datetime) -> org.Unit | None:
    """The community of this code, or the first one, of which the resident is a member."""
    joined = memberships.communities(session, actor.id, now)
    found = (org.unit_at(session, each.unit_path) for each in joined)
    return next((unit for unit in found if unit and unit.valid_at(now) and code in (None, unit.code)), None)


def _first_filing(session: Session, actor: Actor, source: str, external_no: str | None) -> None:
    """Raises AlreadyFiled, which names the first one to who may see it."""
    if external_no is None:
        return
    first = session.execute(_SAME, {"source": source, "external_no": external_no}).one_or_none()
    if first is None:
        return
    seen = case_scope(actor, CASE_READ, cases.c.org_path, cases.c.id)
    if session.scalar(select(cases.c.id).where(cases.c.id == first.id, seen)) is None:
        raise AlreadyFiled(f"编号 {external_no} 已登记过，在您的范围以外。")
    raise AlreadyFiled(
        f"编号 {external_no} 已登记为 {first.number}。",
        link=f"/api/v1/cases/{first.id}",
        number=first.number,
    )
