"""Requests over HTTP by those who ask them in the demo district, with their own roles and files they upload."""

from datetime import timedelta
from typing import Any

import pytest

from app.cases.attachments.models import attachments
from app.core import db
from app.core.clock import BEIJING
from tests import world as worlds
from tests.cases.asking import ask, brought, district
from tests.files import upload
from tests.world import WORK_ORDER, Row, World

pytestmark = pytest.mark.usefixtures("shelf")
KINDS = ("extension", "hold", "exclusion", "supervise", "urge", "supplement", "revocation")


@pytest.fixture
def world(database: db.Database) -> World:
    return district(database, worlds.shipped(WORK_ORDER), *KINDS)


@pytest.fixture
def order(world: World) -> Row:
    """A work order with a department: its open task 办理."""
    task = world.file(answers={"content": "路灯坏了", "level": "一般"}).opened[0]
    for by, outcome, answers in (
        ("paiqian1", "受理", {}),
        ("paiqian1", "派遣", {"main_unit": "d1-cgw"}),
        ("cgw1", "签收", {}),
    ):
        task = world.complete(by, task, outcome, answers).opened[0]
    return task


@pytest.mark.requirement("SJS-013")
def test_everybody_who_may_ask_a_kind_of_request_asks_it_over_http_with_files_of_his_own(
    world: World, order: Row
) -> None:
    until = (world.now().astimezone(BEIJING).date() + timedelta(days=30)).isoformat()
    hold = {"hold_category": "11", "hold_plan": "四月施工。", "hold_until": until}
    asked: dict[str, tuple[str, Row]] = {
        "extension": ("cgw1", {"extension_clock": "resolve"}),
        "hold": ("cgw1", {**hold, "evidence": [brought(world, "cgw1")]}),
        "exclusion": ("cgw1", {"exclusion_category": "12", "evidence": [brought(world, "cgw1")]}),
        "supervise": ("lingdao1", {"supervise_within": "3天"}),
        "urge": ("duban1", {}),
        "supplement": ("paiqian1", {"evidence": [brought(world, "paiqian1")]}),
        "revocation": ("paiqian1", {}),
    }

    answers = {kind: ask(world, by, order, kind, **given) for kind, (by, given) in asked.items()}

    assert {kind: each.status_code for kind, each in answers.items()} == dict.fromkeys(KINDS, 201)
    files = {row["case_id"]: row["uploader_id"] for row in world.rows(attachments)}
    with_files = ("hold", "exclusion", "supplement")
    assert files == {answers[kind].json["id"]: world.actor(asked[kind][0]).id for kind in with_files}


def test_a_request_refers_to_files_that_its_order_has_and_to_no_other_ones(world: World, order: Row) -> None:
    kept, task_file = (
        upload(world, "cgw1", order["case_id"], "pdf", "证明.pdf", task=task).json["id"]
        for task in (None, order["id"])
    )
    withdrawn = upload(world, "cgw1", order["case_id"]).json["id"]
    world.delete("cgw1", f"/attachments/{withdrawn}")
    of_another = upload(world, "paiqian1", world.file().case["id"]).json["id"]
    loose, of_cgw2 = brought(world, "cgw1"), brought(world, "cgw2")

    def asked(*evidence: str) -> Any:
        return ask(world, "cgw1", order, "exclusion", exclusion_category="12", evidence=list(evidence))

    wrong = [asked(kept, each) for each in (withdrawn, of_another, of_cgw2)]
    made = asked(kept, loose, task_file)

    assert [each.json["errors"][0]["code"] for each in wrong] == ["attachment-unknown"] * 3
    assert made.status_code == 201, made.json
    own = {row["id"]: row for row in world.rows(attachments, case_id=made.json["id"])}
    assert world.case(made.json["id"])["data"]["evidence"][1] == loose
    assert set(world.case(made.json["id"])["data"]["evidence"]) == own.keys()
    first = world.rows(attachments, id=kept)[0]
    assert (first["case_id"], first["state"]) == (order["case_id"], "kept")
    assert {row["stored"] for row in own.values()} >= {first["stored"]}
    downloads = [world.get("shenhe1", f"/attachments/{each}") for each in own]
    assert [each.status_code for each in downloads] == [200] * 3
