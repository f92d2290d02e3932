"""Acting for somebody: his desk and pools, in his name, signed 甲（代乙）, as long as it holds and no longer."""

import threading
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app.audit.chain import case_chain
from app.audit.streams import audit_stream
from app.audit.verify import verify
from app.bundles.files import BundleFiles
from app.cases import advance, save
from app.cases.models import tasks
from app.core import clock, db
from app.identity.models import substitutions
from tests import world as worlds
from tests.cases import secret_process
from tests.cases.test_budget import completion
from tests.cases.test_votes import YES, Vote, voting
from tests.engine.drawing import Drawing
from tests.substitutes.conftest import stands_in, wanted
from tests.world import Row, World, by_role

SIGNED = "城管委承办员（代城管委值班员）"


def lying(world: World, by: str, view: str = "todo") -> list[str]:
    answer = world.get(by, f"/tasks?view={view}")
    assert answer.status_code == 200, answer.json
    return [each["id"] for each in answer.json["items"]]


def count(world: World, by: str, view: str = "todo") -> int:
    return int(world.get(by, "/tasks/counts").json[view]["count"])


def claimed(world: World, by: str = "cgw1") -> Row:
    task = world.claim(by, world.dispatched()).task
    assert task is not None
    return task


def complete(world: World, by: str, task: Row, outcome: str, **more: Any) -> Any:
    return world.post(
        by, f"/tasks/{task['id']}/complete", {"outcome": outcome, **more}, seen=task["revision"]
    )


def test_a_substitute_sees_the_desk_and_acts_in_the_name_of_whom_he_represents(world: World) -> None:
    task = claimed(world)
    assert lying(world, "cgw2") == []
    stands_in(world, "cgw2", "cgw1")

    listed = (lying(world, "cgw2"), count(world, "cgw2"))
    whose = [world.get(who, f"/tasks/{task['id']}").json["onBehalfOf"] for who in ("cgw1", "cgw2")]
    done = complete(world, "cgw2", task, "签收")

    assert (listed, whose) == (([task["id"]], 1), [None, "城管委值班员"])
    assert done.status_code == 200, done.json
    assert (done.json["task"]["signature"], done.json["task"]["assignee"]) == (SIGNED, world.actor("cgw1").id)
    row = world.row(tasks, task["id"])
    assert (row["done_by"], row["hand_id"]) == (world.actor("cgw1").id, world.actor("cgw2").id)
    for who in ("cgw1", "cgw2"):
        assert lying(world, who, "done") == [task["id"]]
        assert (count(world, who, "done"), lying(world, who, "running")) == (1, [task["id"]])
        assert world.get(who, f"/tasks/{task['id']}").json["signature"] == SIGNED
    last = world.rows(case_chain, case_id=task["case_id"])[-1]
    assert last["actor_id"] == world.actor("cgw2").id
    assert orjson.loads(last["events"])[0]["for"] == world.actor("cgw1").id
    items = world.get("cgw1", f"/cases/{task['case_id']}/timeline").json["items"]
    assert items[-1]["actor"] == SIGNED
    with db.reading() as session:
        assert verify(session).faults == ()


def test_pools_lent_for_one_process_alone_are_seen_claimed_and_handed_on_until_it_ends(world: World) -> None:
    world.publish(checked())
    order = world.dispatched()
    other = world.file(process="checked").opened[0]
    until = (world.now() + timedelta(days=2)).isoformat()
    for person, keys in (("cgw1", ["work_order_12345"]), ("paiqian1", ["work_order_12345"])):
        body = wanted(world, "zjw1", person=person, processes=keys, until=until)
        which = world.post("liucheng1", "/substitutions", body).json["id"]

    assert lying(world, "zjw1") == [order["id"]]  # not the other process, whose pool is lent as well
    assert [count(world, "zjw1"), count(world, "zjw1", "dueToday") + count(world, "zjw1", "overdue")] == [
        1,
        1,
    ]
    assert [len(lying(world, "zjw1", view)) for view in ("dueToday", "overdue")] in ([0, 1], [1, 0])
    assert world.get("zjw1", f"/cases/{order['case_id']}").status_code == 200
    assert world.get("zjw1", f"/cases/{other['case_id']}").status_code == 404
    assert world.post("zjw1", f"/tasks/{other['id']}/claim", {}).status_code == 404
    found = world.post("zjw1", "/tasks/search", {"filter": {"mine": True}}).json["items"]
    assert [each["id"] for each in found] == [order["id"]]
    draft = world.put("zjw1", f"/tasks/{order['id']}/draft", {"answers": {}}, seen=1)
    taken = world.post("zjw1", f"/tasks/{order['id']}/claim", {})
    assert (draft.status_code, taken.status_code) == (200, 200)
    assert taken.json["task"]["signature"] == "住建委值班员（代城管委值班员）"

    for each in world.get("zjw1", "/substitutions?view=forMe").json["items"]:
        ended = world.post("zjw1", f"/substitutions/{each['id']}/end", {"reason": "返岗"})
        assert ended.status_code == 200, which

    assert lying(world, "cgw1") == [order["id"]]  # what was claimed stays where it is
    assert lying(world, "zjw1") == []
    assert complete(world, "zjw1", taken.json["task"], "签收").status_code == 404
    moved = world.post("cgw1", f"/tasks/{order['id']}/transfer", {"to": "cgw2", "reason": "外出"}, seen=2)
    assert moved.json["task"]["signature"] is None


def test_it_begins_and_ends_on_its_days_by_the_clock_of_the_cases(world: World) -> None:
    task = claimed(world)
    now = world.now()
    dates = {"from": (now + timedelta(days=1)).isoformat(), "until": (now + timedelta(days=3)).isoformat()}
    stands_in(world, "cgw2", "cgw1", **dates)

    seen = []
    for _ in range(3):
        seen.append(lying(world, "cgw2"))
        world.wait(days=1.5)

    assert seen == [[], [task["id"]], []]
    assert complete(world, "cgw2", task, "签收").json["type"] == "/problems/task-taken"


def test_what_the_substitute_does_is_withdrawn_by_either_and_given_back_in_his_name(world: World) -> None:
    task = claimed(world)
    stands_in(world, "cgw2", "cgw1")
    handle = complete(world, "cgw2", task, "签收").json["next"][0]

    again = complete(world, "cgw1", task, "签收")
    withdrawn = world.post("cgw1", f"/tasks/{task['id']}/withdraw", {"reason": "点错"})

    assert again.json["type"] == "/problems/task-done"
    assert f"已由{SIGNED}于" in again.json["detail"]
    assert withdrawn.status_code == 200, withdrawn.json
    anew = next(row for row in world.inbox_of({"id": task["case_id"]}) if row["id"] != handle["id"])
    assert anew["assignee_id"] == world.actor("cgw1").id, "it is back on the desk it came from"
    returned = world.post(
        "cgw2",
        f"/tasks/{anew['id']}/return",
        {"step": "dispatch", "reason": "派错"},
        seen=anew["revision"],
    )
    assert returned.status_code in (200, 409), returned.json


def checked() -> worlds.BundleFiles:
    drawing = Drawing("checked").start().task("write", by_role(), outcomes="完成").end()
    drawing.task("check", by_role(), outcomes="完成", notSameAs="write").line(
        "start", "write", "check", "end"
    )
    return worlds.bundle_of("checked", drawing)


def test_what_one_of_both_did_neither_checks_for_the_other(database: db.Database) -> None:
    world = worlds.build(database, checked())
    world.appoint("dongjie1", "dispatcher", "d1")
    written, own, third = (world.file(process="checked").opened[0] for _ in range(3))
    body = wanted(world, "zjw1", person="paiqian1")
    assert world.post("liucheng1", "/substitutions", body).status_code == 201

    by_hand = complete(world, "zjw1", written, "完成").json["next"][0]
    refused = [complete(world, who, by_hand, "完成") for who in ("paiqian1", "zjw1")]
    by_himself = complete(world, "paiqian1", own, "完成").json["next"][0]
    refused.append(world.post("zjw1", f"/tasks/{by_himself['id']}/claim", {}))

    assert [answer.json["type"] for answer in refused] == ["/problems/four-eyes"] * 3
    assert "您办理过" in refused[0].json["detail"]
    assert "派遣员甲办理过" in refused[2].json["detail"]
    assert complete(world, "paiqian2", by_hand, "完成").status_code == 200
    check = complete(world, "dongjie1", third, "完成").json["next"][0]
    claim = world.post("paiqian2", f"/tasks/{check['id']}/claim", {}).json["task"]
    stands_in(world, "dongjie1", "paiqian2")
    wrote = complete(
        world, "dongjie1", claim, "完成"
    )  # he wrote it himself, and may not check it for another
    assert wrote.json["type"] == "/problems/four-eyes"
    assert complete(world, "paiqian2", claim, "完成").status_code == 200


def test_one_person_has_one_vote(database: db.Database) -> None:
    units = voting(vote="all", early="no")
    text = units.files["process.yaml"].replace(b"of: unit", b"of: person")
    people = BundleFiles("voting", {**units.files, "process.yaml": text})
    vote = Vote(database, "cgw1", "cgw2", "zjw1", files=people)
    world = vote.world
    for person, substitute in (("cgw1", "cgw2"), ("zjw1", "dongjie1")):
        body = wanted(world, substitute, person=person)
        assert world.post("liucheng1", "/substitutions", body).status_code == 201

    signer = complete(world, "cgw2", vote.task("cgw1"), YES)
    outside = complete(world, "dongjie1", vote.task("zjw1"), YES)

    assert signer.json["type"] == "/problems/one-vote"
    assert outside.status_code == 200, outside.json
    told = {each["item"]: each["by"] for each in vote.seen()["signers"]}
    assert told["zjw1"] == "东街道派遣员（代住建委值班员）"
    added = {"people": ["dongjie1"], "where": "beside", "reason": "也请表态"}
    vote.do("cgw1", vote.task("cgw1"), "claim")
    vote.do("cgw1", vote.task("cgw1"), "signers", **added)
    assert complete(world, "dongjie1", vote.task("dongjie1"), YES).json["type"] == "/problems/one-vote"
    vote.do("dongjie1", vote.task("dongjie1"), "recuse", reason="已代人表态")
    assert vote.say(("cgw1", YES), ("cgw2", YES)) == ["passed"]


def test_whoever_ends_it_waits_for_what_is_being_done_by_it(
    on_postgresql: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, answers = on_postgresql, {}
    task = claimed(world)
    which = stands_in(world, "cgw2", "cgw1").json["id"]
    world.token("cgw1")

    def end() -> None:
        answers["end"] = world.post("cgw1", f"/substitutions/{which}/end", {"reason": "返岗"})

    ending = threading.Thread(target=end)

    def meanwhile(motions: Any) -> None:
        ending.start()
        until = clock.monotonic() + 10
        with world.database.only_reading.connect() as looking:
            while not looking.scalar(text("select count(*) from pg_locks where not granted")):
                assert clock.monotonic() < until
        save.save(motions)

    monkeypatch.setattr(advance, "save", meanwhile)
    done = complete(world, "cgw2", task, "签收")
    ending.join()

    row = world.row(substitutions, which)
    assert (done.status_code, answers["end"].status_code) == (200, 200)
    assert world.row(tasks, task["id"])["closed_at"] <= row["ended_at"]


def test_a_substitutes_completion_costs_one_statement_more(sqlite: db.Database) -> None:
    world, costs = worlds.build(sqlite), []
    stands_in(world, "cgw2", "cgw1")
    for by in ("cgw1", "cgw2"):
        task = claimed(world)
        world._actors.pop("cgw2", None)

        costs.append(len(completion(world, by, task, "签收")))

    assert costs[1] == costs[0] + 1 <= 23


def test_all_or_none_in_two_names_at_once(world: World) -> None:
    theirs, own = claimed(world), claimed(world, "cgw2")
    stands_in(world, "cgw2", "cgw1")
    items = [{"task": each["id"], "revision": each["revision"]} for each in (theirs, own)]
    body = {"verb": "complete", "outcome": "签收", "items": items, "atomic": True}

    answer = world.post("cgw2", "/tasks/bulk", body)

    assert (answer.status_code, answer.json.get("done")) == (200, 2), answer.json
    signed = [world.row(tasks, each["id"])["signature"] for each in (theirs, own)]
    assert signed == [SIGNED, None]


def test_it_ends_with_the_account_of_either(world: World) -> None:
    task = claimed(world)
    which = stands_in(world, "cgw2", "cgw1").json["id"]

    answer = world.post("liucheng1", "/people/cgw1/disable", {"reason": "调离", "release": True})

    assert answer.status_code == 200
    row = world.row(substitutions, which)
    assert (row["ended_by"], row["end_reason"]) == (world.actor("liucheng1").id, "调离")
    assert [row["subject"] for row in world.rows(audit_stream, kind="substitution.ended")] == [which]
    taken = world.post("cgw2", f"/tasks/{task['id']}/claim", {}).json["task"]
    assert (taken["assignee"], taken["signature"]) == (world.actor("cgw2").id, None)


def test_the_substitute_reads_what_the_form_keeps_sealed_for_whoever_handles_it(
    database: db.Database,
) -> None:
    world = worlds.build(database, secret_process.files())
    answers = {"content": "路灯不亮", **secret_process.CALLER}
    task = world.claim("paiqian1", world.file(process=secret_process.KEY, answers=answers).opened[0]).task
    assert task is not None
    body = wanted(world, "zjw1", person="paiqian1")
    assert world.post("liucheng1", "/substitutions", body).status_code == 201

    shown = [world.get(who, f"/tasks/{task['id']}/form").json["values"] for who in ("zjw1", "paiqian2")]

    assert [each["caller_phone"] for each in shown] == [
        secret_process.PHONE,
        secret_process.COVERED["caller_phone"],
    ]
