"""Posts every tests/bad/*.bpmn (trust rows 1–13) over HTTP inside a small good folder, on both databases.

`/deployments/validate` answers 200 with its findings, `/deployments` one problem with the same errors; where the
bytes are no JSON text the body is refused before it is looked into. Nothing is kept.
"""

import json
from typing import Any

from app.bundles.models import process_versions
from app.core import db
from app.processes.check import check_files, org_beside
from tests import world as worlds
from tests.bad.test_bad_case_requests import INSIDES
from tests.engine.test_bad_diagrams import diagrams, expected
from tests.world import BPMN, BundleFiles, World

KEY = "bad_diagram"
AROUND = {
    "process.yaml": (
        f"key: {KEY}\nname: 坏图\nnumber: 'B-{{yyyymmdd}}-{{seq:05}}'\nstarts: [api]\n"
        "lanes: {社区: role(dispatcher)@district}\n"
        "data: {level: {type: text, max: 20, label: 级别}, main_unit: {type: unit, label: 主办单位}}\n"
    ),
    "sla.yaml": "clocks: {total: {start: case.received, stop: case.closed, limit: P7D}}\n",
}
# Bytes that are no JSON text, or hold what no text may.
NO_TEXT = {
    "13-gbk": (400, "json-malformed"),
    "13-gbk-undeclared": (400, "json-malformed"),
    "13-utf-16": (400, "json-malformed"),
    "13-control-character": (422, "text-invalid-character"),
}


def cases() -> dict[str, bytes]:
    """Every bad diagram by name, as one of this folder."""
    return {
        name: data.replace(b'<process id="p"', f'<process id="{KEY}"'.encode()).replace(
            b'calledElement="p"', f'calledElement="{KEY}"'.encode()
        )
        for name, data in diagrams().items()
    }


def request_with(diagram: bytes) -> bytes:
    """The JSON of a folder with this diagram, its bytes as they are where they are no UTF-8."""
    try:
        text = json.dumps(diagram.decode()).encode()
    except UnicodeDecodeError:
        text = b'"' + diagram.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
    around = json.dumps(AROUND).encode()
    return b'{"key": "%s", "files": %s, "process.bpmn": %s}}' % (KEY.encode(), around[:-1], text)


def wrong(world: World, name: str, diagram: bytes) -> Any:
    """What is not as it should be in the answers to one diagram, None when all is well."""
    body = request_with(diagram)
    checked, problem = (
        world.post("liucheng1", path, body) for path in ("/deployments/validate", "/deployments")
    )
    told = checked.get_data(as_text=True) + problem.get_data(as_text=True)
    if name in NO_TEXT or len(body) > 1024 * 1024:
        status, slug = NO_TEXT.get(name, (413, "too-large"))
        answers = {(each.status_code, each.json["type"]) for each in (checked, problem)}
        return None if answers == {(status, f"/problems/{slug}")} and not INSIDES.search(told) else answers
    errors = {each["rule"] for each in checked.json["findings"] if each["level"] == "error"}
    codes = {each["code"] for each in problem.json["errors"]}
    pointers = {each["pointer"] for each in problem.json["errors"]}
    rules = expected(name, diagram)
    good = (
        (checked.status_code, checked.json["good"], errors) == (200, False, rules)
        and (problem.status_code, problem.json["type"]) == (422, "/problems/process-refused")
        and (codes, pointers) == (rules, {"/files/process.bpmn"})
        and not INSIDES.search(told)
    )
    return None if good else (checked.status_code, errors, problem.status_code, codes, pointers)


def test_a_bad_diagram_gets_its_answer_over_http_and_nothing_is_kept(database: db.Database) -> None:
    world = worlds.build(database)
    before = [row["id"] for row in world.rows(process_versions)]

    found = {name: wrong(world, name, diagram) for name, diagram in cases().items()}

    assert {name: each for name, each in found.items() if each is not None} == {}
    assert [row["id"] for row in world.rows(process_versions)] == before


def test_the_folder_round_them_is_good() -> None:
    diagram = worlds.Drawing(KEY).start().task("t", worlds.by_role()).end().line("start", "t", "end")
    files = {path: text.encode() for path, text in AROUND.items()} | {"process.bpmn": diagram.bytes()}

    found = check_files(BundleFiles(KEY, files), org_beside(BPMN / "_")[0]).findings

    assert [each.zh for each in found if each.level == "error"] == []
