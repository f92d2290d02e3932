"""Cases played in memory: the same input gives the same bytes, and time passes without anybody waiting."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from app.engine.errors import SimulationRefused, WalkUnreadable
from app.engine.parser import parse
from app.engine.run import Run
from app.engine.sim_world import Clock, Limit, Moment
from app.engine.simulate import Answer, simulate
from app.engine.source import Source
from app.engine.version import Version
from app.engine.walk import At, Cancel, Claim, Complete, Deliver, Expect, Pass, Play, Return, Start, walk_of
from tests.engine.conftest import MONDAY, Case, version_of
from tests.engine.drawing import Drawing
from tests.engine.returning import block
from tests.engine.test_calls import calling, found_in, visit
from tests.engine.test_run import a_loop
from tests.engine.test_shape import dispatch_sign_return

CLOCK = Clock(MONDAY)
SIGN = Limit("PT2H", "task.opened(sign)", "task.claimed(sign)")
BUNDLES = Path(__file__).parents[2] / "bpmn"


def with_deadline(when: str = 'due("sign")') -> Version:
    """sign → handle → end; when the sign clock is due, sign is taken over by escalate."""
    drawing = Drawing().start().task("sign", clock="sign", status="待签收").task("handle", status="办理中")
    drawing.timer("late", "sign", f"${{{when}}}", "timeDate").task("escalate", status="已升级").end()
    drawing.timer("daily", "handle", "R/P1D", "timeCycle", interrupting=False).task("note").end("noted")
    drawing.line("start", "sign", "handle", "end").line("late", "escalate", "end")
    return version_of(drawing.line("daily", "note", "noted"))


def test_a_scripted_walk_tells_its_path_and_its_end():
    report = simulate(
        version_of(a_loop()),
        [
            Start({"title": "路灯不亮"}),
            Complete("dispatch", answers={"unit": "城管委"}),
            Expect(status="待签收", tasks=("sign",), ended=False, log=("dispatch",), data={"unit": "城管委"}),
            Pass("PT2H"),
            Complete("sign", "退回"),
            Complete("dispatch"),
            Complete("sign", "签收"),
            Complete("review"),
            Expect(
                status="已归档",
                tasks=(),
                ended=True,
                end="done",
                log=("dispatch", "sign", "dispatch", "sign", "review"),
            ),
        ],
        CLOCK,
    )

    assert report.good
    assert (report.ended, report.end_element, report.at) == (True, "done", MONDAY + timedelta(hours=2))
    assert [passed.element for passed in report.path if passed.element != "gate"] == [
        "start",
        *report.log,
        "done",
    ]
    assert [(turn.step, turn.round, turn.outcome) for turn in report.tasks][2:4] == [
        ("dispatch", 2, "完成"),
        ("sign", 2, "签收"),
    ]
    assert report.tasks[1].left == MONDAY + timedelta(hours=2)
    assert {"gate", "back", "on"} <= report.covered
    assert report.data == {"title": "路灯不亮", "unit": "城管委"}


def test_the_simulated_case_is_a_real_one():
    report = simulate(version_of(block()), [Complete("accept"), Complete("a1")], CLOCK)

    real = Case(block())
    real.do("accept")
    real.do("a1")

    assert report.state == real.state
    assert Run.load(report.state, real.version, real.env).settle() == real.picture


def test_equal_input_gives_equal_bytes():
    answers = {
        "sign": Answer(takes="PT30H"),
        "handle": Answer(takes="P3DT1H", data={"n": 1}),
        "*": Answer(takes="PT1H"),
    }
    clock = Clock(MONDAY, {"sign": Limit("PT48H", "task.opened(sign)")})
    reports = [simulate(with_deadline(), [Play()], clock, answers) for _ in range(2)]

    assert reports[0].line() == reports[1].line()
    assert reports[0].state == reports[1].state
    assert reports[0].good
    assert reports[0].ended
    told = orjson.loads(reports[0].line())
    assert told["log"] == ["sign", "note", "note", "handle", "note"]
    assert reports[0].line().count(b"\n") == 1


def test_timers_fire_by_virtual_time_and_every_one_that_falls_due_on_the_way():
    report = simulate(
        with_deadline(), [Complete("sign"), Pass("P3DT1H"), Expect(tasks=("handle",) + ("note",) * 3)], CLOCK
    )

    assert report.good
    (daily,) = [stay for stay in report.waits if stay.element == "daily"]
    assert (daily.fired, daily.due_at) == (3, MONDAY + timedelta(days=4))
    assert [turn.opened for turn in report.tasks if turn.step == "note"] == [
        MONDAY + timedelta(days=n) for n in (1, 2, 3)
    ]
    assert report.at == MONDAY + timedelta(days=3, hours=1)


def test_a_timer_bound_to_a_clock_asks_that_clock():
    clock = Clock(MONDAY, {"sign": SIGN})

    report = simulate(with_deadline(), [Pass("PT1H59M"), Expect(tasks=("sign",)), Pass("PT1M")], clock)

    assert report.good
    assert report.status == "已升级"
    (late,) = report.breaches
    assert (late.element, late.due_at, late.left) == ("late", MONDAY + timedelta(hours=2), report.at)
    assert [(turn.step, turn.how) for turn in report.tasks] == [("sign", "ended"), ("escalate", None)]


def test_a_claim_stops_the_clock_that_says_so():
    clock = Clock(MONDAY, {"sign": SIGN})

    report = simulate(
        with_deadline(), [Pass("PT1H"), Claim("sign"), Pass("P9D"), Expect(tasks=("sign",))], clock
    )

    assert report.good
    assert report.breaches == ()


def test_a_clock_nobody_set_is_never_due():
    report = simulate(with_deadline(), [Pass("P9Y"), Expect(tasks=("sign",))], CLOCK)
    assert report.good
    assert report.breaches == ()


def test_the_caller_may_know_clocks_better():
    def functions(moment: Moment) -> dict[str, Any]:
        asked.append(moment)
        return {
            "tier": lambda clock, tier: (
                moment.events["task.opened(sign)"][1] + timedelta(hours=5)
            ).isoformat()
        }

    asked: list[Moment] = []
    clock = Clock(MONDAY, functions=functions)
    report = simulate(with_deadline('tier("sign", "m6")'), [Pass("PT6H"), Expect(tasks=("escalate",))], clock)

    assert report.good
    assert asked[-1].events["case.received"] == (1, MONDAY)
    assert report.at == MONDAY + timedelta(hours=6)


def test_expressions_hear_the_virtual_clock():
    drawing = Drawing().start().task("a").task("b").end().line("start", "a", "b", "end")
    drawing.timer("t", "b", "${workdays(1)}", "timeDate").line("t", "end")
    friday = datetime(2026, 3, 6, 1, 0, tzinfo=UTC)

    report = simulate(version_of(drawing), [At(friday), Complete("a")], CLOCK)

    assert report.waits[0].due_at == friday + timedelta(days=3)


def test_play_takes_answers_in_the_order_of_their_instants():
    answers = {
        "accept": Answer(),
        "a1": Answer(takes="PT5H"),
        "a2": Answer(takes="PT1H"),
        "b1": Answer(takes="PT3H"),
        "b2": Answer(takes="PT1H"),
        "review": Answer(takes="PT1H"),
    }
    report = simulate(version_of(block()), [Play(), Expect(ended=True)], CLOCK, answers)

    assert report.log == ("accept", "b1", "b2", "a1", "a2", "review")
    assert report.at == MONDAY + timedelta(hours=7)


def test_listed_answers_are_used_once_each_and_then_the_step_stays_open():
    answers = {"dispatch": Answer(), "sign": [Answer("退回"), Answer("退回")]}

    report = simulate(
        version_of(dispatch_sign_return()), [Play("PT1H"), Expect(tasks=("sign",))], CLOCK, answers
    )

    assert report.good
    assert report.log == ("dispatch", "sign", "dispatch", "sign", "dispatch")


def test_a_case_that_never_ends_is_stopped():
    answers = {"dispatch": Answer(), "sign": Answer("退回")}
    report = simulate(version_of(dispatch_sign_return()), [Play(most=50)], CLOCK, answers)

    assert report.error is not None
    assert "超过 50 步" in report.error.zh
    assert report.state


def test_returns_are_played_too():
    answers = {
        "review": [Answer(back="a1", scope="block"), Answer(back="b2"), Answer()],
        "*": Answer(),
    }
    report = simulate(version_of(block()), [Play(), Expect(ended=True)], CLOCK, answers)

    assert report.good
    assert report.log == ("accept", "a1", "b1", "a2", "b2", "a1", "b1", "a2", "b2", "b2", "review")
    assert [turn.how for turn in report.tasks if turn.step == "review"] == ["returned", "returned", "done"]

    report = simulate(
        version_of(block()),
        [
            Complete("accept"),
            Complete("a1"),
            Return("accept", "a2"),
            Expect(tasks=("accept",)),
            Return("a2", "accept"),
        ],
        CLOCK,
    )
    assert report.mismatches == ()
    assert report.error is not None
    assert (report.error.place, report.error.rule) == (5, "return-impossible")
    assert report.error.zh.startswith("环节“a2”(a2)还没有办过")


def test_what_is_expected_and_not_so_is_told_in_chinese():
    report = simulate(
        version_of(block()),
        [Complete("accept"), Expect(status="x", tasks=("a1",), ended=True, end="end", log=(), data={"n": 1})],
        CLOCK,
    )

    assert report.error is None
    assert [(each.place, each.zh) for each in report.mismatches] == [
        (2, "状态应为x，实际为无。"),
        (2, "待办应为a1，实际为a1、b1。"),
        (2, "办结应为是，实际为否。"),
        (2, "结束于应为end，实际为无。"),
        (2, "办过的环节应为无，实际为accept。"),
        (2, "数据 n应为1，实际为无。"),
    ]


@pytest.mark.parametrize(
    ("moves", "why", "place"),
    [
        ([Complete("review")], "待办中没有环节 review，现在的待办：accept", 1),
        ([Complete("accept", "转办")], "没有这个办理结果", 1),
        ([Complete("accept"), At(MONDAY - timedelta(days=1))], "时间不能倒退", 2),
        ([Pass("三天")], "三天", 1),
        ([Start(), Start()], "已经开始", 2),
        ([Start(start="elsewhere")], "启动事件", 0),
        ([Cancel(), Expect(ended=True), Complete("accept")], "现在的待办：无", 3),
    ],
)
def test_a_walk_that_cannot_go_on_says_where_and_why(moves: list[Any], why: str, place: int):
    report = simulate(version_of(block()), moves, CLOCK)

    assert report.error is not None
    assert why in report.error.zh
    assert report.error.place == place


def test_a_diagram_that_fails_leaves_the_case_as_it_was():
    drawing = Drawing().start().task("a").either("g").end().line("start", "a", "g")
    drawing.flow("g", "a", "level == 1").flow("g", "end", "level == 2")

    report = simulate(version_of(drawing), [Complete("a", answers={"level": 3})], CLOCK)

    assert report.error is not None
    assert (report.error.rule, report.error.element) == ("no-match", "g")
    assert Run.load(report.state, version_of(drawing), Case(drawing).env).settle().tasks[0].step == "a"


def test_pauses_sub_processes_and_what_is_thrown_are_played():
    inner = Drawing().start("begin").task("first").throw("shout", "escalation", "hey").end("done")
    inner.line("begin", "first", "shout", "done")
    drawing = (
        Drawing().declare("escalation", "hey").start().catch("pause", "timer", "PT3H").inside("part", inner)
    )
    drawing.task("review").end().line("start", "pause", "part", "review", "end")

    report = simulate(
        version_of(drawing), [Play(), Expect(ended=True, log=("first", "review"))], CLOCK, {"*": Answer()}
    )

    assert report.good
    assert report.at == MONDAY + timedelta(hours=3)
    assert [(each.kind, each.name) for each in report.thrown] == [("escalation", "hey")]
    assert [(stay.element, stay.fired) for stay in report.breaches] == [("pause", 1)]


def test_called_processes_are_played():
    find = found_in({"order@1": (calling("visit"), {"visit": "visit@1"}), "visit@1": (visit(), {})})

    report = simulate(find("order@1"), [Play(), Expect(ended=True)], CLOCK, {"*": Answer(takes="PT1H")})

    assert report.good
    assert report.log == ("before", "go", "report", "after")


def test_a_message_reaches_what_waits_for_it():
    drawing = Drawing().declare("message", "news").start().catch("letter", "message", "news").task("a").end()
    version = version_of(drawing.line("start", "letter", "a", "end"))

    report = simulate(
        version, [Deliver("news", {"solved": "是"}), Expect(tasks=("a",), data={"solved": "是"})], CLOCK
    )
    assert report.good
    assert [(stay.kind, stay.fired) for stay in report.waits] == [("message", 1)]

    report = simulate(version, [Deliver("olds")], CLOCK)
    assert report.error is not None
    assert "没有在等 olds" in report.error.zh


def test_a_start_without_offset_is_refused():
    with pytest.raises(SimulationRefused, match="时区"):
        simulate(version_of(block()), [], Clock(datetime(2026, 3, 2, 9)))


def scenarios() -> list[Path]:
    return sorted(BUNDLES.glob("*/scenarios/*.yaml"))


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_shipped_scenario_plays(path: Path):
    """What cases do beside the diagram (verbs, partners, what a table's limit says) is not the engine's to play: such
    a scenario is read, and played as far as it goes; the others hold to the end.
    """
    folder = path.parent.parent
    tables = {each.name: each.read_bytes() for each in folder.glob("decisions/*.dmn")}
    diagram = (folder / "process.bpmn").read_bytes()
    version = parse(Source("d" * 64, folder.name, diagram, decisions=tables, no_match="null"))
    walk = walk_of(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    limits = yaml.load((folder / "sla.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["clocks"]
    known = {
        name: Limit(said["limit"], said["start"], said["stop"])
        for name, said in limits.items()
        if str(said["limit"]).startswith("P")
    }
    stubs = {
        each.handler: lambda _, outputs=each.outputs: dict.fromkeys(result for result, _ in outputs)
        for each in version.services.values()
    }

    report = simulate(version, walk, Clock(walk.at or MONDAY, known), handlers=stubs)

    assert report.state
    whole = all(each.partition(". ")[2].startswith("expect") for each in walk.skipped)
    if whole and len(known) == len(limits) and not version.services:
        assert report.error is None, report.error
        assert [each for each in report.mismatches if not each.zh.startswith("数据")] == []


def test_what_is_not_the_engines_is_skipped_and_listed():
    walk = walk_of(
        {
            "at": "2026-03-02T09:00+08:00",
            "steps": [
                {"start": {"by": "city", "form": {"title": "t"}}},
                {"note": "…"},
                {"claim": {"step": "a"}},
                {"complete": {"step": "a", "as": "x", "outcome": "好", "answers": {"n": 1}}},
                {"refused": {"verb": "claim"}},
                {"expect": {"tasks": ["a@街道"], "clocks": {}, "ended": False, "log": ["a"]}},
                {"do": {"verb": "return", "step": "b", "to": "a"}},
                {"do": {"verb": "urge"}},
                {"message": {"name": "city.callback", "key": "$externalNo", "payload": {"solved": "是"}}},
                {"at": "2026-03-03T09:00+08:00"},
            ],
        }
    )

    assert walk.at == MONDAY
    assert walk.moves == (
        Start({"title": "t"}),
        Claim("a"),
        Complete("a", "好", {"n": 1}),
        Expect(tasks=("a",), ended=False, log=("a",)),
        Return("a", "b"),
        Deliver("city.callback", {"solved": "是"}),
        At(MONDAY + timedelta(days=1)),
    )
    assert walk.skipped == ("5. refused", "6. expect clocks", "8. do")
    assert simulate(version_of(block()), walk, CLOCK).skipped == walk.skipped


@pytest.mark.parametrize(
    "scenario",
    [
        {},
        {"steps": "x"},
        {"steps": [7]},
        {"steps": [{"complete": {}}]},
        {"steps": [{"at": "2026-03-02T09:00"}]},
        {"steps": [{"pass": "PT1H", "note": ""}]},
        {"steps": [{"expect": 3}]},
    ],
)
def test_a_scenario_that_is_not_one_is_refused(scenario: dict[str, Any]):
    with pytest.raises(WalkUnreadable):
        walk_of(scenario)
