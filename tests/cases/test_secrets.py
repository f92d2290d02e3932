"""Secret fields: sealed beside the case, shown covered, whole for the handler's form and for a reason."""

from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert, update

from app.audit.streams import audit_stream
from app.audit.verify import verify, verify_streams
from app.cases import filing, tasks
from app.cases.commands import NewCase
from app.cases.models import tasks as task_rows
from app.cases.secrets import showing
from app.cases.secrets.proof import verify_secrets
from app.cases.secrets.table import case_secrets, cases_with
from app.cli import main
from app.core import db
from app.crypto.data_keys import data_keys as keys
from app.crypto.sealed import Place, Sealed, open_
from app.crypto.sm3 import sm3_hex
from app.engine.errors import HandlerFailed
from app.engine.run import Run
from app.exchange.models import outbox
from tests import world as worlds
from tests.cases import secret_process
from tests.cases.secret_process import ADDRESS, CALLER, COVERED, ID, KEY, NAME, PHONE
from tests.engine.drawing import Drawing
from tests.world import Row, World, numbered, once, statements

CONTENT = f"路灯不亮，联系{PHONE}，身份证{ID}，车沪A12345。"
HUSHED = f"路灯不亮，联系102****4321，身份证{COVERED['caller_id']}，车沪A***45。"
SECRETS = (NAME, PHONE, ID, ADDRESS, "沪A12345")


@pytest.fixture
def calls(database: db.Database) -> World:
    return worlds.build(database, secret_process.files())


def filed(world: World, **about: Any) -> Row:
    """A call with everything about the caller; its open task."""
    answers = {"content": CONTENT, "level": "一般", **CALLER, **about.pop("answers", {})}
    title = about.pop("title", f"{PHONE} 来电：路灯不亮")
    return world.file(process=KEY, title=title, answers=answers, **about).opened[0]


def everything(world: World) -> str:
    """Every value of every row of the database, as text."""
    with db.reading() as session:
        parts = []
        for table in db.metadata.sorted_tables:
            for row in session.connection.exec_driver_sql(f'select * from "{table.name}"'):
                for value in row:
                    parts.append(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
    return "\n".join(parts)


def form(world: World, by: str, task: Row) -> Row:
    return dict(world.get(by, f"/tasks/{task['id']}/form").json["values"])


def test_nothing_of_the_caller_is_readable_in_any_row(calls: World) -> None:
    task = filed(calls)

    calls.complete(
        "paiqian1", task, answers={"caller_phone": PHONE, "content": CONTENT, "result": f"已回{PHONE}"}
    )

    held = everything(calls)
    assert [secret for secret in SECRETS if secret in held] == []
    assert HUSHED in held


def test_a_case_shows_its_secrets_covered_to_everybody(calls: World) -> None:
    task = filed(calls)

    for by in ("paiqian1", "guancha1"):
        case = calls.get(by, f"/cases/{task['case_id']}").json
        assert {name: case["data"][name] for name in CALLER} == COVERED
        assert case["data"]["content"] == HUSHED
        assert case["title"] == "102****4321 来电：路灯不亮"


def test_only_the_handler_sees_full_values_and_only_those_of_his_form_and_only_while_it_is_open(
    calls: World,
) -> None:
    task = filed(calls)

    before = form(calls, "paiqian1", task)
    calls.claim("paiqian1", task)
    mine, other = form(calls, "paiqian1", task), form(calls, "paiqian2", task)
    calls.complete("paiqian1", {**task, "revision": 2}, answers={"caller_phone": PHONE})
    after = form(calls, "paiqian1", task)

    assert before == other == {"caller_phone": COVERED["caller_phone"], "content": HUSHED}
    assert mine == {"caller_phone": PHONE, "content": CONTENT}
    assert after["caller_phone"] == COVERED["caller_phone"]


def test_what_comes_back_covered_was_left_alone(calls: World) -> None:
    task = filed(calls)
    shown = form(calls, "paiqian2", task)

    calls.complete("paiqian2", task, answers=shown)

    with db.reading() as session:
        assert showing.current(session, task["case_id"]) == {
            **CALLER,
            "content": CONTENT,
            "title": f"{PHONE} 来电：路灯不亮",
        }
    assert calls.row(task_rows, task["id"])["answers"] == {"content": HUSHED}


def test_a_covered_value_that_is_not_the_one_shown_is_refused(calls: World) -> None:
    task = filed(calls)

    answer = calls.post(
        "paiqian1",
        f"/tasks/{task['id']}/complete",
        {"outcome": "完成", "answers": {"caller_phone": "139****4321"}},
        seen=1,
    )

    assert answer.status_code == 422
    assert answer.json["errors"][0]["code"] == "phone-invalid"
    assert calls.row(task_rows, task["id"])["state"] == "open"


def test_a_new_value_takes_the_place_of_the_old_and_both_stay_sealed(calls: World) -> None:
    task = filed(calls)
    calls.complete("paiqian1", task, answers={"caller_phone": "10100001111", "content": "号码换了"})

    rows = calls.rows(case_secrets, case_id=task["case_id"], name="caller_phone")

    assert len(rows) == 2
    assert calls.get("guancha1", f"/cases/{task['case_id']}").json["data"]["caller_phone"] == "101****1111"
    assert rows[1]["origin"] == task["id"]


def test_a_name_that_is_emptied_holds_nothing(calls: World) -> None:
    moved = calls.file(process=KEY, answers={"content": "路灯", "caller_phone": PHONE, "caller_name": None})

    data = calls.get("guancha1", f"/cases/{moved.case['id']}").json["data"]

    assert "caller_name" not in data
    assert data["caller_phone"] == COVERED["caller_phone"]


def test_a_repeated_completion_is_told_apart_by_its_secret_answers_too(calls: World) -> None:
    task, path = filed(calls), "/tasks/{}/complete"
    body = {"outcome": "完成", "answers": {"caller_phone": PHONE, "content": CONTENT}}
    url = path.format(task["id"])

    first = calls.post("paiqian1", url, body, seen=1)
    same = calls.post("paiqian1", url, body, seen=1)
    other = calls.post(
        "paiqian1", url, {**body, "answers": {**body["answers"], "caller_phone": "10100001111"}}, seen=1
    )

    assert (first.status_code, same.status_code) == (200, 200)
    assert (other.status_code, other.json["type"]) == (409, "/problems/task-done")


def test_the_chain_keeps_a_hash_of_what_was_sealed_and_still_verifies_when_the_key_is_gone(
    calls: World,
) -> None:
    task = filed(calls)
    timeline = calls.get("guancha1", f"/cases/{task['case_id']}/timeline").json["items"]
    with db.transaction() as session:
        session.execute(
            update(keys)
            .where(keys.c.subject == f"case:{task['case_id']}")
            .values(state="destroyed", wrapped=None)
        )

    with db.reading() as session:
        assert verify(session).faults == ()
    told = [event for item in timeline for event in item["events"] if event["name"] == "secrets.kept"]
    assert told[0]["text"] == "加密保存：标题、诉求内容、来电人、来电号码、身份证号、住址"
    gone = calls.get("guancha1", f"/cases/{task['case_id']}").json["data"]
    assert {gone[name] for name in CALLER} == {showing.GONE}


@pytest.mark.parametrize("how", ["changed", "removed", "emptied", "slipped in", "renamed"])
def test_a_sealed_value_that_was_touched_is_found_by_the_audit(calls: World, how: str) -> None:
    filed(calls)
    task = filed(calls)
    row = calls.rows(case_secrets, case_id=task["case_id"], name="caller_phone")[0]
    with db.reading() as session:
        assert verify_secrets(session).faults == ()
    with db.transaction() as session:
        here = case_secrets.c.id == row["id"]
        match how:
            case "changed":
                data = row["sealed"].data[:-1] + bytes([row["sealed"].data[-1] ^ 1])
                session.execute(update(case_secrets).where(here).values(sealed=Sealed(data)))
            case "removed":
                session.execute(delete(case_secrets).where(here))
            case "emptied":
                session.execute(update(case_secrets).where(here).values(sealed=None))
            case "slipped in":
                session.execute(insert(case_secrets), {**row, "id": worlds.new_id(), "seq": 9})
            case "renamed":
                session.execute(update(case_secrets).where(here).values(name="caller_name"))

    with db.reading() as session:
        (fault,) = verify_secrets(session).faults
    done = CliRunner().invoke(main, ["audit", "verify"])

    assert (fault.chain, fault.seq) == (task["case_id"], 9 if how == "slipped in" else 1)
    assert done.exit_code == 1
    assert "这一步加密保存的内容与审计记录不符" in done.output


def test_a_value_moved_to_another_case_is_not_shown_as_its_own(calls: World) -> None:
    one, two = filed(calls), filed(calls, answers={"caller_phone": "10100001111"})
    taken = calls.rows(case_secrets, case_id=one["case_id"], name="caller_phone")[0]
    given = calls.rows(case_secrets, case_id=two["case_id"], name="caller_phone")[0]
    calls.change(case_secrets, given["id"], sealed=taken["sealed"], key_id=taken["key_id"])

    data = calls.get("guancha1", f"/cases/{two['case_id']}").json["data"]

    assert data["caller_phone"] == showing.UNREADABLE
    assert data["caller_name"] == COVERED["caller_name"]


def test_what_people_say_is_covered_in_the_timeline_and_whole_in_a_reveal(calls: World) -> None:
    task = filed(calls, title="路灯不亮", answers={"content": "路灯不亮"})
    calls.claim("paiqian1", task)
    calls.post("paiqian1", f"/tasks/{task['id']}/unclaim", {"reason": f"请打{PHONE}"}, seen=2)
    calls.post("paiqian1", f"/cases/{task['case_id']}/notes", {"text": f"来电人换号{PHONE}"})
    opinion = {"outcome": "退回", "opinion": f"身份证{ID}不符", "answers": {"caller_phone": PHONE}}
    done = calls.post("paiqian1", f"/tasks/{task['id']}/complete", opinion, seen=3)

    shown = calls.get("guancha1", f"/cases/{task['case_id']}/timeline").get_data(as_text=True)
    notes = calls.get("guancha1", f"/cases/{task['case_id']}/notes").get_data(as_text=True)
    asked = {"fields": ["opinion", "reason", "note"], "reason": "核对"}
    revealed = calls.post("paiqian1", f"/cases/{task['case_id']}/reveal", asked).json

    assert done.status_code == 200, done.json
    assert "请打102****4321" in shown
    assert f"身份证{COVERED['caller_id']}不符" in shown
    assert "来电人换号102****4321" in notes
    assert [secret for secret in SECRETS if secret in shown + notes + everything(calls)] == []
    assert {each["text"] for each in revealed["texts"]} == {
        f"请打{PHONE}",
        f"来电人换号{PHONE}",
        f"身份证{ID}不符",
    }
    assert revealed["values"] == {}


def test_a_reveal_gives_full_values_for_a_reason_and_is_in_the_audit(calls: World) -> None:
    task = filed(calls)
    asked = {"fields": ["caller_name", "caller_phone", "title"], "reason": f"回访核实 {PHONE}"}

    answer = calls.post("paiqian1", f"/cases/{task['case_id']}/reveal", asked, key="k")
    again = calls.post("paiqian1", f"/cases/{task['case_id']}/reveal", asked, key="k")

    assert (answer.status_code, answer.json["values"]) == (200, {"caller_name": NAME, "caller_phone": PHONE})
    assert answer.json["texts"] == [{"name": "title", "origin": None, "text": f"{PHONE} 来电：路灯不亮"}]
    assert "ETag" not in answer.headers
    assert again.data == answer.data
    looks = calls.get("shenji1", f"/cases/{task['case_id']}/reveals").json["items"]
    assert [(look["personName"], look["fields"], look["reason"]) for look in looks] == [
        ("派遣员甲", ["caller_name", "caller_phone", "title"], "回访核实 102****4321")
    ]
    with db.reading() as session:
        assert verify_streams(session).faults == ()
    assert [secret for secret in SECRETS if secret in everything(calls)] == []


@pytest.mark.parametrize(
    ("by", "body", "status", "slug"),
    [
        ("guancha1", {"fields": ["caller_phone"], "reason": "看看"}, 403, "forbidden-action"),
        ("ding1", {"fields": ["caller_phone"], "reason": "看看"}, 404, "not-found"),
        ("paiqian1", {"fields": ["caller_phone"], "reason": " "}, 422, "fields-refused"),
        ("paiqian1", {"fields": ["caller_phone"]}, 422, "fields-refused"),
        ("paiqian1", {"fields": ["level"], "reason": "看看"}, 422, "reveal-field-unknown"),
        ("paiqian1", {"fields": ["opinion"], "reason": "看看"}, 422, "reveal-field-unknown"),
    ],
)
def test_a_reveal_without_right_scope_reason_or_such_a_name_shows_nothing(
    calls: World, by: str, body: Row, status: int, slug: str
) -> None:
    task = filed(calls)

    answer = calls.post(by, f"/cases/{task['case_id']}/reveal", body)

    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{slug}")
    assert calls.rows(audit_stream, stream="reveal") == []
    assert [secret for secret in SECRETS if secret in answer.get_data(as_text=True)] == []


def test_the_thirty_first_reveal_of_an_hour_is_refused_and_told_and_the_next_hour_is_free(
    calls: World,
) -> None:
    task = filed(calls)
    path, body = f"/cases/{task['case_id']}/reveal", {"fields": ["caller_phone"], "reason": "回访"}

    answers = [calls.post("paiqian1", path, body).status_code for _ in range(31)]
    refused = calls.post("paiqian1", path, body)
    other = calls.post("paiqian2", path, body).status_code
    calls.wait(hours=1, minutes=1)
    later = calls.post("paiqian1", path, body).status_code

    assert answers == [200] * 30 + [429]
    assert (refused.json["type"], refused.headers["Retry-After"]) == ("/problems/reveal-limit", "600")
    assert (other, later) == (200, 200)
    assert len(calls.rows(audit_stream, stream="reveal")) == 32
    assert len(calls.rows(audit_stream, kind="reveal-limit")) == 2


def test_those_who_read_the_audit_see_who_looked_and_nobody_else_does(calls: World) -> None:
    task = filed(calls)

    assert calls.get("shenji1", f"/cases/{task['case_id']}/reveals").json == {"items": []}
    assert calls.get("paiqian1", f"/cases/{task['case_id']}/reveals").status_code == 403
    assert calls.get("shenji1", f"/cases/{task['case_id']}").status_code == 403


def test_cases_are_found_by_a_whole_number_or_its_last_four_digits(calls: World) -> None:
    one, two = filed(calls), filed(calls, answers={"caller_phone": "10100001111", "caller_id": None})

    def found(value: str, name: str = "caller_phone") -> set[str]:
        with db.reading() as session:
            return set(session.execute(cases_with(session, name, value)).scalars())

    assert found(PHONE) == found("+86 102-8765-4321") == found("4321") == {one["case_id"]}
    assert found("1111") == {two["case_id"]}
    assert found("102") == found("10287654322") == found(PHONE, "caller_id") == set()
    assert found(ID, "caller_id") == found(ID.lower(), "caller_id") == {one["case_id"]}
    assert found(NAME, "caller_name") == set()  # only numbers are found again


def test_before_anything_was_sealed_nobody_is_found(calls: World) -> None:
    with db.reading() as session:
        assert session.execute(cases_with(session, "caller_phone", PHONE)).all() == []


def test_a_draft_that_a_failure_keeps_is_sealed_and_whole_for_its_writer_alone(
    calls: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = filed(calls)

    def broken(self: Run, *_: object) -> None:
        raise HandlerFailed("（试验）")

    monkeypatch.setattr(Run, "complete", broken)
    body = {
        "outcome": "完成",
        "answers": {"caller_phone": "10155556666", "result": f"请打{PHONE}"},
        "opinion": f"见{ID}",
    }
    stopped = calls.post("paiqian1", f"/tasks/{task['id']}/complete", body, seen=1)

    held = everything(calls)
    mine = calls.get("paiqian1", f"/tasks/{task['id']}/form").json["draft"]
    other = calls.get("paiqian2", f"/tasks/{task['id']}/form").json["draft"]

    assert (stopped.status_code, stopped.json["type"]) == (409, "/problems/process-stopped")
    assert [secret for secret in (*SECRETS, "10155556666") if secret in held] == []
    assert mine["answers"] == body["answers"]
    assert other["answers"] == {"caller_phone": "101****6666", "result": "请打102****4321"}
    assert other["opinion"] == f"见{COVERED['caller_id']}"


def test_what_a_message_brings_is_split_like_what_a_person_fills_in(calls: World) -> None:
    moved = filing.file_case(
        calls.actor("city"),
        NewCase(
            KEY, f"来电{PHONE}", {"content": CONTENT, **CALLER}, external_no="C-1", place_unit=worlds.PLACE
        ),
    )

    assert not isinstance(moved, worlds.Stored)
    assert moved.case["data"] == {"content": HUSHED}
    with db.reading() as session:
        assert showing.current(session, moved.case["id"]).items() >= CALLER.items()


def test_sealing_stays_within_the_budget(calls: World) -> None:
    actor = calls.actor("paiqian1")
    task, plain = filed(calls), filed(calls)
    answers = {"caller_phone": PHONE, "content": CONTENT, "result": "好"}
    cost = {}

    for which, given in (
        (task, answers),
        (plain, {**answers, "content": "路灯", "caller_phone": "102****4321"}),
    ):
        with statements(calls.database) as sent:
            tasks.complete(actor, which["id"], "完成", given, None, 1, once(actor, which["id"]))
        cost[which["id"]] = sent

    assert len(cost[task["id"]]) <= 23, numbered(cost[task["id"]])
    assert len(cost[plain["id"]]) <= 23, numbered(cost[plain["id"]])


def test_a_refused_request_echoes_no_personal_number(calls: World) -> None:
    task = filed(calls)
    wrong = [
        calls.post(
            "paiqian1",
            "/cases",
            {
                "process": KEY,
                "title": "x",
                "placeUnit": PHONE,
                "answers": {"content": "x", "caller_phone": PHONE},
            },
        ),
        calls.post(
            "paiqian1",
            "/cases",
            {"process": KEY, "title": "x", "placeUnit": worlds.PLACE, "answers": {PHONE: "x"}},
        ),
        calls.post("paiqian1", "/cases", {"process": KEY, "title": "x", PHONE: 1}),
        calls.post(
            "paiqian1",
            f"/tasks/{task['id']}/complete",
            {"outcome": ADDRESS, "answers": {"caller_phone": PHONE}},
            seen=1,
        ),
        calls.post(
            "paiqian1",
            f"/tasks/{task['id']}/complete",
            {"outcome": "完成", "answers": {"caller_phone": ID}},
            seen=1,
        ),
        calls.post("paiqian1", "/cases", {"process": PHONE, "title": "x"}),
        calls.get("paiqian1", f"/tasks?view={PHONE}"),
        calls.get("paiqian1", f"/cases/{PHONE}"),
    ]

    assert [answer.status_code for answer in wrong] == [422, 422, 422, 422, 422, 404, 422, 404]
    bodies = "".join(answer.get_data(as_text=True) for answer in wrong)
    assert [secret for secret in SECRETS if secret in bodies] == []


@pytest.mark.parametrize(
    ("value", "found"),
    [(PHONE, 1), ("102-8765-4321", 1), ("4321", 1), ("10287654329", 0), ("1234", 0)],
)
def test_a_search_by_the_callers_phone_finds_cases_in_scope_alone(
    calls: World, value: str, found: int
) -> None:
    task = filed(calls)
    filed(calls, answers={"caller_phone": "10100001111", "caller_id": None})

    here = calls.post("paiqian1", "/cases/search", {"filter": {"callerPhone": value}}).json
    there = calls.post("ding1", "/cases/search", {"filter": {"callerPhone": value}}).json

    assert [case["id"] for case in here["items"]] == [task["case_id"]] * found
    assert there["items"] == []


@pytest.mark.parametrize("value", ["", "43", "1028765432x", 4321, None, {"$like": "102"}])
def test_a_search_by_a_part_of_a_phone_is_refused(calls: World, value: Any) -> None:
    answer = calls.post("paiqian1", "/cases/search", {"filter": {"callerPhone": value}})

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/filter/callerPhone")


def telling(secret: str) -> worlds.BundleFiles:
    """Who called is reported to a partner as soon as the case is filed."""
    drawing = Drawing("telling").declare("message", "city.told")
    drawing.start(attributes='camunda:formKey="filing"').throw("tell", "message", "city.told")
    drawing.task("t", worlds.by_role(), outcomes="完成").end().line("start", "tell", "t", "end")
    body = f"{{direction: out, to: connector:plain, {secret}body: {{phone: caller_phone, text: content}}}}"
    return worlds.bundle_of(
        "telling",
        drawing,
        data=secret_process.DATA,
        forms={"filing": secret_process.FILING},
        messages=f"city.told: {body}\n",
    )


def test_a_message_that_says_so_carries_a_secret_whole_and_sealed_and_its_hash_tells_nobody(
    database: db.Database,
) -> None:
    world = worlds.build(database, telling("secret: true, "))
    case = world.file(process="telling", answers={"content": CONTENT, "caller_phone": PHONE}).case

    (row,) = world.rows(outbox, case_id=case["id"])

    with db.reading() as session:
        body = orjson.loads(open_(session, Place("outbox", "body", row["id"]), row["body"]))
    assert body == {"phone": PHONE, "text": HUSHED}
    assert row["hash"] != sm3_hex(orjson.dumps(body))
    assert PHONE not in everything(world)
