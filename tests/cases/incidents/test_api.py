"""Incidents over HTTP: the list and its causes, one whole, notes, hands it goes through, who may and who not."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.audit.chain import case_chain
from app.audit.streams import audit_stream
from app.audit.verify import verify
from app.cases import firing
from app.cases.incidents import opening, schemas
from app.cases.incidents.kinds import ACTS, KINDS
from app.cases.models import incident_log
from app.cases.models import incidents as incident_rows
from app.core import db
from app.identity.actor import SYSTEM
from tests.cases.incidents.conftest import stopped_job, stopped_timer
from tests.cases.test_shapes import misfits
from tests.world import Row, World


def listed(world: World, query: str = "", by: str = "duban1") -> Any:
    answer = world.get(by, f"/incidents?{query}")
    assert answer.status_code == 200, answer.json
    return answer.json


def post(world: World, incident: Row, act: str, body: Row, by: str = "duban1", **how: Any) -> Any:
    return world.post(by, f"/incidents/{incident['id']}/{act}", body, **how)


def test_one_is_shown_whole_with_names_meaning_and_what_may_be_done(job: World) -> None:
    incident = stopped_job(job)
    post(job, incident, "annotate", {"text": "已联系平台方"})

    answer = job.get("duban1", f"/incidents/{incident['id']}")

    told = answer.json
    assert misfits(schemas.WholeIncident(), told) == []
    assert answer.headers["ETag"] == f'"{told["revision"]}"'
    assert (told["caseNumber"], told["processName"]) == (job.case(incident["case_id"])["number"], "试验流程")
    assert (told["kindName"], told["kindMeaning"]) == ("到时未成", KINDS["timer-failed"].meaning)
    assert (told["element"], told["elementName"], told["error"]) == ("call", "call", "HandlerFailed")
    assert [(way["action"], way["open"]) for way in told["actions"]] == [
        *(("retry", True), ("resolve", False), ("skip", True))
    ]
    assert [(line["action"], line["byName"], line["text"]) for line in told["history"]] == [
        ("annotate", "督办员甲", "已联系平台方")
    ]


def test_the_list_narrows_and_pages(job: World) -> None:
    first, second, third = (stop(job) for _ in range(3))
    post(job, second, "assign", {})
    post(job, third, "retry", {"reason": "再试"})

    def ids(query: str) -> list[str]:
        return [item["id"] for item in listed(job, query)["items"]]

    assert ids("") == [second["id"], first["id"]]
    assert misfits(schemas.IncidentPage(), listed(job)) == []
    assert ids("state=resolved") == [third["id"]]
    assert (ids("assignee=me"), ids("assignee=none")) == ([second["id"]], [first["id"]])
    assert ids(f"assignee={job.actor('liucheng1').id}") == []
    assert ids(f"case={first['case_id']}") == [first["id"]]
    assert (ids("kind=pool-empty"), ids("process=another")) == ([], [])
    assert ids(f"cause={first['stack_hash']}&process=drawn&kind=timer-failed") == [second["id"], first["id"]]
    page = listed(job, "limit=1")
    assert [item["id"] for item in page["items"]] == [second["id"]]
    assert ids(f"limit=1&after={page['page']['next']}") == [first["id"]]
    assert job.get("duban1", f"/incidents?kind=no-such&after={page['page']['next']}").status_code == 422
    assert job.get("duban1", f"/incidents?state=resolved&after={page['page']['next']}").status_code == 422


def stop(world: World) -> Row:
    """One more case whose job failed; earlier incidents stay as they are."""
    before = {row["id"] for row in world.rows(incident_rows)}
    task = world.file(process="drawn").opened[0]
    world.complete("paiqian1", task)
    for _ in range(5):
        world.wait(minutes=31)
        firing.fire_due()
    (incident,) = [row for row in world.rows(incident_rows) if row["id"] not in before]
    return incident


def test_what_has_one_cause_is_one_line(job: World) -> None:
    lines = [stop(job) for _ in range(2)]
    job.change(incident_rows, lines[0]["id"], count=4)

    (cause,) = job.get("duban1", "/incidents/causes").json["items"]

    assert misfits(schemas.CauseOut(), cause) == []
    assert (cause["cause"], cause["element"]) == (lines[0]["stack_hash"], "call")
    assert (cause["incidents"], cause["cases"], cause["count"]) == (2, 2, 5)
    assert cause["lastAt"] > cause["firstAt"]
    assert job.get("duban1", "/incidents/causes?state=resolved").json["items"] == []


def test_notes_are_added_and_never_written_over(late: World) -> None:
    incident = stopped_timer(late)

    post(late, incident, "annotate", {"text": "第一条"})
    post(late, incident, "annotate", {"text": "来电 13800138000"}, by="liucheng1")
    post(late, incident, "resolve", {"reason": "由人办理"})
    after = post(late, incident, "annotate", {"text": "补一句"})

    history = late.get("duban1", f"/incidents/{incident['id']}").json["history"]
    assert [(line["action"], line["text"]) for line in history] == [
        ("annotate", "第一条"),
        ("annotate", "来电 138****8000"),
        ("resolve", "由人办理"),
        ("annotate", "补一句"),
    ]
    assert [line["byName"] for line in history[:2]] == ["督办员甲", "流程管理员甲"]
    assert (after.status_code, after.json["state"], after.json["note"]) == (200, "resolved", "由人办理")
    assert late.get("duban1", f"/incidents/{incident['id']}").json["actions"] == []


def test_it_goes_from_hand_to_hand_among_those_who_may_deal_with_it(late: World) -> None:
    incident = stopped_timer(late)

    mine = post(late, incident, "assign", {})
    theirs = post(late, incident, "assign", {"to": "liucheng1"})
    wrong = [post(late, incident, "assign", {"to": who}) for who in ("cgw1", "city", "nobody")]

    assert (mine.json["assigneeName"], theirs.json["assigneeName"]) == ("督办员甲", "流程管理员甲")
    assert {(answer.status_code, answer.json["type"]) for answer in wrong} == {
        (422, "/problems/person-not-selectable")
    }
    assert wrong[0].json["errors"][0]["pointer"] == "/to"
    history = late.get("duban1", f"/incidents/{incident['id']}").json["history"]
    assert [line["toName"] for line in history] == ["督办员甲", "流程管理员甲"]


ASKED: dict[str, Row] = {
    "retry": {"reason": "再试"},
    "resolve": {"reason": "由人办理"},
    "skip": {"reason": "不做了"},
    "annotate": {"text": "已联系"},
    "assign": {},
}


@pytest.mark.parametrize("act", ACTS)
def test_every_act_is_for_those_who_may_where_it_stands(late: World, act: str) -> None:
    incident = stopped_timer(late)

    answers = {who: post(late, incident, act, ASKED[act], by=who) for who in ("lingdao1", "cgw1", "duban1")}
    unknown = post(late, {"id": "no-such-incident"}, act, ASKED[act])

    assert (answers["lingdao1"].status_code, answers["cgw1"].status_code) == (403, 403)
    assert unknown.status_code == 404
    assert answers["duban1"].status_code == (409 if act == "skip" else 200), answers["duban1"].json
    assert len(late.rows(incident_log)) == (act != "skip")


def test_out_of_scope_it_is_not_there(late: World) -> None:
    incident = stopped_timer(late)
    late.change(incident_rows, incident["id"], org_path="d2", case_id=None)

    for answer in (
        late.get("duban1", f"/incidents/{incident['id']}"),
        *(post(late, incident, act, ASKED[act]) for act in ACTS),
    ):
        assert answer.status_code == 404
    assert listed(late)["items"] == []
    assert late.get("duban1", "/incidents/causes").json["items"] == []


def test_a_repeated_request_gets_the_same_answer_and_acts_once(late: World) -> None:
    incident = stopped_timer(late)

    answers = [post(late, incident, "resolve", {"reason": "由人办理"}, key="k") for _ in range(2)]
    other = post(late, incident, "resolve", {"reason": "由人办理"}, key="l")

    assert answers[0].data == answers[1].data
    assert len(late.rows(incident_log)) == 1
    assert (other.status_code, other.json["type"]) == (409, "/problems/incident-resolved")
    assert (other.json["who"], "督办员甲" in other.json["detail"]) == ("督办员甲", True)


def test_who_says_what_he_saw_is_told_when_it_has_changed(late: World) -> None:
    incident = stopped_timer(late)
    post(late, incident, "annotate", {"text": "已联系"})

    stale = post(late, incident, "resolve", {"reason": "由人办理"}, seen=1)
    fresh = post(late, incident, "resolve", {"reason": "由人办理"}, seen=2)

    assert (stale.status_code, stale.headers["ETag"]) == (412, '"2"')
    assert (fresh.status_code, fresh.headers["ETag"]) == (200, '"3"')


def test_every_act_stands_in_the_chain_the_stream_and_the_timeline(late: World) -> None:
    incident = stopped_timer(late)
    acts = ("assign", "annotate", "retry")

    for act in acts:
        assert post(late, incident, act, ASKED[act]).status_code == 200

    written = [row["command"] for row in late.rows(case_chain, case_id=incident["case_id"])]
    assert written.count("TreatIncident") == len(acts)
    kept = late.rows(audit_stream, stream="admin", subject=incident["id"])
    assert sorted(row["kind"] for row in kept) == sorted(ACTS[act] for act in acts)
    steps = late.get("duban1", f"/cases/{incident['case_id']}/timeline").json["items"]
    assert [event["text"] for step in steps[-3:] for event in step["events"]] == [
        f"异常 {incident['number']} 交给督办员甲处理",
        f"给异常 {incident['number']} 添加说明",
        f"重试异常 {incident['number']}（到时未成），原因：再试",
    ]
    with db.reading() as session:
        assert verify(session).faults == ()


def test_a_reason_must_be_written_and_a_failing_request_opens_no_second_incident(job: World) -> None:
    incident = stopped_job(job)

    blank = post(job, incident, "retry", {"reason": "  "})
    refused = post(job, incident, "resolve", {"reason": "不管了"})
    lacking = post(job, incident, "skip", {"reason": "人工取号"})

    assert blank.status_code == 422
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/incident-act-refused")
    assert "请改正后重试，或跳过" in refused.json["detail"]
    assert (lacking.status_code, lacking.json["type"]) == (422, "/problems/answers-wrong")
    assert len(job.rows(incident_rows)) == 1


def test_numbers_of_people_in_a_reason_are_covered_wherever_it_stands(late: World) -> None:
    incident = stopped_timer(late)

    post(late, incident, "resolve", {"reason": "已致电 13800138000"})

    (line,) = late.rows(incident_log)
    kept = [late.row(incident_rows, incident["id"]), line, *late.rows(case_chain), *late.rows(audit_stream)]
    assert line["text"] == "已致电 138****8000"
    assert "13800138000" not in str(kept)


def test_of_two_who_act_at_once_one_is_told_that_the_other_was_faster(on_postgresql: World) -> None:
    world = on_postgresql
    with db.transaction() as session:
        where = opening.Where("drawn", "d1")
        opening.open_incident(session, "message-expired", where, RuntimeError(), SYSTEM)
    case = world.file().case
    with db.transaction() as session:
        where = opening.Where(case["process_key"], case["org_path"], case["id"])
        opening.open_incident(session, "delivery-dead", where, RuntimeError(), SYSTEM)
    signed_in = [world.token(who) for who in ("duban1", "liucheng1")]
    assert world.app is not None
    assert len(signed_in) == 2

    for incident in world.rows(incident_rows):
        with ThreadPoolExecutor(2) as pool:
            acts = [
                pool.submit(
                    post,
                    world,
                    incident,
                    "retry",
                    {"reason": "再试"},
                    by=who,
                    key=f"{who}-{incident['kind']}",
                )
                for who in ("duban1", "liucheng1")
            ]
            answers = [act.result() for act in acts]

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert lost.json["type"] == "/problems/incident-resolved"
    assert len(world.rows(incident_log)) == 2
