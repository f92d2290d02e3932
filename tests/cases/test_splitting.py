"""拆分: parts of a matter become cases of their own; both tell, files are referred to, and it can be undone."""

from typing import Any

import pytest

from app.audit.verify import verify
from app.cases.attachments.models import attachments
from app.cases.models import case_links, cases, tasks
from app.cases.splitting import schemas
from app.clocks.models import clocks
from app.core import db
from tests import world as worlds
from tests.cases.test_shapes import misfits
from tests.world import WORK_ORDER, Row, World

PARTS = [
    {"title": "井盖缺损", "answers": {"content": "三号楼前井盖缺损。"}},
    {"title": "路灯不亮", "answers": {"content": "三号楼前路灯不亮。", "level": "紧急"}},
]


def split(world: World, case: Row, *, by: str = "paiqian1", seen: int | None = None, **about: Any) -> Any:
    body = {"parts": PARTS, "reason": "一件里说了两件事", **about}
    seen = world.case(case["id"])["revision"] if seen is None else seen
    return world.post(by, f"/cases/{case['id']}/split", body, seen=seen)


def parts_of(world: World, answer: Any) -> list[Row]:
    assert answer.status_code == 200, answer.json
    return [world.case(part["id"]) for part in answer.json["parts"]]


def told(world: World, case: Row) -> list[str]:
    items = world.get("paiqian1", f"/cases/{case['id']}/timeline?limit=200").json["items"]
    return [event["text"] for line in items for event in line["events"]]


def test_each_part_is_a_case_with_its_own_number_and_the_first_one_goes_on(world: World) -> None:
    case = world.file().case
    world.wait(hours=3)

    answer = split(world, case)

    assert misfits(schemas.SplitOut(), answer.json) == []
    lid, lamp = parts_of(world, answer)
    assert len({case["number"], lid["number"], lamp["number"]}) == 3
    assert [(part["state"], part["root_id"] == part["id"], part["parent_id"]) for part in (lid, lamp)] == [
        ("active", True, None)
    ] * 2
    assert (lid["data"]["content"], lid["data"]["level"]) == ("三号楼前井盖缺损。", "一般")
    assert (lamp["title"], lamp["data"]["level"]) == ("路灯不亮", "紧急")
    assert world.case(case["id"])["state"] == "active"
    assert [task["step"] for part in (case, lid, lamp) for task in world.inbox_of(part)] == ["dispatch"] * 3


def test_the_citizens_clock_of_a_part_runs_since_the_first_case_was_received(world: World) -> None:
    case = world.file().case
    world.wait(days=2)

    (part, _) = parts_of(world, split(world, case))

    (own,) = world.rows(clocks, case_id=case["id"], name="total")
    (its,) = world.rows(clocks, case_id=part["id"], name="total")
    assert (its["started_at"], its["due_at"]) == (own["started_at"], own["due_at"])
    assert part["received_at"] == world.case(case["id"])["received_at"]


def test_both_tell_of_it_and_are_linked_and_the_chain_holds(world: World) -> None:
    case = world.file().case

    lid, lamp = parts_of(world, split(world, case))

    assert f"拆分出 {lid['number']}，原因：一件里说了两件事" in told(world, case)
    assert f"由 {case['number']} 拆分而来" in told(world, lamp)
    links = world.get("paiqian1", f"/cases/{case['id']}/links").json["items"]
    assert [(link["kind"], link["outward"], link["case"]["id"]) for link in links] == [
        ("split_from", False, lid["id"]),
        ("split_from", False, lamp["id"]),
    ]
    assert world.delete("paiqian1", f"/cases/{case['id']}/links/{links[0]['id']}").status_code == 404
    with db.reading() as session:
        assert verify(session).faults == ()


def test_a_repeated_request_splits_once(world: World) -> None:
    case = world.file().case
    body = {"parts": PARTS, "reason": "一件里说了两件事"}
    path, seen = f"/cases/{case['id']}/split", case["revision"]

    first = world.post("paiqian1", path, body, key="k", seen=seen)
    again = world.post("paiqian1", path, body, key="k", seen=seen)

    assert (first.status_code, again.data) == (200, first.data)
    assert len(world.rows(cases)) == 3


def test_looking_first_writes_nothing_and_says_what_would_be(world: World) -> None:
    case = world.file().case
    before = world.rows(cases)

    answer = split(world, case, dryRun=True)

    assert misfits(schemas.SplitOut(), answer.json) == []
    assert [part["title"] for part in answer.json["planned"]] == ["井盖缺损", "路灯不亮"]
    assert answer.json["planned"][0]["answers"]["level"] == "一般"
    assert [prompt["code"] for prompt in answer.json["prompts"]] == ["clocks-run"]
    assert world.rows(cases) == before


def test_what_is_secret_stays_and_one_is_told_so_before(database: db.Database) -> None:
    files = dict(worlds.folder(WORK_ORDER).files)
    text = files["process.yaml"].decode()
    phone = "data:\n  caller_phone: {type: text, format: phone, label: 来电号码, secret: true}\n#"
    files["process.yaml"] = text.replace("data:  ", phone, 1).encode()
    files["forms/filing.yaml"] += b"  - {name: caller_phone}\n"
    world = worlds.build(database, worlds.BundleFiles(WORK_ORDER, files))
    answers = {"content": "路灯坏了", "level": "一般", "caller_phone": "10012345678"}
    case = world.file(answers=answers).case

    looked = split(world, case, dryRun=True)
    (part, _) = parts_of(world, split(world, case))

    assert [prompt["code"] for prompt in looked.json["prompts"]] == ["clocks-run", "secrets-stay"]
    assert "来电号码" in looked.json["prompts"][1]["text"]
    assert "10012345678" not in looked.text
    assert part["data"].get("caller_phone") is None


def test_a_part_that_nobody_touched_is_taken_back(world: World) -> None:
    case = world.file().case
    lid, lamp = parts_of(world, split(world, case))

    answer = world.post("paiqian1", f"/cases/{lid['id']}/take-back", {"reason": "其实是一件事"})

    assert answer.status_code == 200, answer.json
    ended = world.case(lid["id"])
    assert (ended["state"], ended["close_reason"]) == ("cancelled", "撤销拆分")
    assert world.inbox_of(lid) == []
    assert f"拆分出的 {lid['number']} 已撤销" in told(world, case)
    assert world.case(lamp["id"])["state"] == "active"


@pytest.mark.parametrize("how", ["claimed", "noted"])
def test_a_part_that_somebody_touched_is_not(world: World, how: str) -> None:
    (part, _) = parts_of(world, split(world, world.file().case))
    if how == "claimed":
        world.claim("paiqian2", world.inbox_of(part)[0])
    else:
        world.post("paiqian2", f"/cases/{part['id']}/notes", {"text": "已电话核实"})

    answer = world.post("paiqian1", f"/cases/{part['id']}/take-back", {"reason": "其实是一件事"})

    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "cannot-take-back")
    assert world.case(part["id"])["state"] == "active"


def test_what_was_never_split_is_not_taken_back(world: World) -> None:
    answer = world.post("paiqian1", f"/cases/{world.file().case['id']}/take-back", {"reason": "错了"})

    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "cannot-take-back")


@pytest.mark.parametrize(
    ("about", "at"),
    [
        ({"parts": [{"title": "井盖", "answers": {"colour": "红"}}]}, "/parts/0/answers/colour"),
        ({"parts": [{"title": "井盖", "attachments": ["nothing"]}]}, "/parts/0/attachments/0"),
        ({"parts": []}, "/parts"),
        ({"reason": " "}, "/reason"),
    ],
)
def test_what_is_wrong_is_told_at_its_place_and_nothing_is_split(
    world: World, about: dict[str, Any], at: str
) -> None:
    case = world.file().case

    answer = split(world, case, **about)

    assert answer.status_code == 422, answer.json
    assert [each["pointer"] for each in answer.json["errors"]] == [at]
    assert len(world.rows(cases)) == 1


def test_a_stale_page_and_who_has_no_right_split_nothing(world: World) -> None:
    task = world.dispatched()
    case = world.case(task["case_id"])

    assert split(world, case, seen=case["revision"] - 1).status_code == 412
    refused = split(world, case, by="cgw1")
    assert (refused.status_code, refused.json["permission"]) == (403, "case:split")
    assert split(world, case, by="shenji1").status_code in (403, 404)
    assert len(world.rows(cases)) == 1


def test_a_process_may_forbid_it_at_a_step(database: db.Database) -> None:
    files = dict(worlds.folder(WORK_ORDER).files)
    files["process.yaml"] += b"verbs: {dispatch: {forbid: [split]}}\n"
    world = worlds.build(database, worlds.BundleFiles(WORK_ORDER, files))
    case = world.file().case

    answer = split(world, case)

    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "verb-forbidden")
    world.complete("paiqian1", world.inbox_of(case)[0], "派遣", {"main_unit": "d1-cgw"})
    assert split(world, case).status_code == 200


def test_files_are_referred_to_and_stay_when_the_first_row_goes(world: World, tmp_path: Any) -> None:
    case = world.file().case
    (task,) = world.rows(tasks, case_id=case["id"])
    kept = {"id": worlds.new_id(), "case_id": case["id"], "task_id": task["id"], "step": "dispatch"}
    kept |= {"uploader_id": world.actor("paiqian1").id, "name": "现场.pdf", "mime": "application/pdf"}
    kept |= {"kind": "pdf", "size": 3, "sm3": b"abc", "stored": "aa/bb", "state": "kept"}
    kept |= {"at": world.now(), "withdrawn_at": None}
    with db.transaction() as session:
        session.execute(attachments.insert(), kept)

    parts = [{"title": "井盖缺损", "attachments": [kept["id"]]}]
    (part,) = parts_of(world, split(world, case, parts=parts))

    (row,) = world.rows(attachments, case_id=part["id"])
    assert (row["stored"], row["name"], row["state"]) == ("aa/bb", "现场.pdf", "kept")
    listed = world.get("paiqian1", f"/cases/{part['id']}/attachments").json["items"]
    assert [each["name"] for each in listed] == ["现场.pdf"]
    assert any("现场.pdf" in text for text in told(world, part))
    assert len(world.rows(case_links, from_id=part["id"])) == 1
