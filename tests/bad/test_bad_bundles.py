"""Publishes every tests/bad/bundles/<row>-<variant>.yaml (trust rows 1–14) over HTTP, on both databases.

A file changes the work order: `edits` of its files, `files` beside or instead of them, a word `everywhere`. It
gets 422 with its codes, or a warning where `level` says so; `against` says what only a database knows; nothing of a refused one is kept.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from app.bundles.files import sort_out
from app.bundles.models import process_versions
from app.core import db
from app.identity import login, org
from app.processes.check import check_files, org_beside
from tests.world import BPMN, WORK_ORDER, World, build, folder

FILES: dict[str, dict[str, Any]] = {
    file.stem: yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for file in sorted((Path(__file__).parent / "bundles").glob("*.yaml"))
}
ROWS = {*range(1, 7), *range(8, 15)}
"""Row 7, a loop without a wait, is a matter of the diagram alone."""

INSIDES = re.compile(r"Traceback|/etc/passwd|root:|site-packages|\.py\b|SELECT |psycopg|sqlite3")


def changed(told: dict[str, Any]) -> dict[str, str]:
    """The work order as a file of this folder wants it."""
    files = {path: data.decode() for path, data in folder(WORK_ORDER).files.items()}
    for edit in told.get("edits", ()):
        assert edit["old"] in files[edit["file"]], edit
        files[edit["file"]] = files[edit["file"]].replace(edit["old"], edit["new"], 1)
    if renamed := told.get("everywhere"):
        files = {path: text.replace(renamed["old"], renamed["new"]) for path, text in files.items()}
    return files | {path: text or "" for path, text in told.get("files", {}).items()}


@pytest.fixture
def district(database: db.Database) -> tuple[FlaskClient, World]:
    world = build(database)
    return world.app.test_client(), world


def token(world: World, name: str) -> str:
    with db.transaction() as session:
        person = org.person_by_login(session, name)
        assert person is not None
        return login.token_for(session, person.id)[0]


@pytest.mark.parametrize("name", FILES)
def test_a_bad_bundle_is_refused_with_its_codes_and_nothing_is_kept(
    name: str, district: tuple[FlaskClient, World]
) -> None:
    client, world = district
    told = FILES[name]
    body = {"key": WORK_ORDER, "files": changed(told), "replaces": told.get("replaces")}
    before = [row["id"] for row in world.rows(process_versions)]
    headers = {"Authorization": f"Bearer {token(world, 'liucheng1')}", "Idempotency-Key": name}

    answer = client.post("/api/v1/deployments", json=body, headers=headers)

    problem = answer.json
    if told.get("level") == "warning":
        codes = {each["rule"] for each in problem["warnings"]}
        assert (answer.status_code, codes) == (201, set(told["codes"])), problem
        return
    codes = {each["code"] for each in problem["errors"]} or {problem["type"].rpartition("/")[2]}
    assert (answer.status_code, codes) == (told.get("status", 422), set(told["codes"])), problem
    assert re.search(r"[\u4e00-\u9fff]", problem["title"])
    assert all(each["pointer"].startswith("/files/") for each in problem["errors"])
    assert not INSIDES.search(answer.get_data(as_text=True))
    assert [row["id"] for row in world.rows(process_versions)] == before


@pytest.mark.parametrize(
    "name",
    [name for name, told in FILES.items() if told.get("status", 422) == 422 and "against" not in told],
)
def test_the_command_finds_the_same_without_a_database(name: str) -> None:
    told = FILES[name]
    texts = {path: text.encode() for path, text in changed(told).items()}
    files, about = sort_out(WORK_ORDER, texts)

    found = check_files(files, org_beside(BPMN / WORK_ORDER)[0], about).findings

    level = told.get("level", "error")
    assert {each.rule for each in found if each.level == level} == set(told["codes"])
    assert not any(each.rule in ("check-failed", "bpmn-check-failed", "dmn-check-failed") for each in found)


@pytest.mark.parametrize(
    ("coding", "path"), [("gbk", "process.yaml"), ("utf-16", "sla.yaml"), ("gbk", "forms/handle.yaml")]
)
def test_a_file_in_another_coding_is_told_with_its_line(coding: str, path: str) -> None:
    """Row 13; over HTTP text is UTF-8, so this reaches a command only."""
    texts = dict(folder(WORK_ORDER).files)
    texts[path] = texts[path].decode().encode(coding)
    files, about = sort_out(WORK_ORDER, texts)

    found = [each for each in check_files(files, None, about).findings if each.level == "error"]

    assert ("charset", path) in {(each.rule, each.file) for each in found}


def test_every_row_about_bundles_has_a_file() -> None:
    assert {int(name[:2]) for name in FILES} == ROWS
