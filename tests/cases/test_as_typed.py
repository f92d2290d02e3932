"""Row 21 of the bad input: text is kept in one normal form, numbers in plain digits; what was typed is sealed."""

import unicodedata
from typing import Any

import pytest

from app.audit.verify import verify
from app.cases.models import cases
from app.cases.secrets import showing
from app.cases.secrets.proof import verify_secrets
from app.cases.secrets.taking import AS_TYPED
from app.core import db, typed
from app.imports import files as import_files
from app.imports import work_orders
from tests import world as worlds
from tests.cases import secret_process
from tests.cases.secret_process import CALLER, KEY, PHONE
from tests.world import Row, World

TYPED = unicodedata.normalize("NFD", "Café 门口路灯不亮")
NORMAL = unicodedata.normalize("NFC", TYPED)
WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in PHONE)
LOOK_ALIKE = "Мoscow 路灯"  # the first letter is Cyrillic


@pytest.fixture
def calls(database: db.Database) -> World:
    return worlds.build(database, secret_process.files())


def filed(world: World, title: str, **answers: str) -> Row:
    asked = {"content": "路灯不亮。", "level": "一般", **CALLER, **answers}
    answer = world.post("paiqian1", "/cases", {"process": KEY, "title": title, "answers": asked})
    assert answer.status_code == 201, answer.json
    return dict(answer.json["case"], tasks=answer.json["tasks"])


def kept(case_id: str) -> list[Any]:
    with db.reading() as session:
        return [each.value for each in showing.kept(session, case_id) if each.name == AS_TYPED]


def test_text_is_kept_in_one_normal_form_and_what_was_typed_is_sealed_beside_it(calls: World) -> None:
    case = filed(calls, TYPED, content=TYPED, caller_phone=WIDE)

    shown = calls.case(case["id"])
    assert (shown["title"], shown["data"]["content"]) == (NORMAL, NORMAL)
    assert kept(case["id"]) == [{"title": TYPED, "content": TYPED, "caller_phone": WIDE}]
    with db.reading() as session:
        assert showing.current(session, case["id"])["caller_phone"] == PHONE


def test_the_audit_covers_what_was_typed(calls: World) -> None:
    case = filed(calls, TYPED)

    told = calls.get("paiqian1", f"/cases/{case['id']}/timeline?limit=200").json["items"]
    with db.reading() as session:
        whole = verify(session).faults, verify_secrets(session).faults

    assert whole == ((), ())
    assert "加密保存" in str(told)
    assert "输入时的原样" in str(told)


def test_a_handlers_answers_and_opinion_are_kept_as_typed_with_the_task(calls: World) -> None:
    (task,) = filed(calls, "路灯不亮")["tasks"]

    answer = calls.post(
        "paiqian1",
        f"/tasks/{task['id']}/complete",
        {"outcome": "完成", "answers": {"caller_phone": WIDE, "result": TYPED}, "opinion": TYPED},
        seen=1,
    )

    assert answer.status_code == 200, answer.json
    assert kept(task["case"]) == [{"caller_phone": WIDE, "result": TYPED, "opinion": TYPED}]
    assert calls.case(task["case"])["data"]["result"] == NORMAL


def test_what_was_typed_is_revealed_for_a_reason(calls: World) -> None:
    case = filed(calls, TYPED)

    answer = calls.post(
        "paiqian1", f"/cases/{case['id']}/reveal", {"fields": [AS_TYPED], "reason": "核对标题"}
    )

    assert answer.json["texts"] == [{"name": AS_TYPED, "origin": None, "text": f'{{"title":"{TYPED}"}}'}]


def test_letters_that_look_like_others_stay_as_they_were_typed(calls: World) -> None:
    case = filed(calls, LOOK_ALIKE)

    assert calls.case(case["id"])["title"] == LOOK_ALIKE
    assert kept(case["id"]) == []


def test_a_line_of_an_import_is_kept_as_typed_too(calls: World) -> None:
    order = {"工单编号": "IM-1", "标题": TYPED, "诉求内容": "路灯不亮", "紧急程度": "一般", "来电号码": WIDE}
    lines = [import_files.Line(1, order), import_files.Line(2, {**order, "工单编号": "IM-2", "标题": "路灯"})]

    report = work_orders.bring(calls.actor("paiqian1"), KEY, lines)

    assert (report.filed, report.refused) == (2, [])
    by_number = {row["external_no"]: row["id"] for row in calls.rows(cases)}
    assert kept(by_number["IM-1"]) == [{"title": TYPED, "caller_phone": WIDE}]
    assert kept(by_number["IM-2"]) == [{"caller_phone": WIDE}]


@pytest.mark.parametrize("text", ["路\u200d灯", "路\u00ad灯", "路\u2066灯", "路\u3164灯", "路灯\U000e0041"])
def test_what_nobody_can_see_is_seen(text: str) -> None:
    assert typed.UNSEEN.search(text) is not None


@pytest.mark.parametrize("text", ["👨\u200d👩\u200d👧 来电", "❤\ufe0f\u200d🔥", "路灯 café"])
def test_joiners_within_pictures_are_left_alone(text: str) -> None:
    assert typed.UNSEEN.search(text) is None
