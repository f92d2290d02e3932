"""Route × person × place, on both databases: who gets what is worked out here a second time, from the file alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.streams import audit_stream
from app.core import db
from app.identity.actor import covers
from app.identity.org_file import OrgFile, PersonLine, read_org
from tests import world as worlds
from tests.world import BPMN, World

PLACES = {"east": "d1-s1-c2", "west": "d1-s2-c1"}

# Routes with an id: which permission opens them, and what a write answers to somebody who may (no If-Match sent).
READS = {
    "/api/v1/cases/<id:case_id>": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/timeline": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/notes": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/letters": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/attachments": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/links": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/clocks": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/copies": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/requests": ("case", "case:read"),
    "/api/v1/cases/<id:case_id>/reveals": ("case", "audit:read"),
    "/api/v1/tasks/<id:task_id>": ("task", "task:read"),
    "/api/v1/tasks/<id:task_id>/form": ("task", "task:read"),
}
WRITES: dict[str, tuple[str, Any, int]] = {
    "complete": ("post", {"outcome": "派遣"}, 428),
    "unclaim": ("post", {"reason": "x"}, 409),  # nobody has claimed it yet
    "transfer": ("post", {"to": "paiqian2", "reason": "x"}, 409),
    "return": ("post", {"step": "dispatch", "reason": "x"}, 428),
    "return-plan": ("post", {"step": "handle"}, 409),
    "return-targets": ("get", None, 200),
    "reject-order": ("post", {"reason": "x", "opinion": "x"}, 428),
    "withdraw": ("post", {"reason": "x"}, 409),  # nobody has done it yet
    "assist": ("post", {"units": ["d1-zjw"], "demand": "x"}, 409),  # no process for it is published here
    "delegate": ("post", {"to": "paiqian2", "reason": "x"}, 409),  # nobody has claimed it yet
    "assign-down": ("post", {"unit": "d1-cgw", "demand": "x"}, 409),
    "signers": ("post", {"people": ["paiqian2"], "where": "after", "reason": "x"}, 409),
    "escalate": ("post", {"reason": "x"}, 409),
    "resolve": ("post", {"opinion": "x"}, 428),
    "recuse": ("post", {"reason": "x"}, 428),
    "draft": ("put", {"answers": {"level": "一般"}}, 200),
}
"""Acts on an open task by their last word: how they are asked, and what they answer to who stands in its pool."""
BESIDE: list[tuple[str, str, Any, int]] = [
    ("/api/v1/cases/<id:case_id>/notes", "case:note", {"text": "x"}, 201),
    ("/api/v1/cases/<id:case_id>/notes", "case:instruct", {"text": "x", "kind": "instruction"}, 201),
    ("/api/v1/cases/<id:case_id>/letters", "case:write", {"text": "x"}, 409),  # about nobody with an account
    ("/api/v1/cases/<id:case_id>/priority", "case:prioritise", {"priority": 90, "reason": "x"}, 428),
    ("/api/v1/cases/<id:case_id>/marks", "case:mark", {"name": "x", "on": True}, 422),
    ("/api/v1/cases/<id:case_id>/links", "case:link", {"to": "{case}", "kind": "related"}, 422),
    ("/api/v1/cases/<id:case_id>/merge", "case:merge", {"into": "{case}", "reason": "x"}, 428),
    ("/api/v1/cases/<id:case_id>/unmerge", "case:merge", {"reason": "x"}, 409),
    ("/api/v1/cases/<id:case_id>/suspend", "case:suspend", {"reason": "x"}, 428),
    ("/api/v1/cases/<id:case_id>/resume", "case:suspend", {"reason": "x"}, 409),
    ("/api/v1/cases/<id:case_id>/terminate", "case:terminate", {"reason": "x"}, 428),
    ("/api/v1/cases/<id:case_id>/reveal", "case:reveal", {"fields": ["title"], "reason": "x"}, 422),
]
"""What is done to a whole case: its permission must hold where the case is, and what is answered where it does."""
ELSEWHERE = {
    # claim has no If-Match to stop at, so it would move the case; its authority is the one of complete
    "/api/v1/tasks/<id:task_id>/claim",
    # a step of one person has none; tests/cases/test_votes.py shows it
    "/api/v1/tasks/<id:task_id>/votes",
    # set and taken back by whoever sees the case; tests/cases/test_marks.py shows it
    "/api/v1/cases/<id:case_id>/follow",
    "/api/v1/cases/<id:case_id>/favourite",
    # by who filed it, or was sent a copy; tests/cases/test_resting.py and test_copies.py show it
    "/api/v1/cases/<id:case_id>/reopen",  # tests/cases/test_reopening.py
    "/api/v1/cases/<id:case_id>/revoke",
    "/api/v1/tasks/<id:task_id>/urge",  # tests/cases/test_urging.py
    "/api/v1/tasks/<id:task_id>/cc",
    "/api/v1/tasks/<id:task_id>/read",
    # by whoever holds the task, or decides; tests/cases/test_extension_requests.py, test_exclusion_requests.py
    "/api/v1/tasks/<id:task_id>/requests",
    "/api/v1/tasks/<id:task_id>/supervise",  # tests/cases/test_supervision.py
    "/api/v1/cases/<id:case_id>/include",
    # into parts and back; tests/cases/test_splitting.py shows it
    "/api/v1/cases/<id:case_id>/split",
    "/api/v1/cases/<id:case_id>/take-back",
    # needs a link; tests/cases/test_links.py shows it
    "/api/v1/cases/<id:case_id>/links/<id:link_id>",
    # need an incident; tests/cases/incidents shows them
    "/api/v1/incidents/<id:incident_id>",
    *(
        f"/api/v1/incidents/<id:incident_id>/{act}"
        for act in ("retry", "resolve", "skip", "annotate", "assign")
    ),
}


@pytest.fixture(scope="module")
def organisation() -> OrgFile:
    return read_org((BPMN / "_org.yaml").read_bytes())


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database)


@pytest.fixture
def filed(world: World) -> dict[str, dict[str, str]]:
    """One case in each place, both waiting for the district's dispatchers."""
    found = {}
    for name, place in PLACES.items():
        moved = world.file(place_unit=place)
        found[name] = {"case": moved.case["id"], "task": moved.opened[0]["id"]}
    return found


def holds(organisation: OrgFile, person: PersonLine, permission: str, place: str) -> bool:
    """Whether a role of the person grants the permission at its unit or above the place."""
    paths = {unit.code: unit.path for unit in organisation.units}
    granting = {role.key for role in organisation.roles if permission in role.permissions}
    return any(role in granting and covers(paths[unit], paths[place]) for role, unit in person.appointments)


def anywhere(organisation: OrgFile, person: PersonLine, permission: str) -> bool:
    """Whether a role of the person grants the permission at all: who has none is told so, whatever the id."""
    return any(holds(organisation, person, permission, unit) for _, unit in person.appointments)


def cells(organisation: OrgFile) -> Iterator[tuple[PersonLine, str, str]]:
    for person in organisation.people:
        for name, place in PLACES.items():
            yield person, name, place


def test_the_matrix_knows_every_route_with_an_id(world: World) -> None:
    rules = {rule.rule for rule in world.app.url_map.iter_rules() if "<id:" in rule.rule}
    ours = {
        rule for rule in rules if rule.startswith(("/api/v1/cases", "/api/v1/tasks", "/api/v1/incidents"))
    }

    acts = {f"/api/v1/tasks/<id:task_id>/{act}" for act in WRITES}
    assert ours == {*READS, *acts, *ELSEWHERE, *(rule for rule, *_ in BESIDE)}


def test_reading_is_200_in_scope_and_404_outside_it(
    world: World, organisation: OrgFile, filed: dict[str, dict[str, str]]
) -> None:
    played = {200: 0, 403: 0, 404: 0}
    unknown = world.get("guancha1", "/cases/nothing-has-this-id").get_json(force=True)
    for rule, (kind, permission) in READS.items():
        for person, name, place in cells(organisation):
            path = rule.removeprefix("/api/v1").replace(f"<id:{kind}_id>", filed[name][kind])

            answer = world.get(person.login, path)

            if not anywhere(organisation, person, permission):
                expected = 403
            else:
                expected = 200 if holds(organisation, person, permission, place) else 404
            assert answer.status_code == expected, f"{person.login} {path} ({name})"
            played[expected] += 1
            if expected == 404:
                body = answer.get_json(force=True)
                assert {**body, "requestId": ""} == {**unknown, "requestId": ""}
    assert played[200] > 40
    assert played[404] > 20


def test_acting_is_404_outside_scope_403_without_the_right_and_else_asks_for_the_revision(
    world: World, organisation: OrgFile, filed: dict[str, dict[str, str]]
) -> None:
    played = {428: 0, 403: 0, 404: 0}
    for act, (method, body, good) in WRITES.items():
        for person, name, place in cells(organisation):
            path = f"/tasks/{filed[name]['task']}/{act}"

            if method == "get":
                answer = world.get(person.login, path)
            else:
                answer = (world.post if method == "post" else world.put)(person.login, path, body)

            read = anywhere(organisation, person, "task:read")
            if not read:
                expected = 403
            elif not holds(organisation, person, "task:read", place):
                expected = 404
            elif ("dispatcher", "d1") not in person.appointments:
                expected = 403
            else:
                expected = good
            assert answer.status_code == expected, (
                f"{person.login} {path} ({name}): {answer.get_data(as_text=True)}"
            )
            played[expected] = played.get(expected, 0) + 1
            if expected == 403:
                problem = answer.get_json(force=True)
                assert problem["type"] == "/problems/forbidden-action"
                assert problem["permission"] == ("task:complete" if read else "task:read")
    assert min(played.values()) > 3


def test_acting_on_a_case_is_404_outside_scope_and_403_where_the_right_does_not_hold(
    world: World, organisation: OrgFile, filed: dict[str, dict[str, str]]
) -> None:
    played: dict[int, int] = {}
    for rule, permission, body, good in BESIDE:
        for person, name, place in cells(organisation):
            case_id = filed[name]["case"]
            sent = {key: case_id if value == "{case}" else value for key, value in body.items()}
            path = rule.removeprefix("/api/v1").replace("<id:case_id>", case_id)

            answer = world.post(person.login, path, sent)

            read = anywhere(organisation, person, "case:read")
            if read and not holds(organisation, person, "case:read", place):
                expected = 404
            else:
                expected = good if read and holds(organisation, person, permission, place) else 403
            told = f"{person.login} {path} ({name}): {answer.get_data(as_text=True)}"
            assert answer.status_code == expected, told
            played[expected] = played.get(expected, 0) + 1
            if expected == 403:
                problem = answer.get_json(force=True)
                assert problem["type"] == "/problems/forbidden-action"
                assert problem["permission"] == (permission if read else "case:read")
    assert min(played.values()) > 3


def test_a_list_holds_exactly_what_reading_one_by_one_would_give(
    world: World, organisation: OrgFile, filed: dict[str, dict[str, str]]
) -> None:
    for person in organisation.people:
        expected = {
            filed[name]["case"]
            for name, place in PLACES.items()
            if holds(organisation, person, "case:read", place)
        }
        answer = world.get(person.login, "/cases")
        if not anywhere(organisation, person, "case:read"):
            assert answer.status_code == 403, person.login
            continue
        assert {case["id"] for case in answer.get_json()["items"]} == expected, person.login


def test_every_look_out_of_scope_and_every_forbidden_act_is_in_the_security_log(
    world: World, filed: dict[str, dict[str, str]]
) -> None:
    assert world.get("ding1", f"/cases/{filed['east']['case']}").status_code == 404
    assert world.get("ding1", f"/tasks/{filed['east']['task']}").status_code == 404
    assert world.post("ding1", f"/tasks/{filed['east']['task']}/claim", {}).status_code == 404
    assert world.post("guancha1", f"/tasks/{filed['east']['task']}/claim", {}).status_code == 403
    assert world.post("xijie1", "/cases", {"process": "work_order_12345", "title": "x"}).status_code == 403

    with db.reading() as session:
        told = session.execute(select(audit_stream.c.kind, audit_stream.c.actor_id)).all()
    ding, guancha, xijie = (world.actor(name).id for name in ("ding1", "guancha1", "xijie1"))
    assert sorted(tuple(row) for row in told) == sorted(
        [("out-of-scope", ding)] * 3 + [("forbidden", guancha), ("forbidden", xijie)]
    )
