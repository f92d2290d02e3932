"""重复诉求 and hints: the same person's earlier order is pointed to, another matter is not; nobody is stopped."""

from typing import Any

import pytest

from app.cases.repeats import likeness
from app.core import db
from tests import world as worlds
from tests.cases.secret_process import PHONE
from tests.engine.drawing import Drawing
from tests.world import WORK_ORDER, Row, World, by_role

LAMP = {"title": "三号楼路灯不亮", "content": "三号楼前的路灯坏了三天，晚上看不清路，请尽快修好。"}
AGAIN = {"title": "路灯还是不亮", "content": "三号楼前的路灯坏了快一周，晚上看不清路，老人摔倒过，请修好。"}
NOISE = {"title": "夜间施工噪音", "content": "对面工地半夜一点还在打桩，吵得睡不着。"}
OTHER_PHONE = "10087654321"


@pytest.fixture
def world(database: db.Database) -> World:
    house = worlds.build(database, worlds.shipped(WORK_ORDER))
    with db.transaction() as session:
        worlds.categorise(session)
    return house


def filed(world: World, what: Row, phone: str = PHONE, **about: Any) -> Row:
    """The first task of an order."""
    answers = {"content": what["content"], "level": "一般", "caller_phone": phone}
    return world.file(title=what["title"], answers=answers, **about).opened[0]


def told(world: World, task: Row, code: str = "repeated-appeal") -> list[Row]:
    """What a form says of it."""
    form = world.get("paiqian1", f"/tasks/{task['id']}/form").json
    return [each for each in form["prompts"] if each["code"] == code]


@pytest.mark.requirement("SJS-022")
def test_a_second_order_of_the_same_caller_points_to_the_first_at_intake_and_dispatch(world: World) -> None:
    first = world.case(filed(world, LAMP)["case_id"])
    world.wait(days=5)
    second = filed(world, AGAIN)

    (prompt,) = told(world, second)
    dispatch = world.complete("paiqian1", second, "受理").opened[0]
    again = told(world, dispatch)
    moved = world.complete("paiqian1", dispatch, "派遣", {"main_unit": "d1-cgw", "category": "120201"})

    (earlier,) = prompt["cases"]
    assert (prompt["asks"], prompt["blocks"]) == (False, False)
    assert (earlier["id"], earlier["link"]) == (first["id"], f"/api/v1/cases/{first['id']}")
    assert f"反映过“三号楼路灯不亮”（{first['number']}，待区签收，相似 " in prompt["text"]
    assert [each["cases"] for each in again] == [prompt["cases"]]
    assert moved.opened[0]["step"] == "sign", "the user goes on"
    assert PHONE not in str(prompt)


@pytest.mark.requirement("SJS-022")
@pytest.mark.parametrize(
    ("what", "about", "days"),
    [
        (NOISE, {}, 5),
        (AGAIN, {"phone": OTHER_PHONE}, 5),
        (AGAIN, {"place_unit": "d1-s2-c1"}, 5),
        (AGAIN, {}, 31),
    ],
    ids=["another matter", "another caller", "another place", "long ago"],
)
def test_what_is_no_repetition_shows_no_prompt(world: World, what: Row, about: Row, days: int) -> None:
    filed(world, LAMP)
    world.wait(days=days)

    second = filed(world, what, **about)

    assert told(world, second) == []


@pytest.mark.requirement("SJS-022")
def test_before_filing_the_intake_desk_is_told_and_files_all_the_same(world: World) -> None:
    first = filed(world, LAMP)
    body = {"process": WORK_ORDER, "title": AGAIN["title"], "placeUnit": "d1-s1-c2"}
    answers = {"content": AGAIN["content"], "level": "一般", "caller_phone": f"+86 {PHONE[:3]}-{PHONE[3:]}"}

    asked = world.post("paiqian1", "/cases/repeats", {**body, "answers": answers})
    other = world.post(
        "paiqian1",
        "/cases/repeats",
        {**body, "answers": {**answers, **{"content": NOISE["content"]}}, "title": NOISE["title"]},
    )
    nobody = world.post("paiqian1", "/cases/repeats", {**body, "answers": {"content": AGAIN["content"]}})
    tried = world.post("paiqian1", "/cases?dryRun=true", {**body, "answers": answers})

    assert asked.status_code == 200, asked.json
    assert [each["id"] for each in asked.json["prompts"][0]["cases"]] == [first["case_id"]]
    assert tried.json["would"][0]["prompts"] == asked.json["prompts"]
    assert (other.json["prompts"], nobody.json["prompts"]) == ([], [])
    assert len(world.cases("paiqian1")) == 1, "nothing was filed"


@pytest.mark.requirement("SJS-022")
def test_once_it_is_linked_or_merged_nothing_more_is_said(world: World) -> None:
    first, second, third = filed(world, LAMP), filed(world, AGAIN), filed(world, AGAIN)
    before = [len(told(world, task)[0]["cases"]) for task in (second, third)]

    linked = world.post(
        "paiqian1",
        f"/cases/{second['case_id']}/links",
        {"to": first["case_id"], "kind": "duplicate_of"},
    )

    assert linked.status_code in (200, 201), linked.json
    assert before == [1, 2]
    assert told(world, second) == [] or first["case_id"] not in [
        each["id"] for each in told(world, second)[0]["cases"]
    ]


def test_a_prompt_points_only_to_what_its_reader_sees(world: World) -> None:
    filed(world, LAMP)
    second = filed(world, AGAIN)
    dispatched = world.complete(
        "paiqian1",
        world.complete("paiqian1", second, "受理").opened[0],
        "派遣",
        {"main_unit": "d1-cgw", "category": "120201"},
    )
    assert dispatched.opened[0]["step"] == "sign"

    answer = world.post(
        "ding1",
        "/cases/repeats",
        {
            "process": WORK_ORDER,
            "title": AGAIN["title"],
            "placeUnit": "d1-s2-c1",
            "answers": {"content": AGAIN["content"], "caller_phone": PHONE},
        },
    )

    assert answer.status_code == 200, answer.json
    assert answer.json["prompts"] == []


@pytest.mark.requirement("SJS-016")
def test_an_order_that_meets_a_rule_shows_the_prompt_in_its_detail_and_another_does_not(world: World) -> None:
    suit = {"title": "合同纠纷", "content": "和物业的合同纠纷已经向法院提起诉讼，要求街道处理。"}
    meets, other = filed(world, suit), filed(world, NOISE, OTHER_PHONE)

    shown = [
        [each["code"] for each in world.get("paiqian1", f"/cases/{task['case_id']}").json["prompts"]]
        for task in (meets, other)
    ]
    (prompt,) = world.get("paiqian1", f"/cases/{meets['case_id']}").json["prompts"]

    assert shown == [["exclusion"], []]
    assert "剔除" in prompt["text"]
    assert (prompt["asks"], prompt["blocks"], prompt["cases"]) == (False, False, [])


def test_a_hint_that_cannot_be_worked_out_says_nothing_and_stops_nobody(database: db.Database) -> None:
    drawing = Drawing("odd").start().task("one", by_role()).end().line("start", "one", "end")
    more = "prompts:\n  - {key: odd, when: 'count_of > 1', text: 多, steps: [one]}\n"
    world = worlds.build(
        database, worlds.bundle_of("odd", drawing, data="count_of: {type: int, label: 件数}", more=more)
    )

    filed = world.file(process="odd")
    form = world.get("paiqian1", f"/tasks/{filed.opened[0]['id']}/form")

    assert (form.status_code, form.json["prompts"]) == (200, [])


def test_a_few_words_are_no_repetition_of_every_text_they_stand_in() -> None:
    long = "三号楼门前的路灯已经三天不亮了，老人夜里出门容易摔倒，请尽快派人来修。"

    assert likeness("路灯不亮", "路灯不亮！") == 100
    assert likeness("路灯", long) < 20
    assert likeness("三号楼门前的路灯已经三天不亮了", long) == 100
