"""Work outside that has stopped: tried again, passed by, never just put aside."""

import pytest

from app.bundles.forms import AnswersRefused
from app.cases.external.models import external_tasks
from app.cases.incidents import service
from app.cases.incidents.errors import IncidentActRefused
from app.cases.models import incidents
from tests.cases.external.conftest import complete, fetch, filed, row, said
from tests.world import Row, World


@pytest.fixture
def stopped(world: World) -> Row:
    """The incident of work that its worker gave up."""
    filed(world)
    (task,) = fetch(world)
    said(world, task, "failure", errorMessage="没有墨", retries=0)
    (incident,) = world.rows(incidents)
    return incident


def ways(world: World, incident: Row) -> dict[str, tuple[bool, str]]:
    whole = world.get("duban1", f"/incidents/{incident['id']}").json
    return {way["action"]: (way["open"], way["says"]) for way in whole["actions"]}


def treat(world: World, incident: Row, act: str, **more: object) -> None:
    service.treat(world.actor("duban1"), incident["id"], act, "已核实", **more)


def test_what_stopped_is_offered_again_and_its_tries_begin_anew(world: World, stopped: Row) -> None:
    assert ways(world, stopped)["retry"][0]

    treat(world, stopped, "retry")
    (task,) = fetch(world, "w2")

    assert (task["retries"], task["errorMessage"]) == (None, "没有墨")
    assert complete(world, task, "w2").status_code == 200
    assert world.row(incidents, stopped["id"])["state"] == "resolved"


def test_what_stopped_is_passed_by_with_what_it_would_have_given(world: World, stopped: Row) -> None:
    open_, says = ways(world, stopped)["skip"]
    assert open_
    assert "文印编号（printed_no）" in says
    with pytest.raises(AnswersRefused):
        treat(world, stopped, "skip")

    treat(world, stopped, "skip", results={"printed_no": "手工 1", "sent_to": None})

    (task,) = world.rows(external_tasks)
    case = world.case(task["case_id"])
    assert (task["state"], case["data"]["printed_no"]) == ("skipped", "手工 1")
    assert [each["step"] for each in world.inbox_of(case)] == ["archive"]


def test_what_stopped_cannot_be_put_aside(world: World, stopped: Row) -> None:
    assert not ways(world, stopped)["resolve"][0]

    with pytest.raises(IncidentActRefused, match="别的都推动不了它"):
        treat(world, stopped, "resolve")


def test_an_incident_of_work_that_is_offered_again_may_be_resolved(world: World, stopped: Row) -> None:
    treat(world, stopped, "retry")
    (task,) = fetch(world, "w2")
    said(world, task, "bpmn-error", "w2", errorCode="on_fire")
    treat(world, world.rows(incidents, state="open")[0], "retry")
    (task,) = fetch(world, "w2")
    said(world, task, "failure", "w2", retries=0)
    said(world, task, "failure", "w2", retries=0)

    (incident,) = world.rows(incidents, state="open")

    assert (row(world, task)["state"], incident["count"]) == ("stopped", 1)
    world.change(external_tasks, task["id"], state="open")
    treat(world, incident, "resolve")
    assert world.row(incidents, incident["id"])["state"] == "resolved"


def test_a_case_whose_work_is_offered_has_a_way_forward(world: World) -> None:
    filed(world)

    assert world.rows(incidents) == []
