"""Kept phrases: one's own, shared ones of a unit or of a role in it, offered by the forms they fit."""

import itertools
from typing import Any

import pytest

from app.cases import tasks
from app.cases.phrases.models import phrases
from app.cases.phrases.schemas import PhraseOut, PhrasePage
from app.cases.schemas import FormOut
from tests.cases.test_shapes import misfits
from tests.engine.drawing import Drawing
from tests.world import WORK_ORDER, Row, World, bundle_of, by_role, statements

KEYS = itertools.count()
HERE = {"process": WORK_ORDER, "step": "dispatch", "field": "dispatch_note"}
NOTE = "请两小时内到场处置，并回复来电人。"


def keep(world: World, who: str, text: str = NOTE, **more: Any) -> Row:
    answer = world.post(who, "/phrases", {"text": text, **more})
    assert answer.status_code == 201, answer.json
    assert misfits(PhraseOut(), answer.json) == []
    assert answer.headers["Location"] == f"/api/v1/phrases/{answer.json['id']}"
    return answer.json  # type: ignore[no-any-return]


def listed(world: World, who: str) -> list[str]:
    answer = world.get(who, "/phrases")
    assert misfits(PhrasePage(), answer.json) == []
    return [each["text"] for each in answer.json["items"]]


def send(world: World, method: str, who: str, phrase: Row, body: Any, seen: int | None) -> Any:
    headers = {"Authorization": f"Bearer {world.token(who)}", "Idempotency-Key": f"own-{next(KEYS)}"}
    if seen is not None:
        headers["If-Match"] = f'"{seen}"'
    path = f"/api/v1/phrases/{phrase['id']}"
    return world.app.test_client().open(path, method=method, json=body, headers=headers)


def offered(world: World, who: str, task: Row) -> list[tuple[str, list[str]]]:
    answer = world.get(who, f"/tasks/{task['id']}/form")
    assert misfits(FormOut(), answer.json) == []
    return [(each["text"], each["into"]) for each in answer.json["phrases"]]


@pytest.mark.requirement("SJS-006")
def test_a_forwarding_opinion_is_written_freely_and_kept_as_a_template_for_the_next_order(
    world: World,
) -> None:
    first, second = (world.file().opened[0] for _ in range(2))
    world.complete("paiqian1", first, "派遣", {"main_unit": "d1-cgw", "dispatch_note": NOTE})
    keep(world, "paiqian1", NOTE, **HERE)

    form = world.get("paiqian1", f"/tasks/{second['id']}/form").json
    (template,) = form["phrases"]
    changed = template["text"].replace("两小时", "半小时")
    world.complete("paiqian1", second, "派遣", {"main_unit": "d1-cgw", "dispatch_note": changed})

    assert form["schema"]["properties"]["dispatch_note"]["x-phrases"] is True
    assert (template["text"], template["into"], template["own"]) == (NOTE, ["dispatch_note"], True)
    assert world.case(first["case_id"])["data"]["dispatch_note"] == NOTE
    assert world.case(second["case_id"])["data"]["dispatch_note"] == "请半小时内到场处置，并回复来电人。"
    assert listed(world, "paiqian1") == [NOTE]


def test_a_phrase_is_kept_listed_changed_and_deleted_by_its_owner_alone(world: World) -> None:
    phrase = keep(world, "paiqian1")
    keep(world, "paiqian1", "已电话联系来电人。", field="opinion")

    assert listed(world, "paiqian1") == ["已电话联系来电人。", NOTE]
    assert listed(world, "paiqian2") == []
    assert world.get("paiqian1", f"/phrases/{phrase['id']}").json == phrase
    assert world.get("paiqian2", f"/phrases/{phrase['id']}").status_code == 404
    change = {"text": "请今天内处置。", **HERE}
    assert send(world, "PUT", "paiqian1", phrase, change, None).status_code == 428
    changed = send(world, "PUT", "paiqian1", phrase, change, 1)
    assert (changed.status_code, changed.json["text"], changed.json["step"]) == (
        200,
        "请今天内处置。",
        "dispatch",
    )
    assert changed.headers["ETag"] == '"2"'
    assert send(world, "PUT", "paiqian1", phrase, change, 1).status_code == 412
    assert send(world, "DELETE", "paiqian2", phrase, None, 2).status_code == 404
    assert send(world, "DELETE", "paiqian1", phrase, None, 1).status_code == 412
    assert send(world, "DELETE", "paiqian1", phrase, None, 2).status_code == 204
    assert listed(world, "paiqian1") == ["已电话联系来电人。"]


def test_phrases_come_in_pages(world: World) -> None:
    for i in range(3):
        keep(world, "paiqian1", f"第{i}句")

    first = world.get("paiqian1", "/phrases?limit=2").json
    rest = world.get("paiqian1", f"/phrases?limit=2&after={first['page']['next']}").json

    assert [each["text"] for each in first["items"] + rest["items"]] == ["第2句", "第1句", "第0句"]
    assert rest["page"]["next"] is None


def test_what_is_shared_reaches_its_unit_with_all_below_or_one_role_there(world: World) -> None:
    keep(world, "paiqian1", "全东街道", share={"unit": "d1-s1"})
    by_role = keep(world, "paiqian1", "东街道承办人", share={"unit": "d1-s1", "role": "handler"})

    assert listed(world, "dongjie1") == listed(world, "jia1") == ["东街道承办人", "全东街道"]
    assert listed(world, "ding1") == listed(world, "cgw1") == []
    seen = world.get("jia1", f"/phrases/{by_role['id']}").json
    assert (seen["own"], seen["changeable"], seen["author"], seen["share"]) == (
        False,
        False,
        "派遣员甲",
        {"unit": "d1-s1", "role": "handler"},
    )
    refused = send(world, "DELETE", "jia1", by_role, None, 1)
    assert (refused.status_code, refused.json["permission"]) == (403, "phrase:share")


def test_whoever_may_share_in_a_unit_looks_after_what_is_shared_there(world: World) -> None:
    shared = keep(world, "dongjie1", "东街道派遣用语", share={"unit": "d1-s1", "role": "dispatcher"})

    assert listed(world, "paiqian2") == ["东街道派遣用语"]
    assert listed(world, "xijie1") == []
    mine = {"text": "东街道派遣用语（新）", "share": shared["share"]}
    changed = send(world, "PUT", "paiqian2", shared, mine, 1)
    assert (changed.status_code, changed.json["author"], changed.json["changeable"]) == (
        200,
        "派遣员乙",
        True,
    )
    assert listed(world, "dongjie1") == ["东街道派遣用语（新）"]
    task = world.file().opened[0]
    assert [text for text, _ in offered(world, "dongjie1", task)] == ["东街道派遣用语（新）"]
    assert offered(world, "paiqian2", task) == [], "who looks after it does not use it"


@pytest.mark.parametrize(
    ("who", "share", "status", "slug"),
    [
        ("cgw1", {"unit": "d1-cgw"}, 403, "forbidden-action"),
        ("dongjie1", {"unit": "d1"}, 403, "forbidden-action"),
        ("paiqian1", {"unit": "nowhere"}, 422, "unit-unknown"),
        ("paiqian1", {"unit": "d1", "role": "nobody"}, 422, "role-unknown"),
        ("paiqian1", {"role": "handler"}, 422, "fields-refused"),
    ],
)
def test_whoever_may_not_share_or_shares_with_nobody_real_is_told(
    world: World, who: str, share: Row, status: int, slug: str
) -> None:
    answer = world.post(who, "/phrases", {"text": NOTE, "share": share})

    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{slug}")
    assert world.rows(phrases) == []


@pytest.mark.parametrize(
    ("given", "pointer", "says"),
    [
        ({"text": " "}, "/text", ""),
        ({"text": "字" * 501}, "/text", "500"),
        ({"text": "请\u202e处置"}, "/text", "方向符号"),
        ({"step": "dispatch"}, "/step", "哪个流程"),
        ({"field": "dispatch_note"}, "/field", "哪个流程"),
        ({"process": "nothing_here"}, "/process", "没有这个流程"),
        ({"process": WORK_ORDER, "step": "dispach"}, "/step", "dispatch"),
        ({**HERE, "field": "main_unit"}, "/field", "dispatch_note"),
        ({**HERE, "step": "handle"}, "/field", "result"),
    ],
)
def test_a_phrase_that_fits_nowhere_is_told_why(world: World, given: Row, pointer: str, says: str) -> None:
    answer = world.post("paiqian1", "/phrases", {"text": NOTE, **given})

    assert answer.status_code == 422
    error = answer.json["errors"][0]
    assert (error["pointer"], says in error["message"]) == (pointer, True), error
    assert world.rows(phrases) == []


def test_a_form_offers_what_fits_it_narrow_before_general_and_own_before_shared(world: World) -> None:
    keep(world, "paiqian2", "全区通用", share={"unit": "d1"})
    keep(world, "paiqian1", "到处可用")
    keep(world, "paiqian1", "派遣时用", **HERE)
    keep(world, "paiqian1", "本流程的意见", process=WORK_ORDER, field="opinion")
    keep(world, "paiqian1", "办理时用", process=WORK_ORDER, step="handle", field="result")
    keep(world, "paiqian2", "别人的")
    task = world.file().opened[0]

    found = offered(world, "paiqian1", task)
    world.complete("paiqian1", task, "派遣", {"main_unit": "d1-cgw"})

    assert found == [
        ("派遣时用", ["dispatch_note"]),
        ("本流程的意见", ["opinion"]),
        ("到处可用", ["opinion", "dispatch_note"]),
        ("全区通用", ["opinion", "dispatch_note"]),
    ]
    assert offered(world, "paiqian1", task) == [], "a task that is done takes no words"


def test_a_phrase_is_not_offered_where_it_is_too_long(world: World) -> None:
    drawing = Drawing("short").start().task("one", f'{by_role()} camunda:formKey="one"').end()
    form = "title: 一\nfields:\n  - {name: brief, phrases: true}\n  - {name: content, phrases: true}\n"
    data = "brief: {type: text, max: 10, label: 摘要}"
    world.publish(bundle_of("short", drawing.line("start", "one", "end"), data=data, forms={"one": form}))
    keep(world, "paiqian1", NOTE)
    keep(world, "paiqian1", NOTE + "又", process="short", field="brief")

    found = offered(world, "paiqian1", world.file(process="short").opened[0])

    assert found == [(NOTE, ["opinion", "content"])]


def test_numbers_of_people_are_covered_in_a_phrase(world: World) -> None:
    phrase = keep(world, "paiqian1", "请联系 13812345678 的来电人。")

    assert phrase["text"] == "请联系 138****5678 的来电人。"
    assert world.rows(phrases)[0]["text"] == phrase["text"]


def test_a_hundred_phrases_are_enough_for_a_person_and_for_a_unit(world: World) -> None:
    for i in range(100):
        keep(world, "paiqian1", f"第{i}句")
    own = world.post("paiqian1", "/phrases", {"text": NOTE})
    shared = keep(world, "paiqian1", NOTE, share={"unit": "d1"})

    moved = send(world, "PUT", "paiqian1", shared, {"text": NOTE}, 1)

    assert [(each.status_code, each.json["type"]) for each in (own, moved)] == [
        (409, "/problems/phrases-too-many")
    ] * 2


def test_the_phrases_of_a_form_are_one_statement_and_completing_asks_for_none(world: World) -> None:
    for i in range(3):
        keep(world, "paiqian1", f"第{i}句")
    task, actor = world.file().opened[0], world.actor("paiqian1")
    tasks.form_of(actor, task["id"])

    with statements(world.database, reading=True) as asked:
        tasks.form_of(actor, task["id"])
    with statements(world.database) as completing:
        world.complete("paiqian1", task, "派遣", {"main_unit": "d1-cgw"})

    assert [sum("FROM phrases" in each for each in sent) for sent in (asked, completing)] == [1, 0]
