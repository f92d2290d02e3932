"""Every process in every state: beginnings of its own scenarios, played into the demo's house and left there.

Each beginning ends now: what it waits for is still to come. Played by the services people use, with the demo
clock in the past meanwhile. It can be killed and begun again: a case is found by its number, a step that was
done is not done twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select, update

from app import bundles
from app.bundles import files as bundle_files
from app.bundles import store
from app.bundles.bundle import Bundle
from app.cases.models import cases
from app.cases.models import tasks as task_rows
from app.clocks import calendars
from app.core import clock, dialects, events
from app.core.config import settings
from app.core.db import Session, reading, system_state, transaction
from app.core.errors import Problem
from app.core.events import Event
from app.demo.shifting import begins_at, shifted
from app.demo.targets import SHOWN, Beginning, beginnings, statuses
from app.engine.errors import EngineError
from app.exchange.models import outbox
from app.processes import scenarios
from app.processes.check import org_beside
from app.processes.publish import shipped
from app.processes.scenario_file import FIRST, Scenario
from app.processes.stage import Story, Unmet, Walk
from app.processes.walk import read_scenarios

NAME = "demo_states"
SIDE = "side_"
"""Processes that run beside a case: the scenarios of what they run beside show them."""


@dataclass
class Kept:
    """What is kept while it lasts: how many cases were begun of a process, and what is being played."""

    offset: float = 0.0
    ended: bool = False
    number: int = 0
    playing: str | None = None
    taken: int = 0
    start: str = ""
    named: dict[str, str] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)

    def keep(self, session: Session) -> None:
        statement = dialects.upsert(session.dialect, system_state, ("name",))
        session.execute(statement, {"name": NAME, "value": orjson.dumps(asdict(self)).decode()})


@dataclass
class Shown:
    """What there is now: targets that are seen, by process, and those that no beginning reached."""

    cases: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    missed: dict[str, list[str]] = field(default_factory=dict)


def kept(session: Session) -> Kept:
    """What an earlier run left; a fresh one when there was none."""
    found = session.scalar(select(system_state.c.value).where(system_state.c.name == NAME))
    return Kept(**orjson.loads(found)) if found is not None else Kept()


def restore(session: Session) -> bool:
    """Brings the clock back after a run that was killed; whether there was one."""
    mark = kept(session)
    if mark.ended or not mark.start or clock.offset(session).total_seconds() == mark.offset:
        return False
    scenarios.set_offset(session, timedelta(seconds=mark.offset))
    return True


def show(keys: Sequence[str] = (), told: Callable[[str], None] = lambda process: None) -> Shown:
    """Plays what is missing of every shipped process (or of these), and brings the clock back.

    Refused in production: ClockFixed.
    """
    if settings().profile == "production":
        raise clock.ClockFixed
    with transaction() as session:
        restore(session)
        mark = kept(session)
        mark.offset, mark.ended = clock.offset(session).total_seconds(), False
        mark.keep(session)
    shown = Shown()
    with _nobody_is_sent():
        try:
            for key, bundle, known in _processes(keys):
                told(key)
                _of_process(mark, bundle, known, shown)
        finally:
            _back(mark)
    mark.ended = True
    with transaction() as session:
        mark.keep(session)
    return shown


def _processes(keys: Sequence[str]) -> Iterator[tuple[str, Bundle, Mapping[str, Scenario]]]:
    base = settings().bpmn_dir
    for folder in shipped(base):
        if folder.name.startswith(SIDE) or (keys and folder.name not in keys):
            continue
        with reading() as session:
            head = store.head(session, folder.name)
        if head is None or head.retired:
            continue
        bundle, (org, _) = bundles.get(head.version_id), org_beside(folder)
        yield folder.name, bundle, read_scenarios(bundle_files.read_folder(folder)[0], bundle, org)


def _of_process(mark: Kept, bundle: Bundle, known: Mapping[str, Scenario], shown: Shown) -> None:
    wanted = beginnings(bundle, known)
    if mark.playing is not None and mark.playing.partition("/")[0] == bundle.key:
        _play(mark, bundle, known, _named(mark.playing))
    whole = sorted(
        (Beginning(name, len(each.steps)) for name, each in known.items()), key=lambda one: one.steps
    )
    unsaid = {f"status:{word}" for word in statuses(bundle)} - wanted.keys()
    for target, choices in [*wanted.items(), *((each, whole) for each in sorted(unsaid))]:
        for choice in choices:
            name = f"{bundle.key}/{choice.scenario}/{choice.steps}"
            if target in seen(bundle):
                break
            if name in mark.tried:
                continue
            mark.tried.append(name)
            _play(mark, bundle, known, choice)
    there = seen(bundle)
    shown.seen[bundle.key] = len(there & (wanted.keys() | unsaid))
    shown.cases += _count(bundle)
    if missed := sorted((wanted.keys() | unsaid) - there):
        shown.missed[bundle.key] = missed


def _named(playing: str) -> Beginning:
    _, scenario, steps = playing.split("/")
    return Beginning(scenario, int(steps))


def seen(bundle: Bundle) -> set[str]:
    """What of a process is to be seen in the house now."""
    mine = cases.alias("mine")
    steps = (
        select(cases.c.process_key, task_rows.c.step)
        .join(cases, cases.c.id == task_rows.c.case_id)
        .join(mine, mine.c.id == cases.c.root_id)
        .where(mine.c.process_key == bundle.key, task_rows.c.state.in_(("open", "claimed", "waiting")))
        .distinct()
    )
    with reading() as session:
        rows: Sequence[Any] = session.execute(
            select(cases.c.status, cases.c.end_element).where(cases.c.process_key == bundle.key).distinct()
        ).all()
        open_: Sequence[Any] = session.execute(steps).all()
    found = {f"status:{status}" for status, _ in rows if status}
    found |= {f"end:{end}" for _, end in rows if end}
    return found | {f"open:{step}" if key == bundle.key else f"open:{key}/{step}" for key, step in open_}


def _count(bundle: Bundle) -> int:
    with reading() as session:
        return len(session.execute(select(cases.c.id).where(cases.c.process_key == bundle.key)).all())


# — one beginning —


def _play(mark: Kept, bundle: Bundle, known: Mapping[str, Scenario], choice: Beginning) -> None:
    """From where it was left. What cannot be played on stays as it stands."""
    name = f"{bundle.key}/{choice.scenario}/{choice.steps}"
    scenario = known.get(choice.scenario)
    if scenario is None:
        mark.playing = None
        return
    resumed = mark.taken if mark.playing == name else -1  # may have been done, and not been noted any more
    if mark.playing != name:
        _back(mark)
        with transaction() as session:
            mark.number += 1
            now, calendar = clock.now(session), calendars.in_force(session)
            mark.playing, mark.taken, mark.named = name, 0, {}
            mark.start = begins_at(scenario, choice.steps, now, calendar.is_workday).isoformat()
            mark.keep(session)
    start, number = datetime.fromisoformat(mark.start), f"YS{mark.number:04}"
    play = shifted(scenario, start, f"{number}-", number)
    walk = Walk(play, Story(play), bundle.version, bundle, dict(mark.named))
    scenarios.set_clock(_last(walk) or start)
    for i, step in enumerate(play.steps[: choice.steps]):
        if i < mark.taken or step.kind not in SHOWN:
            continue
        if step.kind == "start" and "form" in step.given and _filed_before(walk, step.given):
            pass
        elif not _taken(walk, step) and i != resumed:
            break
        mark.taken, mark.named = i + 1, dict(walk.cases)
        with transaction() as session:
            mark.keep(session)
    mark.playing = None
    _back(mark)


def _taken(walk: Walk, step: Any) -> bool:
    """Whether a step could be done; a worker beside us may have to finish first."""
    for attempt in range(2):
        try:
            scenarios.take(walk, step)
        except (Unmet, Problem, EngineError):
            if attempt:
                return False
            clock.sleep(0.05)
        else:
            return True
    return False


def _filed_before(walk: Walk, given: Mapping[str, Any]) -> bool:
    """Whether a run that was killed filed it and could not note so any more."""
    name = given.get("called") or FIRST
    with reading() as session:
        which = (
            cases.c.external_no == given["form"]["external_no"],
            cases.c.process_key == given.get("process", walk.bundle.key),
        )
        found = session.scalar(select(cases.c.id).where(*which))
    if found is not None:
        walk.cases[name] = found
        walk.story.case_id = found if name == FIRST else walk.story.case_id
    return found is not None


def _last(walk: Walk) -> datetime | None:
    """When something last happened to what was begun."""
    with reading() as session:
        rows = select(cases.c.last_event_at).where(cases.c.id.in_(list(walk.cases.values())))
        return max(session.execute(rows).scalars(), default=None)


def _back(mark: Kept) -> None:
    with transaction() as session:
        scenarios.set_offset(session, timedelta(seconds=mark.offset))
        mark.keep(session)


@contextmanager
def _nobody_is_sent() -> Iterator[None]:
    """The play is the other system too: what its cases send is settled at once."""

    def settle(session: Session, told: Sequence[Event]) -> None:
        sent = {event.case_id for event in told if event.name == "message.sent"}
        if sent:
            session.execute(
                update(outbox)
                .where(outbox.c.case_id.in_(sent), outbox.c.state.in_(("pending", "held")))
                .values(state="closed", settled_at=clock.now(session), note="示范：对方已收到")
            )

    events.listen(settle)
    try:
        yield
    finally:
        events.forget(settle)
