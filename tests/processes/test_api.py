"""Definitions, checks and deployments over HTTP, as an editor of processes meets them."""

import re
import shutil
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core import db
from app.identity import login, org
from app.processes.check import check_folder
from app.processes.rehearsal import rehearse
from app.processes.schema import schemas
from tests.engine.decisions.tables import file, table
from tests.processes.conftest import Change
from tests.world import application

pytestmark = pytest.mark.usefixtures("district")


@pytest.fixture
def client() -> FlaskClient:
    return application().test_client()


def headers(name: str, key: str | None = None) -> dict[str, str]:
    with db.transaction() as session:
        person = org.person_by_login(session, name)
        assert person is not None
        token, _ = login.token_for(session, person.id)
    return {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})


def body(copied: Change, **more: Any) -> dict[str, Any]:
    folder = copied()
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {"key": folder.name, "files": files, **more}


def test_a_good_folder_is_checked_and_nothing_is_kept(client: FlaskClient, copied: Change):
    answer = client.post("/api/v1/deployments/validate", json=body(copied), headers=headers("liucheng1"))

    assert answer.status_code == 200, answer.json
    assert answer.json["good"] is True
    assert answer.json["findings"] == []
    walked = answer.json["rehearsal"]
    assert (walked["passed"], walked["whyNot"], walked["missed"]) == (True, None, [])
    assert walked["coveredPercent"] == 100
    assert {each["name"] for each in walked["scenarios"]} >= {"on_time", "returned_once", "nobody_signs"}
    assert answer.json["impact"] == {"replaces": None, "runningCases": 0, "unchanged": False}
    assert client.get("/api/v1/process-definitions", headers=headers("liucheng1")).json == {"items": []}


def test_a_scenario_that_does_not_hold_is_told_with_what_happened_until_then(
    client: FlaskClient, copied: Change
):
    folder = copied("scenarios/on_time.yaml", "status: 待签收", "status: 待派遣")
    for other in folder.glob("scenarios/*"):
        if other.name != "on_time.yaml":
            other.unlink()

    answer = client.post("/api/v1/deployments/validate", json=body(copied), headers=headers("liucheng1"))

    walked = answer.json["rehearsal"]
    (failed,) = [each for each in walked["scenarios"] if each["failed"]]
    assert (answer.json["good"], walked["passed"], failed["name"]) == (True, False, "on_time")
    assert "状态应为“待派遣”，实际是“待签收”" in failed["failed"]
    assert failed["lines"]


def test_files_with_errors_are_not_walked(client: FlaskClient, copied: Change):
    copied("forms/dispatch.yaml", "main_unit", "main_unti")

    answer = client.post("/api/v1/deployments/validate", json=body(copied), headers=headers("liucheng1"))

    assert (answer.json["good"], answer.json["rehearsal"]) == (False, None)


@pytest.mark.usefixtures("sqlite")
def test_a_walk_that_takes_too_long_is_ended_and_says_so(copied: Change):
    told = rehearse(check_folder(copied()).files, seconds=0.01)

    assert told.scenarios == ()
    assert "秒内没有走完" in (told.why_not or "")


def test_a_table_of_categories_that_is_not_loaded_is_told_before_publishing(
    client: FlaskClient, copied: Change
):
    copied("process.yaml", "\nfacts:", "\n  kind: {type: category, table: city_99, label: 分类}\nfacts:")
    folder = copied("forms/filing.yaml", "- {name: place}", "- {name: kind}")
    shutil.rmtree(folder / "scenarios")  # a walk would say nothing about it

    answer = client.post("/api/v1/deployments/validate", json=body(copied), headers=headers("liucheng1"))

    (told,) = [each for each in answer.json["findings"] if each["rule"] == "category-table-missing"]
    assert (told["level"], told["file"]) == ("warning", "process.yaml")
    assert "分类表 city_99 还没有导入" in told["zh"]


def test_every_finding_names_file_line_and_both_languages(client: FlaskClient, copied: Change):
    copied("forms/dispatch.yaml", "main_unit", "main_unti")

    answer = client.post("/api/v1/deployments/validate", json=body(copied), headers=headers("liucheng1"))

    (finding,) = [each for each in answer.json["findings"] if each["rule"] == "name-undeclared"]
    assert (finding["file"], finding["line"], finding["level"]) == ("forms/dispatch.yaml", 5, "error")
    assert "是不是 main_unit" in finding["zh"]
    assert finding["en"]


def test_a_deployment_is_answered_once_and_replayed(client: FlaskClient, copied: Change):
    sent, me = body(copied), headers("liucheng1", "deploy-1")

    first = client.post("/api/v1/deployments", json=sent, headers=me)
    again = client.post("/api/v1/deployments", json=sent, headers=me)

    assert first.status_code == 201, first.json
    assert (first.data, first.headers["Location"]) == (again.data, again.headers["Location"])
    assert first.json["version"]["number"] == 1
    assert first.json["changed"] is True


def test_a_bad_folder_is_refused_with_one_error_per_finding(client: FlaskClient, copied: Change):
    copied("process.yaml", "facts:", "no_such: []\nfacts:")

    answer = client.post("/api/v1/deployments", json=body(copied), headers=headers("liucheng1", "k1"))

    assert (answer.status_code, answer.json["type"]) == (422, "/problems/process-refused")
    assert answer.json["errors"][0]["pointer"] == "/files/process.yaml"
    assert answer.json["errors"][0]["code"] == "key-unknown"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("<bpmn:definitions", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>\n<bpmn:definitions', "bpmn-doctype-forbidden"),
        ('<bpmn:userTask id="archive" name="归档"', '<bpmn:scriptTask id="archive" name="归档"', None),
        ('id="sign" name="签收"', 'id="dispatch" name="签收"', "bpmn-duplicate-id"),
        ('targetRef="archived"', 'targetRef="nowhere"', "bpmn-flow-dangling"),
        ("role(reviewer)@district", "role(boss)@district", "bpmn-unknown-role"),
        ('encoding="UTF-8"', 'encoding="GBK"', "charset"),
        ('outcome("sign") == "退单"', "().__class__", "bpmn-expression-forbidden"),
    ],
)  # fmt: skip
def test_a_diagram_that_must_not_run_is_refused_by_name(
    client: FlaskClient, copied: Change, old: str, new: str, rule: str | None
):
    folder = copied("process.bpmn", old, new)
    if rule is None:
        rule = "bpmn-script-forbidden"
        text = (folder / "process.bpmn").read_text("utf-8")
        start = text.index("<bpmn:scriptTask")
        end = text.index("</bpmn:userTask>", start)
        (folder / "process.bpmn").write_text(text[:end] + "</bpmn:scriptTask>" + text[end + 16 :], "utf-8")

    answer = client.post("/api/v1/deployments", json=body(copied), headers=headers("liucheng1", "k1"))

    assert answer.status_code == 422
    assert rule in [error["code"] for error in answer.json["errors"]], answer.json
    assert "hostname" not in answer.text or "DOCTYPE" in answer.text


def test_two_publishers_do_not_overwrite_each_other(client: FlaskClient, copied: Change):
    first = client.post("/api/v1/deployments", json=body(copied), headers=headers("liucheng1", "k1")).json
    copied("sla.yaml", "limit: P7D", "limit: P5D")
    client.post("/api/v1/deployments", json=body(copied), headers=headers("liucheng1", "k2"))
    copied("sla.yaml", "limit: P5D", "limit: P3D")

    answer = client.post(
        "/api/v1/deployments",
        json=body(copied, replaces=first["version"]["id"]),
        headers=headers("liucheng1", "k3"),
    )

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/deploy-conflict")


def test_publishing_needs_its_permission(client: FlaskClient, copied: Change):
    answer = client.post("/api/v1/deployments", json=body(copied), headers=headers("paiqian1", "k1"))

    assert (answer.status_code, answer.json["permission"]) == (403, "process:publish")


def test_who_files_cases_sees_what_a_process_asks(client: FlaskClient, copied: Change):
    client.post("/api/v1/deployments", json=body(copied), headers=headers("liucheng1", "k1"))

    listed = client.get("/api/v1/process-definitions", headers=headers("city")).json["items"]
    shown = client.get("/api/v1/process-definitions/work_order_12345", headers=headers("city")).json

    assert [row["key"] for row in listed] == ["work_order_12345"]
    assert shown["startForm"]["required"] == ["content", "level"]
    assert [step["id"] for step in shown["steps"]] == ["dispatch", "sign", "handle", "review", "archive"]
    assert client.get("/api/v1/process-definitions/nothing", headers=headers("city")).status_code == 404
    assert client.get("/api/v1/process-definitions", headers=headers("cgw1")).status_code == 403


def test_a_versions_diagram_comes_back_byte_for_byte(client: FlaskClient, copied: Change):
    deployed = client.post("/api/v1/deployments", json=body(copied), headers=headers("liucheng1", "k1")).json
    version = deployed["version"]["id"]

    answer = client.get(f"/api/v1/process-definitions/{version}/xml", headers=headers("liucheng1"))
    listed = client.get(
        "/api/v1/process-definitions/work_order_12345/versions", headers=headers("liucheng1")
    ).json

    assert answer.data == (copied() / "process.bpmn").read_bytes()
    assert answer.mimetype == "application/xml"
    assert [row["id"] for row in listed["items"]] == [version]
    assert (
        client.get(f"/api/v1/process-definitions/{'0' * 64}/xml", headers=headers("liucheng1")).status_code
        == 404
    )


@pytest.mark.parametrize("kind", ["process", "form", "sla", "scenario", "org"])
def test_every_kind_of_file_has_a_schema_that_anybody_may_read(client: FlaskClient, kind: str):
    answer = client.get(f"/schemas/{kind}.json")

    assert answer.status_code == 200
    assert answer.json == schemas()[kind]
    assert client.get("/schemas/strange.json").status_code == 404


def test_a_policy_with_a_gap_an_overlap_or_an_unknown_clock_is_refused_with_file_and_line(
    client: FlaskClient, copied: Change
):
    rows = [['"突发"', '"PT2H"'], ['"突发","紧急"', '"PT24H"']]  # one twice, two never
    (copied() / "decisions").mkdir()
    written = table(["level"], ["limit"], rows, identifier="limits", name="办理时限")
    (copied() / "decisions" / "limits.dmn").write_bytes(file(written))
    copied("sla.yaml", "limit: P7D", "limit: table(limits)")
    wrong = [body(copied)]
    copied("sla.yaml", "clock: total, at", "clock: totall, at")
    wrong.append(body(copied))

    told = {}
    for which, files in enumerate(wrong):
        answer = client.post("/api/v1/deployments", json=files, headers=headers("liucheng1", f"w{which}"))
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/process-refused")
        told |= {each["code"]: each["message"] for each in answer.json["errors"]}

    for code, place, says in (
        ("dmn-gap", "decisions/limits.dmn", "没有规则"),
        ("dmn-overlap", "decisions/limits.dmn", "规则"),
        ("clock-unknown", "sla.yaml", "totall"),
    ):
        assert re.match(rf"{place} 第 [0-9]+ 行：.*{says}", told[code]), told
    assert client.get("/api/v1/process-definitions", headers=headers("liucheng1")).json == {"items": []}
