"""A small district at work in the test's database: people, published processes, and what they do all day."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import Table, event, select, update
from werkzeug.test import TestResponse

from app import bundles, create_app, wire
from app.audit.streams import audit_stream, stream_heads
from app.bundles import store
from app.bundles.bundle import compile_bundle
from app.bundles.files import BundleFiles, read_folder
from app.cases import filing, inbox, tasks
from app.cases.advance import Moved
from app.cases.commands import NewCase
from app.cases.models import cases
from app.cases.models import tasks as task_rows
from app.cases.search import query
from app.categories import importing
from app.categories.models import categories, category_tables
from app.clocks import calendars
from app.clocks.models import timers
from app.core import clock, db, dialects, ids
from app.core import once as core_once
from app.core.once import Once, Stored
from app.crypto.data_keys import data_keys
from app.identity import login, org
from app.identity.actor import Actor
from app.identity.memberships import memberships
from app.identity.models import account_topics, appointments, people, role_permissions, roles, units
from app.processes.callees import among_published
from tests import kept_rows
from tests.engine.drawing import Drawing

BPMN = Path(__file__).parents[1] / "bpmn"
PLAIN = Path(__file__).parent / "plain"
"""Small processes that tests of the machinery use, under the names of shipped ones."""
WORK_ORDER = "work_order_12345"
PLACE = "d1-s1-c2"

Row = dict[str, Any]


@cache
def folder(name: str) -> BundleFiles:
    """A process folder: the small one of the tests, else the one that is shipped."""
    return shipped(name) if not (PLAIN / name).is_dir() else read_folder(PLAIN / name)[0]


@cache
def shipped(name: str) -> BundleFiles:
    """A process folder of bpmn/."""
    return read_folder(BPMN / name)[0]


def bundle_of(
    key: str,
    drawing: Drawing,
    *,
    lanes: str = "",
    data: str = "",
    facts: str = "[]",
    starts: str = "[api]",
    sla: str = "",
    forms: Mapping[str, str] | None = None,
    messages: str = "",
    more: str = "",
) -> BundleFiles:
    """A process from text. `lanes` and `data` are the inside of a YAML flow mapping, `more` are further lines
    of process.yaml; the drawing's process is `key`."""
    process = (
        f"key: {key}\nname: 试验流程\nnumber: 'T-{{yyyymmdd}}-{{seq:05}}'\nstarts: {starts}\n"
        f"lanes: {{{lanes}}}\ndata: {{{data}}}\nfacts: {facts}\n{more}"
    )
    files = {"process.yaml": process.encode(), "process.bpmn": drawing.bytes()}
    if sla:
        files["sla.yaml"] = sla.encode()
    if messages:
        files["messages.yaml"] = messages.encode()
    for name, text in (forms or {}).items():
        files[f"forms/{name}.yaml"] = text.encode()
    return BundleFiles(key, files)


def by_role(role: str = "dispatcher", tier: str = "district") -> str:
    """The attribute of a user task that everybody with a role finds."""
    return f'camunda:candidateGroups="role({role})@{tier}"'


@dataclass
class World:
    """The district of bpmn/_org.yaml. People are named by login, units by code."""

    database: db.Database
    _actors: dict[str, Actor] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _keys: Iterator[int] = field(default_factory=itertools.count)

    # — people and processes —

    def actor(self, name: str) -> Actor:
        if name not in self._actors:
            with db.reading() as session:
                person = org.person_by_login(session, name)
                assert person is not None, name
                self._actors[name] = login.actor_by_id(session, person.id)
        return self._actors[name]

    def appoint(self, login: str, role: str, unit: str) -> None:
        """One more appointment."""
        with db.transaction() as session:
            found = org.unit_by_code(session, unit)
            assert found is not None, unit
            row = {"id": ids.new_id(), "person_id": self.actor(login).id, "role": role}
            row |= {"unit_id": found.id, "unit_path": found.path}
            session.execute(appointments.insert(), row)
        self._actors.pop(login)

    def publish(self, files: BundleFiles) -> bundles.Bundle:
        """Makes the files what new cases of their key start with."""
        files = among_published().pinned(files)
        bundle = _compiled(files)
        with db.transaction() as session:
            store.keep(session, files, bundle.process.name, clock.now(session), "tests")
        assert (
            bundles.get(files.version).engine.starts is not None
        )  # the diagram reads, and the catalog is warm
        return bundles.get(bundle.version)

    def head(self, key: str) -> str:
        """The version that new cases of a key start with."""
        with db.reading() as session:
            head = store.head(session, key)
        assert head is not None
        return head.version_id

    # — what people do —

    def file(self, by: str = "paiqian1", process: str = WORK_ORDER, **about: Any) -> Moved:
        usual: Row = {"title": "路灯不亮", "place_unit": PLACE}
        if process == WORK_ORDER:
            usual["answers"] = {"content": "路灯坏了", "level": "一般"}
        moved = filing.file_case(self.actor(by), NewCase(process, **{**usual, **about}))
        assert isinstance(moved, Moved)
        return moved

    def claim(self, by: str, task: Row, request: Once | None = None) -> Moved:
        moved = tasks.claim(self.actor(by), task["id"], request)
        return moved  # type: ignore[return-value]

    def complete(
        self,
        by: str,
        task: Row,
        outcome: str = "完成",
        answers: Mapping[str, Any] | None = None,
        opinion: str | None = None,
        seen: int | None = None,
    ) -> Moved:
        """Completes with the revision that `task` shows."""
        seen = task["revision"] if seen is None else seen
        moved = tasks.complete(self.actor(by), task["id"], outcome, answers or {}, opinion, seen)
        assert isinstance(moved, Moved)
        return moved

    def dispatched(self, unit: str = "d1-cgw", **about: Any) -> Row:
        """A work order that was filed and dispatched: its open task 签收."""
        filed = self.file(**about)
        moved = self.complete("paiqian1", filed.opened[0], "派遣", {"main_unit": unit})
        return moved.opened[0]

    def inbox(self, by: str, view: str = "todo", limit: int = 200) -> list[Row]:
        return inbox.page(self.actor(by), view, limit, None)

    def inbox_of(self, case: Row) -> list[Row]:
        """The open tasks of a case."""
        return [
            row for row in self.rows(task_rows, case_id=case["id"]) if row["state"] in ("open", "claimed")
        ]

    def cases(self, by: str, limit: int = 50, after: str | None = None, **filter: Any) -> list[Row]:
        """The cases that somebody sees, newest first; one more than `limit` when there are more."""
        asked = query.Asked([("/filter", filter)])
        found = query.search(query.CASES, self.actor(by), asked, limit, [after] if after else None)
        return found.rows

    # — time —

    def now(self) -> datetime:
        with db.reading() as session:
            return clock.now(session)

    def wait(self, **step: float) -> datetime:
        """Lets time pass; arguments as of timedelta."""
        with db.transaction() as session:
            return clock.pass_time(session, timedelta(**step))

    # — rows —

    def rows(self, table: Table, **which: Any) -> list[Row]:
        statement = select(table).where(*(table.c[name] == value for name, value in which.items()))
        with db.reading() as session:
            return [dict(row) for row in session.execute(statement.order_by(*table.primary_key)).mappings()]

    def row(self, table: Table, key: str) -> Row:
        return self.rows(table, id=key)[0]

    def case(self, case_id: str) -> Row:
        return self.row(cases, case_id)

    def timer(self, case_id: str, tier: str) -> Row:
        """The newest timer of an element or tier."""
        return max(self.rows(timers, case_id=case_id, tier=tier), key=lambda timer: timer["id"])

    def change(self, table: Table, key: str, **columns: Any) -> None:
        with db.transaction() as session:
            session.execute(update(table).where(table.c.id == key).values(columns))

    # — HTTP —

    @property
    def app(self) -> Flask:
        return application()

    def token(self, name: str) -> str:
        if name not in self._tokens:
            with db.transaction() as session:
                self._tokens[name] = login.token_for(session, self.actor(name).id)[0]
        return self._tokens[name]

    def post(
        self,
        by: str,
        path: str,
        body: Any,
        *,
        key: str | None = None,
        seen: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """`POST /api/v1<path>`; a fresh Idempotency-Key unless one is given; `seen` is If-Match."""
        sent = {
            "Authorization": f"Bearer {self.token(by)}",
            "Idempotency-Key": key or f"key-{next(self._keys)}",
            "Content-Type": "application/json",
        }
        if seen is not None:
            sent["If-Match"] = f'"{seen}"'
        sent.update(headers or {})
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.app.test_client().post(f"/api/v1{path}", data=raw, headers=sent)

    def put(
        self, by: str, path: str, body: Any, *, key: str | None = None, seen: int | None = None
    ) -> TestResponse:
        """`PUT /api/v1<path>`; a fresh Idempotency-Key unless one is given; `seen` is If-Match."""
        headers = {
            "Authorization": f"Bearer {self.token(by)}",
            "Idempotency-Key": key or f"key-{next(self._keys)}",
            "Content-Type": "application/json",
        }
        if seen is not None:
            headers["If-Match"] = f'"{seen}"'
        return self.app.test_client().put(f"/api/v1{path}", data=orjson.dumps(body), headers=headers)

    def delete(self, by: str, path: str, *, key: str | None = None) -> TestResponse:
        """`DELETE /api/v1<path>`; a fresh Idempotency-Key unless one is given."""
        headers = {
            "Authorization": f"Bearer {self.token(by)}",
            "Idempotency-Key": key or f"key-{next(self._keys)}",
        }
        return self.app.test_client().delete(f"/api/v1{path}", headers=headers)

    def get(self, by: str, path: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token(by)}"}
        return self.app.test_client().get(f"/api/v1{path}", headers=headers, buffered=True)

    def post_filing(self, by: str = "paiqian1", *, key: str | None = None, **about: Any) -> TestResponse:
        usual = {
            "process": WORK_ORDER,
            "title": "路灯不亮",
            "placeUnit": PLACE,
            "answers": {"content": "路灯坏了", "level": "一般"},
        }
        return self.post(by, "/cases", {**usual, **about}, key=key)


def build(database: db.Database, *published: BundleFiles) -> World:
    """The district with its processes; the work order unless others are named, at a time when people work. As
    a process that has served a request finds it: the key of kept answers is at hand."""
    wired()
    world = World(database)
    chosen = published or (folder(WORK_ORDER),)
    name = tuple(files.version for files in chosen)
    with db.transaction() as session:
        at_work(session)
        empty = kept_rows.are_empty(session, BUILT)
        known = empty and kept_rows.put_back(session, name)
        if known:
            login.grants_changed(session)
    core_once.warm()
    if known:
        for version in _versions[name]:
            assert bundles.get(version).engine is not None
        return world
    with db.transaction() as session:
        settle(session)
    _versions[name] = [world.publish(files).version for files in chosen]
    if empty:
        with db.transaction() as session:
            kept_rows.keep(session, name, BUILT)
    return world


_versions: dict[tuple[str, ...], list[str]] = {}
"""Files that a world was built of → the versions that they became."""


def at_work(session: db.Session) -> None:
    """Ten in the morning of a coming Wednesday on which people work, whatever hour it is where the tests run:
    at night nobody is told anything, and the morrow of a Friday is no working day."""
    if not _to_work:
        calendar, now = calendars.in_force(session), clock.wall()
        day = now.astimezone(clock.BEIJING).date() + timedelta(days=1)
        while day.isoweekday() != 3 or not calendar.is_workday(day):
            day += timedelta(days=1)
        _to_work.append(str((datetime.combine(day, time(10), clock.BEIJING) - now).total_seconds()))
    moved = {"name": clock.OFFSET, "value": _to_work[0]}
    session.execute(dialects.insert_ignore(session.dialect, db.system_state), moved)


_to_work: list[str] = []
"""Seconds from now until then."""


def settle(session: db.Session) -> None:
    """The organisation of bpmn/, without passwords."""

    def load() -> None:
        org.load_org(session, (BPMN / "_org.yaml").read_bytes(), with_passwords=False)

    kept_rows.begun(session, "district", DISTRICT, load)
    login.grants_changed(session)


def categorise(session: db.Session) -> None:
    """The categories of bpmn/, and what the record says of their import."""
    kept_rows.begun(session, "categories", CATEGORIES, lambda: importing.load_folder(session, BPMN))


DISTRICT = (units, roles, role_permissions, people, appointments, account_topics, memberships)
BUILT = (*DISTRICT, store.process_versions, store.process_heads, data_keys)
CATEGORIES = (category_tables, categories, stream_heads, audit_stream)


def _compiled(files: BundleFiles) -> bundles.Bundle:
    if files.version not in _bundles:
        bundle, findings = compile_bundle(files)
        assert bundle is not None, [each.zh for each in findings]
        _bundles[files.version] = bundle
    return _bundles[files.version]


_bundles: dict[str, bundles.Bundle] = {}


@cache
def wired() -> None:
    """Once a process: wire() forgets the versions that were read before."""
    wire()


@cache
def application() -> Flask:
    """It holds no rows, so one serves all tests."""
    return create_app()


def once(actor: Actor, key: str, fingerprint: str = "f", route: str = "/tests") -> Once:
    """The identity of a request whose answer is the ids of its task, its case and what opened."""

    def render(moved: Moved) -> Stored:
        told = {
            "task": moved.task and moved.task["id"],
            "case": moved.case["id"],
            "opened": [task["id"] for task in moved.opened],
        }
        return Stored(200, {"Content-Type": "application/json"}, orjson.dumps(told))

    return Once(actor.id, "POST", route, key, fingerprint, render)


@contextmanager
def statements(database: db.Database, *, reading: bool = False) -> Iterator[list[str]]:
    """Collects the statements sent meanwhile on the writing (or reading) engine, without BEGIN, COMMIT, SET."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        text = " ".join(statement.split())
        if not text.upper().startswith(("BEGIN", "COMMIT", "SET ")):
            sent.append(text)

    engine = database.only_reading if reading else database.writing
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def numbered(lines: Sequence[str]) -> str:
    """Statements one below the other, for the message of a failed assertion."""
    return "\n".join(f"{i:3} {line[:150]}" for i, line in enumerate(lines, 1))


def new_id() -> str:
    return ids.new_id()
