"""Plays every tests/bad/cases/<row>-<variant>.yaml in a district at work, on both databases.

A file says what is wrong, how far the work order in the world has come, who sends what, and the answer that must
come back: one problem in Chinese, nothing of our insides, no row changed but the security log.
"""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.streams import audit_stream
from app.cases import firing
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World

FILES: dict[str, Row] = {
    file.stem: yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for file in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
}
STATES = ("filed", "dispatched", "claimed", "done", "returned")
INSIDES = re.compile(r"traceback|select |insert |sqlite|psycopg|sqlalchemy|werkzeug|\.py\b", re.IGNORECASE)
LOG = ("audit_stream", "stream_heads", "number_series")  # a refused filing may leave a gap (bundle.md)
ROWS = {21, 22, 24, 25, 26, 43, 44, 48, 49}

FIELDS = """
phone: {type: text, format: phone, label: 电话, secret: true}, idcard: {type: text, format: idcard, label: 身份证号, secret: true},
due: {type: date, min: today, label: 期限}, note: {type: text, max: 10, label: 说明},
level: {type: choice, of: [一般, 紧急], label: 程度}, must: {type: text, label: 必填},
count: {type: int, min: 0, max: 100, label: 数}, flag: {type: bool, label: 是否},
place: {type: point, label: 位置}, unit: {type: unit, label: 单位}, person: {type: person, label: 人}
"""


def bad_fields() -> worlds.BundleFiles:
    """A filing form with a field of every kind."""
    names = re.findall(r"(\w+): \{type", FIELDS)
    form = "title: 登记\nfields:\n" + "".join(f"  - {{name: {name}}}\n" for name in names if name != "must")
    drawing = Drawing("bad_fields").start(attributes='camunda:formKey="filing"').end()
    drawing.task("t", worlds.by_role(), outcomes="完成").line("start", "t", "end")
    return worlds.bundle_of(
        "bad_fields",
        drawing,
        data=" ".join(FIELDS.split()),
        forms={"filing": form + "  - {name: must, required: true}\n"},
    )


def at(world: World, state: str) -> Row:
    """A work order that has come so far: filed, dispatched, claimed by cgw1, returned by the clock, or signed."""
    if state == "filed":
        return world.file().opened[0]
    task = world.dispatched()
    if state in ("claimed", "done"):
        world.claim("cgw1", task)
    if state == "done":
        world.complete("cgw1", task, "签收", seen=2)
    if state == "returned":
        world.wait(hours=3)
        firing.fire_due()
    return task


def spelled(value: Any) -> Any:
    """A body with `{repeat, times}` written out."""
    if isinstance(value, dict) and set(value) == {"repeat", "times"}:
        return value["repeat"] * value["times"]
    return {key: spelled(each) for key, each in value.items()} if isinstance(value, dict) else value


def everything() -> dict[str, list[Any]]:
    """All rows but those of the security log."""
    with db.reading() as session:
        found = {}
        for table in db.metadata.sorted_tables:
            if table.name not in LOG:
                rows = session.execute(select(table).order_by(*table.primary_key)).all()
                found[table.name] = [tuple(row) for row in rows]
        return found


def logged() -> list[str]:
    with db.reading() as session:
        query = audit_stream.select().where(audit_stream.c.stream == "auth")
        rows = session.execute(query.order_by(audit_stream.c.at))
        return [row.kind for row in rows]


@pytest.mark.parametrize("state", STATES)
def test_bad_requests_about_a_case_get_their_answers_and_change_nothing(
    state: str, database: db.Database
) -> None:
    world = worlds.build(database, worlds.folder(worlds.WORK_ORDER), bad_fields())
    task = at(world, state)
    for who in {told["request"]["by"] for told in FILES.values()}:
        world.token(who)
    assert world.app  # every table is known from here on
    before = everything()

    wrong = {
        name: found
        for name, told in FILES.items()
        if told["world"] == state and (found := played(world, task, told))
    }

    assert wrong == {}
    assert everything() == before


def played(world: World, task: Row, told: Row) -> str | None:
    """Sends what a file says; what is wrong with the answer, None when all is well."""
    request, log = told["request"], len(logged())
    path = request["path"].format(task=task["id"], case=task["case_id"])
    if request.get("method") == "GET":
        answer = world.get(request["by"], path)
    else:
        body = spelled(request["body"])
        answer = world.post(
            request["by"], path, body, seen=request.get("seen"), headers=request.get("headers")
        )
    try:
        check(answer, told["answer"])
        assert logged()[log:] == ([told["answer"]["log"]] if "log" in told["answer"] else [])
    except AssertionError as error:
        return f"{answer.status_code} {answer.get_data(as_text=True)[:600]} {error}"
    return None


def check(answer: TestResponse, expected: Row) -> None:
    problem = orjson.loads(answer.data)
    assert (answer.status_code, problem["type"]) == (expected["status"], f"/problems/{expected['problem']}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    assert re.search("[一-鿿]", problem["title"])
    assert not INSIDES.search(answer.get_data(as_text=True))
    if "pointer" in expected:
        codes = {error["pointer"]: error["code"] for error in problem["errors"]}
        assert expected["pointer"] in codes
        assert codes[expected["pointer"]] == expected.get("code", codes[expected["pointer"]])
        assert all(re.search("[一-鿿]", error["message"]) for error in problem["errors"])
    assert expected.get("says", "") in problem["detail"]
    assert problem.get("permission") == expected.get("permission")
    assert all(problem.get(name) for name in expected.get("tells", []))
    for name, value in expected.get("headers", {}).items():
        assert answer.headers[name] == value


def test_every_row_that_is_ours_has_its_files() -> None:
    assert {int(name.split("-")[0]) for name in FILES} == ROWS
    for name, told in FILES.items():
        assert set(told) == {"what", "world", "request", "answer"}, name
        assert told["world"] in STATES, name
