"""Every answer of the room over HTTP has exactly the members its schema promises, and each has the promised form."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
import pytest
from marshmallow import fields

from app.cases import firing, schemas
from app.cases.incidents.schemas import IncidentPage
from app.core.http.fields import Moment
from app.core.http.pages import PageOut
from tests.world import Row, World

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}
PLAIN: dict[type[Any], tuple[type, ...]] = {
    fields.Boolean: (bool,),
    fields.Integer: (int,),
    fields.String: (str,),
    fields.Dict: (dict,),
}


def misfits(schema: ma.Schema, told: Any, path: str = "") -> list[str]:
    """Where an answer differs from its schema: missing or extra members, nulls, wrong types."""
    if not isinstance(told, Mapping):
        return [f"{path}: not an object"]
    named = {field.data_key or name: field for name, field in schema.fields.items()}
    wrong = [f"{path}/{name}: not promised" for name in told.keys() - named.keys()]
    wrong += [f"{path}/{name}: missing" for name in named.keys() - told.keys()]
    for name, field in named.items():
        if name in told:
            wrong += _misfit(field, told[name], f"{path}/{name}")
    return wrong


def _misfit(field: Any, value: Any, path: str) -> list[str]:
    if value is None:
        return [] if field.allow_none else [f"{path}: null"]
    if isinstance(field, fields.Nested):
        return misfits(field.schema, value, path)
    if isinstance(field, fields.List):
        return [one for i, each in enumerate(value) for one in _misfit(field.inner, each, f"{path}/{i}")]
    if isinstance(field, Moment):
        good = isinstance(value, str) and value.endswith("+08:00")
        return [] if good else [f"{path}: {value!r} is no instant"]
    choices = getattr(field, "choices", None)
    if choices is not None and value not in choices:
        return [f"{path}: {value!r} is none of {choices}"]
    for kind, types in PLAIN.items():
        if isinstance(field, kind) and type(value) not in types:
            return [f"{path}: {value!r} is no {kind.__name__}"]
    return []


@pytest.fixture
def working(world: World) -> Row:
    """A district with cases in every state; the answers of the acts that made them."""
    world.post_filing("city", externalNo="BJ-7", receivedAt="2026-01-02T09:00:00+08:00")
    filed = world.post_filing(externalNo="BJ-1")
    answers: Row = {"filed": filed}
    task, case_id = filed.json["tasks"][0], filed.json["case"]["id"]
    steps: list[tuple[str, str, str, Row]] = [
        ("paiqian1", "complete", "派遣", {"main_unit": "d1-cgw"}),
        ("cgw1", "claim", "", {}),
        ("cgw1", "complete", "签收", {}),
        ("cgw1", "complete", "报结", HANDLED),
        ("shenhe1", "complete", "通过", {}),
        ("paiqian1", "complete", "归档", {}),
    ]
    for by, verb, outcome, filled in steps:
        body = {} if verb == "claim" else {"outcome": outcome, "answers": filled}
        answer = world.post(by, f"/tasks/{task['id']}/{verb}", body, seen=task["revision"])
        assert answer.status_code == 200, answer.json
        answers[outcome or verb] = answer
        task = answer.json["next"][0] if answer.json["next"] else answer.json["task"]
    other = world.post_filing().json
    world.post("paiqian2", f"/tasks/{other['tasks'][0]['id']}/claim", {})
    given = world.post("paiqian2", f"/tasks/{other['tasks'][0]['id']}/unclaim", {"reason": "请假"}, seen=2)
    firing.fire_due()
    return {"answers": {**answers, "unclaim": given}, "case": case_id, "task": task["id"], "other": other}


def test_what_an_act_answers_is_what_it_promises(working: Row) -> None:
    for name, answer in working["answers"].items():
        schema = schemas.FiledOut() if name == "filed" else schemas.MovedOut()
        assert misfits(schema, answer.json) == [], name
        assert answer.headers["Content-Type"] == "application/json"
    assert working["answers"]["filed"].headers["Location"] == f"/api/v1/cases/{working['case']}"
    assert working["answers"]["签收"].headers["ETag"] == '"3"'
    assert working["answers"]["归档"].json["case"]["publicStatus"] == "已办结"


def test_what_a_look_answers_is_what_it_promises(world: World, working: Row) -> None:
    open_task = working["other"]["tasks"][0]["id"]
    for by, path, schema in (
        ("paiqian1", f"/cases/{working['case']}", schemas.WholeCase()),
        ("paiqian1", f"/cases/{working['other']['case']['id']}", schemas.WholeCase()),
        ("paiqian1", f"/tasks/{working['task']}", schemas.SeenTask()),
        ("paiqian1", f"/tasks/{open_task}", schemas.SeenTask()),
        ("paiqian1", f"/tasks/{open_task}/form", schemas.FormOut()),
        ("paiqian1", f"/tasks/{working['task']}/form", schemas.FormOut()),
        ("paiqian1", "/tasks/counts", schemas.CountsOut()),
        ("paiqian1", "/tasks?view=todo", schemas.TaskPage()),
        ("paiqian1", "/tasks?view=done&limit=1", schemas.TaskPage()),
        ("cgw1", "/tasks?view=running", schemas.TaskPage()),
        ("paiqian1", "/cases", schemas.CasePage()),
        ("paiqian1", "/cases?state=closed&process=work_order_12345&limit=1", schemas.CasePage()),
        ("paiqian1", f"/cases/{working['case']}/timeline", schemas.TimelinePage()),
        ("duban1", "/incidents?state=open", IncidentPage()),
    ):
        answer = world.get(by, path)
        assert answer.status_code == 200, (path, answer.json)
        assert misfits(schema, answer.json) == [], path


def test_etags_are_revisions_of_what_was_read(world: World, working: Row) -> None:
    case = world.get("paiqian1", f"/cases/{working['case']}")
    task = world.get("paiqian1", f"/tasks/{working['task']}")
    form = world.get("paiqian1", f"/tasks/{working['task']}/form")

    assert case.headers["ETag"] == f'"{case.json["revision"]}"'
    assert task.headers["ETag"] == form.headers["ETag"] == f'"{task.json["revision"]}"'


def test_case_lists_filter_and_page(world: World, working: Row) -> None:
    def listed(query: str) -> Row:
        answer: Row = world.get("paiqian1", f"/cases?{query}").json
        return answer

    assert [case["state"] for case in listed("state=closed")["items"]] == ["closed"]
    assert len(listed("process=work_order_12345")["items"]) == 3
    assert listed("process=another")["items"] == []
    first = listed("limit=2")
    rest = listed(f"limit=2&after={first['page']['next']}")
    ids = [case["id"] for case in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), rest["page"]["next"]) == (3, None)


def test_the_checker_of_shapes_sees_what_is_wrong() -> None:
    good = {"next": None, "prev": None, "total": 3, "totalExact": True}

    assert misfits(PageOut(), good) == []
    assert misfits(PageOut(), {**good, "more": 1}) == ["/more: not promised"]
    assert misfits(PageOut(), {**good, "total": "3"}) == ["/total: '3' is no Integer"]
    assert misfits(PageOut(), {**good, "totalExact": None}) == ["/totalExact: null"]
    assert len(misfits(PageOut(), {})) == 4
