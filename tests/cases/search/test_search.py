"""Searching: typed conditions find exactly what they name, in one's scope only; what is wrong is named with its place."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from app.cases import firing, schemas
from app.cases.models import cases
from app.cases.models import tasks as task_rows
from app.core import db
from tests import world as worlds
from tests.cases.test_shapes import misfits
from tests.categories.conftest import SMALL, load
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def search(world: World, who: str, what: str = "cases", **body: Any) -> Any:
    return world.post(who, f"/{what}/search", body)


def found(world: World, who: str = "paiqian1", **filter: Any) -> list[str]:
    """The titles of the cases that a filter finds."""
    answer = search(world, who, filter=filter)
    assert answer.status_code == 200, answer.json
    assert misfits(schemas.CasePage(), answer.json) == []
    page = answer.json["page"]
    assert (page["total"], page["totalExact"]) == (len(answer.json["items"]), True)
    return [case["title"] for case in answer.json["items"]]


@pytest.fixture
def several(world: World) -> World:
    """East: 路灯 (dispatched to 城管委, urgent) and 井盖 (from the city); west: 垃圾 (closed)."""
    now = world.now()
    lamp = world.file(title="路灯", answers={"content": "幸福里没有灯", "level": "紧急"}, priority=80)
    world.complete("paiqian1", lamp.opened[0], "派遣", {"main_unit": "d1-cgw"})
    world.file(
        by="city",
        title="井盖",
        answers={"content": "井盖松动", "level": "一般"},
        external_no="BJ-7",
        received_at=now - timedelta(days=3),
        place_unit="d1-s1-c1",
    )
    task = world.file(
        title="垃圾", answers={"content": "没有人清运", "level": "一般"}, place_unit="d1-s2-c1", priority=20
    ).opened[0]
    for by, outcome, answers in (
        ("paiqian1", "派遣", {"main_unit": "d1-zjw"}),
        ("zjw1", "签收", {}),
        ("zjw1", "报结", HANDLED),
        ("shenhe1", "通过", {}),
        ("paiqian1", "归档", {}),
    ):
        moved = world.complete(by, task, outcome, answers)
        task = moved.opened[0] if moved.opened else task
    return world


def test_every_condition_finds_what_it_names(several: World) -> None:
    now = several.now()
    yesterday, tomorrow = (now - timedelta(days=1)).isoformat(), (now + timedelta(days=1)).isoformat()
    everything = ["垃圾", "井盖", "路灯"]
    expected: list[tuple[Row, list[str]]] = [
        ({}, everything),
        ({"state": "closed"}, ["垃圾"]),
        ({"state": {"$in": ["active", "closed"]}}, everything),
        ({"process": worlds.WORK_ORDER}, everything),
        ({"process": "another"}, []),
        ({"status": "待签收"}, ["路灯"]),
        ({"status": {"$in": ["待签收", "待派遣"]}}, ["井盖", "路灯"]),
        ({"source": "city"}, ["井盖"]),
        ({"externalNo": "BJ-7"}, ["井盖"]),
        ({"externalNo": {"$like": "BJ*"}}, ["井盖"]),
        ({"externalNo": {"$exists": False}}, ["垃圾", "路灯"]),
        ({"number": {"$like": "12345-*"}}, everything),
        ({"priority": {"$gte": 50, "$lt": 81}}, ["井盖", "路灯"]),
        ({"priority": {"$in": [20, 80]}}, ["垃圾", "路灯"]),
        ({"round": 0}, everything),
        ({"receivedAt": {"$lt": yesterday}}, ["井盖"]),
        ({"receivedAt": {"$gte": yesterday, "$lt": tomorrow}}, ["垃圾", "路灯"]),
        ({"openedAt": {"$gte": tomorrow}}, []),
        ({"closedAt": {"$exists": True}}, ["垃圾"]),
        ({"closedAt": {"$exists": False}}, ["井盖", "路灯"]),
        ({"light": {"$exists": False}}, everything),
        ({"placeUnit": "d1-s1-c1"}, ["井盖"]),
        ({"place": "d1-s1"}, ["井盖", "路灯"]),
        ({"place": "d1-s2-c1"}, ["垃圾"]),
        ({"unit": "d1-cgw"}, ["路灯"]),
        ({"unit": "d1-zjw"}, ["垃圾"]),
        ({"facts": {"level": "紧急"}}, ["路灯"]),
        ({"facts": {"level": {"$in": ["紧急", "一般"]}, "main_unit": "d1-zjw"}}, ["垃圾"]),
        ({"facts": {"solved": True}}, ["垃圾"]),
        ({"facts": {"solved": {"$exists": False}}}, ["井盖", "路灯"]),
        ({"facts": {"main_unit": {"$like": "d1-*"}}}, ["垃圾", "路灯"]),
        ({"words": "幸福里"}, ["路灯"]),
        ({"words": "乙社区 灯"}, ["路灯"]),
        ({"words": "急"}, []),
        ({"words": "紧"}, ["路灯"]),
        ({"words": "路灯", "place": "d1-s2"}, []),
        ({"overdue": True}, []),
        ({"overdue": False}, everything),
    ]

    for filter, titles in expected:
        assert found(several, **filter) == titles, filter


def test_overdue_and_light_follow_the_clock(several: World) -> None:
    several.wait(hours=3)
    assert found(several, overdue=True) == ["路灯"]

    several.wait(days=40)
    firing.fire_due()

    assert set(found(several, light={"$in": ["yellow", "orange", "red"]})) == {"井盖", "路灯"}


def test_a_plain_day_is_all_of_it(several: World) -> None:
    day = (several.now() - timedelta(days=3) + timedelta(hours=8)).date()

    assert found(several, receivedAt=day.isoformat()) == ["井盖"]
    assert found(several, receivedAt=(day - timedelta(days=1)).isoformat()) == []


def test_nobody_finds_what_is_outside_his_scope(several: World) -> None:
    for who, titles in (
        ("ding1", ["垃圾"]),
        ("xijie1", ["垃圾"]),
        ("dongjie1", ["井盖", "路灯"]),
        ("cgw1", ["路灯"]),
        ("cgw2", ["路灯"]),
        ("zjw1", ["垃圾"]),
        ("guancha1", ["垃圾", "井盖", "路灯"]),
    ):
        assert found(several, who) == titles, who
        for filter in (
            {"words": "幸福里"},
            {"facts": {"level": "紧急"}},
            {"unit": "d1-cgw"},
            {"place": "d1-s1"},
        ):
            assert set(found(several, who, **filter)) <= set(titles), (who, filter)


def test_a_case_seen_for_several_reasons_is_found_and_counted_once(several: World) -> None:
    several.complete("cgw1", several.rows(task_rows, state="open", step="sign")[0], "签收")

    assert found(several, "cgw1", words="路灯") == ["路灯"]


@pytest.mark.parametrize(
    ("filter", "pointer", "words"),
    [
        ({"orgPath": "d1"}, "/filter/orgPath", "可以用 number、externalNo、process"),
        ({"a/b": 1}, "/filter/a~1b", "没有“a/b”这一项"),
        ({"state": "lost"}, "/filter/state", "只能是 active、suspended、closed"),
        ({"priority": "high"}, "/filter/priority", "应为整数"),
        ({"priority": 1.5}, "/filter/priority", "应为整数"),
        ({"priority": True}, "/filter/priority", "应为整数"),
        ({"priority": 2**40}, "/filter/priority", "应为整数"),
        ({"priority": {"$gt": 1}}, "/filter/priority/$gt", "没有“$gt”这种条件"),
        ({"status": {"$like": "待*"}}, "/filter/status/$like", "这里不能用 $like"),
        ({"status": {}}, "/filter/status", "没有条件"),
        ({"status": {"$in": []}}, "/filter/status/$in", "1 到 200 个值"),
        ({"status": {"$in": ["a", 1]}}, "/filter/status/$in/1", "应为文字"),
        ({"status": {"$exists": "yes"}}, "/filter/status/$exists", "true 或 false"),
        ({"number": {"$like": "*23"}}, "/filter/number/$like", "开头的文字"),
        ({"number": {"$like": "%_%"}}, "/filter/number/$like", "开头的文字"),
        ({"receivedAt": "yesterday"}, "/filter/receivedAt", "2026-03-02"),
        ({"receivedAt": "2026-03-02T09:00:00"}, "/filter/receivedAt", "带时区"),
        ({"receivedAt": {"$gte": "0001-01-01T00:00:00+00:00"}}, "/filter/receivedAt/$gte", "带时区"),
        ({"words": ""}, "/filter/words", "1 到 100 个字"),
        ({"words": "……"}, "/filter/words", "没有可以检索的"),
        ({"place": "nowhere"}, "/filter/place", "没有这个代码的单位"),
        ({"unit": ["d1"]}, "/filter/unit", "没有这个代码的单位"),
        ({"overdue": "yes"}, "/filter/overdue", "true 或 false"),
        ({"facts": ["level"]}, "/filter/facts", "应为一个对象"),
        ({"facts": {"result": "x"}}, "/filter/facts/result", "可以用 appeal、level、main_unit、solved"),
        ({"facts": {"level": 3}}, "/filter/facts/level", "应为文字"),
        ({"facts": {"solved": "是"}}, "/filter/facts/solved", "true 或 false"),
        ({"facts": {"level": {"$below": "01"}}}, "/filter/facts/level/$below", "没有“$below”"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(several: World, filter: Row, pointer: str, words: str) -> None:
    answer = search(several, "paiqian1", filter=filter)

    assert (answer.status_code, answer.json["type"]) == (422, "/problems/filter-refused")
    (error,) = answer.json["errors"]
    assert error["pointer"] == pointer
    assert words in error["message"]


def test_text_that_a_database_might_obey_finds_nothing_and_harms_nothing(several: World) -> None:
    for text in ("' or 1=1 --", "%", "_", "路灯' ; drop table cases", "\\", "$1", ":x"):
        assert found(several, status=text) == []
        assert found(several, facts={"level": text}) == []
        assert found(several, externalNo=text) == []
        answer = search(several, "paiqian1", filter={"words": text})
        assert answer.status_code in (200, 422)
    assert len(found(several)) == 3


def test_pages_in_every_order_hold_everything_once(several: World) -> None:
    for i in range(5):
        several.file(title=f"t{i}", priority=10 * i, received_at=several.now() - timedelta(hours=i % 3))

    for field in ("openedAt", "receivedAt", "priority"):
        for order in ("asc", "desc"):
            sort = [{"field": field, "order": order}]
            seen, after = [], None
            while True:
                answer = search(
                    several,
                    "paiqian1",
                    sort=sort,
                    page={"limit": 3, "after": after} if after else {"limit": 3},
                )
                assert answer.json["page"]["total"] == 8
                seen += answer.json["items"]
                after = answer.json["page"]["next"]
                if after is None:
                    break
            values = [(case[field], case["id"]) for case in seen]
            assert values == sorted(values, reverse=order == "desc"), (field, order)
            assert len({case["id"] for case in seen}) == 8


def test_a_cursor_belongs_to_its_question(several: World) -> None:
    after = search(several, "paiqian1", page={"limit": 1}).json["page"]["next"]

    assert search(several, "paiqian1", page={"limit": 1, "after": after}).status_code == 200
    for who, body in (
        ("guancha1", {}),
        ("paiqian1", {"filter": {"state": "active"}}),
        ("paiqian1", {"sort": [{"field": "priority"}]}),
    ):
        answer = search(several, who, page={"limit": 1, "after": after}, **body)
        assert answer.json["type"] == "/problems/cursor-invalid", body
    assert several.get("paiqian1", f"/cases?after={after}").status_code == 422


def test_sizes_and_orders_have_bounds(several: World) -> None:
    for body, pointer in (
        ({"page": {"limit": 10**9}}, "/page/limit"),
        ({"page": {"offset": 5}}, "/page/offset"),
        ({"sort": [{"field": "title"}]}, "/sort/0/field"),
        ({"sort": [{"field": "openedAt", "order": "up"}]}, "/sort/0/order"),
        ({"sort": [{"field": "openedAt"}, {"field": "priority"}]}, "/sort"),
        ({"query": {}}, "/query"),
    ):
        answer = search(several, "paiqian1", **body)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(("more", "total", "exact"), [(998, 999, True), (999, 999, False)])
def test_the_total_is_exact_to_999_and_says_so_beyond(
    world: World, more: int, total: int, exact: bool
) -> None:
    case = world.case(world.file().case["id"])
    rows = [{**case, "id": (key := worlds.new_id()), "root_id": key, "number": f"N{i}"} for i in range(more)]
    with db.transaction() as session:
        session.execute(insert(cases), rows)

    page = search(world, "paiqian1", page={"limit": 1}).json["page"]

    assert (page["total"], page["totalExact"]) == (total, exact)


# — tasks —


def found_tasks(world: World, who: str, **filter: Any) -> list[str]:
    answer = search(world, who, "tasks", filter=filter)
    assert answer.status_code == 200, answer.json
    assert misfits(schemas.TaskPage(), answer.json) == []
    return [f"{task['caseTitle']}.{task['step']}" for task in answer.json["items"]]


def test_tasks_are_found_by_their_own_conditions_and_by_those_of_their_case(several: World) -> None:
    soon = (several.now() + timedelta(hours=3)).isoformat()
    expected: list[tuple[str, Row, list[str]]] = [
        ("paiqian1", {"state": {"$in": ["open", "claimed"]}}, ["井盖.dispatch", "路灯.sign"]),
        ("paiqian1", {"mine": True}, ["井盖.dispatch"]),
        ("cgw1", {"mine": True}, ["路灯.sign"]),
        ("cgw1", {}, ["路灯.sign", "路灯.dispatch"]),
        ("paiqian1", {"doneBy": "me", "step": "archive"}, ["垃圾.archive"]),
        ("paiqian1", {"doneBy": "me", "case": {"state": "active"}}, ["路灯.dispatch"]),
        ("paiqian1", {"step": "dispatch", "case": {"words": "幸福里"}}, ["路灯.dispatch"]),
        ("paiqian1", {"outcome": "报结"}, ["垃圾.handle"]),
        ("paiqian1", {"case": {"facts": {"main_unit": "d1-cgw"}}, "state": "open"}, ["路灯.sign"]),
        ("paiqian1", {"overdue": True}, []),
        ("paiqian1", {"dueAt": {"$exists": True}, "state": "open"}, ["井盖.dispatch", "路灯.sign"]),
        ("paiqian1", {"dueAt": {"$lt": soon}, "state": "open"}, ["路灯.sign"]),
        ("ding1", {"state": "open"}, []),
    ]

    for who, filter, steps in expected:
        assert found_tasks(several, who, **filter) == steps, (who, filter)
    several.wait(hours=3)
    assert found_tasks(several, "paiqian1", overdue=True) == ["路灯.sign"]


def test_open_tasks_may_be_ordered_by_due_time(several: World) -> None:
    several.wait(hours=1)
    several.dispatched(title="后来")

    for order, steps in (("asc", ["路灯", "后来", "井盖"]), ("desc", ["井盖", "后来", "路灯"])):
        answer = search(several, "paiqian1", "tasks", sort=[{"field": "dueAt", "order": order}])
        assert [task["caseTitle"] for task in answer.json["items"]] == steps
        first = search(
            several, "paiqian1", "tasks", sort=[{"field": "dueAt", "order": order}], page={"limit": 1}
        )
        after = first.json["page"]["next"]
        rest = search(
            several,
            "paiqian1",
            "tasks",
            sort=[{"field": "dueAt", "order": order}],
            page={"limit": 2, "after": after},
        )
        assert [task["caseTitle"] for task in first.json["items"] + rest.json["items"]] == steps


def test_wrong_conditions_of_tasks_name_what_there_is(several: World) -> None:
    for filter, pointer, words in (
        ({"answers": {}}, "/filter/answers", "可以用 step、state"),
        ({"case": {"title": "x"}}, "/filter/case/title", "没有“title”这一项"),
        ({"case": "x"}, "/filter/case", "应为一个对象"),
    ):
        answer = search(several, "paiqian1", "tasks", filter=filter)
        (error,) = answer.json["errors"]
        assert (answer.status_code, error["pointer"]) == (422, pointer)
        assert words in error["message"]


# — facts of several processes —


def counting(key: str, kind: str) -> worlds.BundleFiles:
    drawing = Drawing(key).start().task("t", f'{by_role()} camunda:formKey="f"', outcomes="完成").end()
    drawing.line("start", "t", "end")
    return worlds.bundle_of(
        key,
        drawing,
        data=f"amount: {{type: {kind}, label: 数量{', max: 20' if kind == 'text' else ''}}}",
        facts="[amount]",
        forms={"f": "title: 填\nfields:\n  - {name: amount}\n"},
    )


def test_facts_are_compared_by_their_declared_type(database: db.Database) -> None:
    world = worlds.build(database, counting("whole", "int"), counting("days", "date"))
    for value in (3, 12, 100):
        world.complete(
            "paiqian1", world.file(process="whole", title=str(value)).opened[0], answers={"amount": value}
        )
    world.complete(
        "paiqian1", world.file(process="days", title="三月").opened[0], answers={"amount": "2026-03-05"}
    )

    def of(process: str, condition: Any) -> list[str]:
        return found(world, process=process, facts={"amount": condition})

    assert of("whole", {"$gte": 12}) == ["100", "12"]
    assert of("whole", {"$gte": 3, "$lt": 12.5}) == ["12", "3"]
    assert of("whole", 3) == ["3"]
    assert of("days", {"$gte": "2026-03-01", "$lt": "2026-04-01"}) == ["三月"]
    assert of("days", "2026-03-05") == ["三月"]
    assert of("days", {"$lt": "2026-03-05"}) == []
    answer = search(world, "paiqian1", filter={"facts": {"amount": 3}})
    assert answer.json["errors"][0]["code"] == "field-ambiguous"


def test_a_category_is_found_with_everything_under_it(database: db.Database) -> None:
    drawing = Drawing("sorted").start().task("t", f'{by_role()} camunda:formKey="f"', outcomes="完成").end()
    drawing.line("start", "t", "end")
    files = worlds.bundle_of(
        "sorted",
        drawing,
        data="category: {type: category, table: city_12345, label: 诉求分类}",
        facts="[category]",
        forms={"f": "title: 分类\nfields:\n  - {name: category}\n"},
    )
    world = worlds.build(database, files)
    load(SMALL)
    for code in ("010101", "010102", "0102", "10"):
        filed = world.file(process="sorted", title=code)
        world.complete("paiqian1", filed.opened[0], answers={"category": code})
    load(SMALL.replace('          - {code: "010102", name: 井盖缺损}\n', ""))  # no more chosen, still found

    def below(code: str) -> list[str]:
        return found(world, facts={"category": {"$below": code}})

    assert below("01") == ["0102", "010102", "010101"]
    assert below("0101") == ["010102", "010101"]
    assert below("10") == found(world, facts={"category": "10"}) == ["10"]
    assert below("99") == []
    answer = search(world, "paiqian1", filter={"facts": {"category": {"$below": 1}}})
    assert answer.json["errors"][0]["pointer"] == "/filter/facts/category"
