"""A resident's token opens what was made for residents, and nothing else."""

from typing import Any

import pytest

from app.core.http.api import openapi_of
from tests import world as worlds
from tests.world import World, application

RESIDENT = "jumin1"
FILLED = {"code": "d1"}


@pytest.fixture
def world(database: Any) -> World:
    return worlds.build(database)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, entry in openapi_of(application())["paths"].items()
        for method, operation in entry.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]


def closed() -> list[tuple[str, str]]:
    """Routes of staff: not public, and not marked for residents."""
    return [
        (path, method)
        for path, method, operation in operations()
        if operation.get("security") != [] and "x-serves" not in operation
    ]


def ask(world: World, method: str, path: str, by: str = RESIDENT) -> Any:
    headers = {"Authorization": f"Bearer {world.token(by)}", "Idempotency-Key": f"{method} {path}"[:100]}
    headers["Idempotency-Key"] = headers["Idempotency-Key"].replace(" ", "-")
    return world.app.test_client().open(path, method=method.upper(), headers=headers, json={})


def test_no_route_of_staff_opens_for_a_resident(world: World) -> None:
    case = world.file()
    real = {"case_id": case.case["id"], "task_id": case.opened[0]["id"]}
    assert len(closed()) > 80

    answers = {}
    for path, method in closed():
        filled = path
        for part in [p for p in path.split("/") if p.startswith("{")]:
            filled = filled.replace(part, real.get(part[1:-1], "d1"))
        answers[method, path] = ask(world, method, filled).status_code

    assert {key: status for key, status in answers.items() if status not in (403, 404)} == {}


def test_the_refusal_says_where_residents_go_and_is_told_to_the_security_log(world: World) -> None:
    from app.audit.streams import audit_stream

    answer = world.get(RESIDENT, "/tasks?view=todo")

    assert answer.status_code == 403
    assert answer.json["type"] == "/problems/forbidden-action"
    assert "居民可以办理的在“我的”里" in answer.json["detail"]
    (told,) = world.rows(audit_stream, kind="forbidden")
    assert (told["actor_id"], told["subject"]) == (world.actor(RESIDENT).id, "/api/v1/tasks")


def test_what_is_marked_for_residents_serves_nobody_else(world: World) -> None:
    marked = [(p, m) for p, m, operation in operations() if operation.get("x-serves") == "residents"]

    answers = {(p, m): ask(world, m, p.replace("{", "x").replace("}", "x"), "paiqian1") for p, m in marked}

    assert {key: a.status_code for key, a in answers.items() if a.status_code != 403} == {}


def test_a_resident_signs_in_reads_who_he_is_and_the_units_and_signs_out(world: World) -> None:
    me = world.get(RESIDENT, "/sessions/current")
    units = world.get(RESIDENT, "/org-units?tier=community")

    assert me.json["kind"] == "resident"
    assert (me.json["name"], me.json["permissions"], me.json["appointments"]) == ("居民甲", {}, [])
    assert "甲社区" in {unit["name"] for unit in units.json["items"]}
    assert world.delete(RESIDENT, "/sessions/current").status_code == 204
    assert world.get(RESIDENT, "/sessions/current").status_code == 401
