"""A district in which every operation finds something: cases at every step, messages in and out, files, incidents.

Random words are refused at the door and would try nothing behind it; `words` are those that mean something here,
by the name under which a request asks for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert, select

from app.bundles.models import process_versions
from app.cases.errors import ProcessStopped
from app.cases.models import tasks
from app.core import db
from app.identity import login, passwords, permissions
from app.identity.models import people, role_permissions, roles, units
from tests import world as worlds
from tests.cases import secret_process
from tests.cases.external.conftest import DATA, FORMS, TOPIC, grant, printing
from tests.cases.incidents import test_opening
from tests.categories.conftest import SMALL, load
from tests.exchange.conftest import talks
from tests.exchange.speaking import callback, filed, handle
from tests.files import bring, upload
from tests.world import PLACE, WORK_ORDER, World

PERSON, SERVICE, RESIDENT = "paiqian1", "city", "jumin1"
PASSWORD = "demo-paiqian1"
EVERYTHING = "everything"
POOLS = (("reviewer", "d1"), ("handler", "d1-cgw"), ("handler", "d1-zjw"))
WORDS: Mapping[str, Sequence[Any]] = {
    "placeUnit": (PLACE, "d1-s1"),
    "units": (["d1-zjw"], ["d1-cgw", "d1-s1"]),
    "suggest": ("d1-zjw",),
    "outcome": ("派遣", "签收", "完成", "办结", "通过"),
    "answers": (
        {},
        {"main_unit": "d1-cgw"},
        {"content": "路灯坏了", "level": "一般"},
        {"contacted": True, "solved": True, "result": "已修复"},
    ),
    "correlationKey": ("BJ-1", "BJ-2", "BJ-3"),
    "view": ("todo", "done", "all", "started"),
    "data": ({"solved": True, "caller": {"name": "市民甲"}},),
    "fields": (["caller_phone"], ["caller_name", "content"]),
    "yaml": (SMALL, SMALL.replace("路灯不亮", "路灯损坏")),
    "table": ("city_12345",),
    "ttl": ("P7D", "PT1H"),
    "name": ("city.callback", "city.dispatch"),
    "parent": ("d1", "01"),
    "topics": ([{"topicName": TOPIC, "lockDuration": 60_000}],),
    "topic": (TOPIC,),
    "workerId": ("w1",),
    "variables": ({"number": "P-7", "units": None},),
    "errorCode": ("no_paper",),
    "role": ("dispatcher", "handler"),
}

TABLES = {
    "delivery": "outbox",
    "filter": "saved_filters",
    "link": "case_links",
    "message": "inbound",
    "receipt": "inbound",
    "version": "process_versions",
}
"""Where what a path names lies, if not in the table of the same name."""


@dataclass
class District:
    """The world, who asks, and what may be asked about."""

    world: World
    words: dict[str, list[Any]] = field(default_factory=dict)

    def token_of(self, operation: Mapping[str, Any]) -> str:
        """A fresh token: the person with every right, the city where only a service has something to ask, a
        resident where nobody else is let in."""
        service = operation.get("x-permission") in (permissions.MESSAGE_SEND, permissions.EXTERNAL_WORK)
        who = SERVICE if service else PERSON
        if operation.get("x-serves") == "residents":
            who = RESIDENT
        with db.transaction() as session:
            return login.token_for(session, self.world.actor(who).id)[0]

    def refresh(self, *, writes: bool) -> None:
        """The words anew, and before an operation that may use them up a work order at each step."""
        world = self.world
        if writes:
            world.file(PERSON)
            world.claim(PERSON, world.dispatched())
            claimed = world.claim(PERSON, world.dispatched()).task
            world.complete(PERSON, claimed or {}, "签收")
        self.words = {name: list(words) for name, words in WORDS.items()} | {
            "code": [row["code"] for row in world.rows(units)],
            "login": ["xijie1", "zjw2"],  # accounts that may end: nothing else needs them
            "key": [row["key"] for row in world.rows(process_versions)],
            "step": sorted({row["step"] for row in world.rows(tasks)}),
        }
        cases_ = ids_of(table_of("case_id"))
        self.words |= {
            "to": cases_ + ids_of(people),
            "into": cases_,
            "case": cases_,
            "process": self.words["key"],
            "unit": self.words["code"],
            "under": self.words["code"],
            "filterId": ids_of(table_of("filter_id")),
            "task": ids_of(tasks),
        }

    def words_for(self, name: str) -> list[Any]:
        """What fits under a name; ids where a path asks for them."""
        if name not in self.words and table_of(name) is not None:
            self.words[name] = ids_of(table_of(name))
        return self.words.get(name, [])

    def revision(self, path: Mapping[str, Any]) -> int | None:
        """The revision of the row that a path names."""
        for name, key in path.items():
            table = table_of(name)
            rows = self.world.rows(table, id=key) if table is not None and "revision" in table.c else []
            if rows:
                return int(rows[0]["revision"])
        return None


def outside(world: World) -> None:
    """Work that waits for whoever fetches it."""
    world.file(PERSON, "outside", answers={"amount": 1})


def table_of(name: str) -> Any:
    """Where the rows lie that a parameter such as `task_id` names, if any do."""
    noun = name.removesuffix("_id")
    table = db.metadata.tables.get(TABLES.get(noun, f"{noun}s"))
    return table if name.endswith("_id") and table is not None and "id" in table.c else None


def ids_of(table: Any) -> list[str]:
    """The newest ids, enough to choose from."""
    with db.reading() as session:
        return list(session.execute(select(table.c.id).order_by(table.c.id.desc()).limit(40)).scalars())


def build(database: db.Database) -> District:
    """One person with every right and in every pool, one service, and something of everything."""
    world = worlds.build(
        database,
        worlds.folder(WORK_ORDER),
        worlds.shipped("side_assist"),
        talks(),
        secret_process.files(),
        test_opening.breaking(),
        worlds.bundle_of("outside", printing(way_out=True, key="outside"), data=DATA, forms=FORMS),
    )
    load(SMALL)
    with db.transaction() as session:
        session.execute(insert(roles), {"key": EVERYTHING, "name": "全部权限"})
        rows = [{"role": EVERYTHING, "permission": name} for name in permissions.ALL]
        session.execute(insert(role_permissions), rows)
        login.grants_changed(session)
        session.execute(people.update().values(password_hash=passwords.hashed(PASSWORD)))
    for who in (PERSON, SERVICE):
        world.appoint(who, EVERYTHING, "d1")
    grant(world, SERVICE, TOPIC)
    for role, unit in POOLS:
        world.appoint(PERSON, role, unit)

    for number in ("BJ-1", "BJ-2", "BJ-3"):
        handle(world, filed(world, number))
    callback(world, "BJ-1")
    callback(world, "BJ-9")
    outside(world)
    called = world.file(PERSON, secret_process.KEY, answers={"content": "来电", **secret_process.CALLER})
    stopped = world.file(PERSON, "breaking")
    with pytest.raises(ProcessStopped):
        world.complete(PERSON, stopped.opened[0], "完成", {"amount": "许多"})
    case = called.case["id"]
    upload(world, PERSON, case)
    bring(world, PERSON)
    world.post(PERSON, f"/cases/{case}/notes", {"text": "备注"})
    world.post(PERSON, f"/cases/{case}/links", {"to": stopped.case["id"], "kind": "related"})
    for kind in ("cases", "tasks"):
        world.post(PERSON, "/filters", {"kind": kind, "name": "近期", "filter": {}, "sort": []})
    return District(world)
