"""Simulations of what several people, several instances and other processes do: the same Run, nothing written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.engine.sim_world import Clock
from app.engine.simulate import Answer, simulate
from app.engine.version import Version
from app.engine.walk import Complete, Deliver, Expect, Pass, Play, Return, Start, walk_of
from tests.engine.conftest import MONDAY, Bench, Case, version_of
from tests.engine.drawing import Drawing, marker
from tests.engine.test_calls import calling, found_in, visit
from tests.engine.test_migrate_inside import for_each, signing_of

CLOCK = Clock(MONDAY)
UNITS = Start({"units": ["甲", "乙", "丙"]})
DAY = timedelta(days=1)


def signed(vote: str = "ratio:0.6", sequential: bool = False) -> Version:
    return version_of(signing_of(vote, sequential=sequential))


@pytest.mark.parametrize("sequential", [False, True])
def test_signers_are_played_by_name_and_the_vote_is_counted(sequential: bool):
    walk = [
        UNITS,
        Complete("dispatch"),
        Complete("sign", "同意", item="甲"),
        Complete("sign", "同意", item="乙"),
        Expect(tasks=("archive",), log=("dispatch", "sign", "sign")),
        Complete("archive"),
        Expect(ended=True),
    ]

    report = simulate(signed(sequential=sequential), walk, CLOCK)

    assert (report.good, report.error) == (True, None)
    turns = [(turn.item, turn.how, turn.outcome) for turn in report.tasks if turn.step == "sign"]
    never_asked = [] if sequential else [("丙", "ended", None)]  # two of three decide
    assert turns == [("甲", "done", "同意"), ("乙", "done", "同意"), *never_asked]
    votes = [(p.index, p.outcome) for p in report.path if p.element == "sign"]
    assert votes == [(0, "同意"), (1, "同意"), (None, "passed")]


def test_a_deadline_ends_the_signing_in_virtual_time():
    report = simulate(
        signed(), [UNITS, Complete("dispatch"), Complete("sign", "同意", item="丙"), Pass("P3D")], CLOCK
    )

    assert (report.ended, report.at) == (True, MONDAY + 3 * DAY)
    assert [(stay.element, stay.fired) for stay in report.breaches] == [("late", 1)]
    assert {turn.item: turn.how for turn in report.tasks if turn.step == "sign"} == {
        "甲": "ended",
        "乙": "ended",
        "丙": "done",
    }


def test_answers_are_given_by_each_signer_in_the_order_they_were_asked():
    answers = {"sign": [Answer("不同意"), Answer("同意"), Answer("同意")], "*": Answer()}

    report = simulate(signed("veto:1:不同意"), [UNITS, Play(), Expect(ended=True)], CLOCK, answers)

    assert report.good
    assert [(turn.item, turn.outcome) for turn in report.tasks if turn.how == "done"] == [
        (None, "完成"),
        ("甲", "不同意"),
        (None, "完成"),
    ]


def test_a_signer_sends_it_back_and_all_are_asked_anew():
    walk = [
        UNITS,
        Complete("dispatch"),
        Complete("sign", "同意", item="乙"),
        Return("dispatch", "sign"),
        Expect(tasks=("dispatch",)),
        Complete("dispatch"),
        Expect(tasks=("sign", "sign", "sign")),
    ]

    report = simulate(signed("all"), walk, CLOCK)

    assert report.good
    rounds = [(turn.item, turn.round, turn.how) for turn in report.tasks if turn.step == "sign"]
    assert rounds == [
        *[("甲", 1, "returned"), ("乙", 1, "done"), ("丙", 1, "returned")],
        *[("甲", 2, None), ("乙", 2, None), ("丙", 2, None)],
    ]


@pytest.mark.parametrize("sequential", [False, True])
def test_instances_are_played_with_their_reminders(sequential: bool):
    version = version_of(for_each("sign", "handle", sequential=sequential))

    report = simulate(
        version,
        [UNITS, Play(), Expect(ended=True)],
        CLOCK,
        {"*": Answer("好", takes="P2D"), "close": Answer()},
    )

    assert report.good
    assert report.at == MONDAY + (12 if sequential else 4) * DAY
    assert [(stay.element, stay.fired) for stay in report.breaches] == [("remind", 1)] * 3
    done = [(turn.item, turn.step) for turn in report.tasks if turn.how == "done"]
    assert sorted(done[:-1], key=lambda each: "甲乙丙".index(str(each[0]))) == [
        (item, step) for item in "甲乙丙" for step in ("sign", "handle")
    ]


def test_a_process_called_for_each_is_played():
    order = Drawing().start().node("callActivity", "each", 'calledElement="visit"', marker(item="unit"))
    order.task("after").end().line("start", "each", "after", "end")
    find = found_in({"order": (order, {"visit": "visit"}), "visit": (visit(), {})})
    answers = {"report": [Answer("再来"), Answer("好"), Answer("好"), Answer("好")], "*": Answer()}

    report = simulate(find("order"), [UNITS, Play(), Expect(ended=True)], CLOCK, answers)

    assert report.good
    assert [turn.step for turn in report.tasks].count("go") == 4
    assert report.log[-1] == "after"


def test_an_open_call_keeps_the_version_that_its_own_caller_pins():
    other = Drawing("visit").start().task("walk").end().line("start", "walk", "end")
    library = {
        "order@1": (calling("visit"), {"visit": "visit@1"}),
        "order@2": (calling("visit"), {"visit": "visit@2"}),
        "visit@1": (visit(), {}),
        "visit@2": (other, {}),
    }
    find = found_in(library)
    walk = [Complete("before"), Play(longest="PT1H")]

    old, new = (simulate(find(f"order@{number}"), walk, CLOCK) for number in (1, 2))

    assert ([turn.step for turn in old.tasks], [turn.step for turn in new.tasks]) == (
        ["before", "go"],
        ["before", "walk"],
    )


def test_jobs_run_by_themselves_and_outside_work_when_it_is_delivered():
    drawing = Drawing().start().service("later", attributes='camunda:asyncBefore="true"').task("a").end()
    drawing.service("print", "", attributes='camunda:type="external" camunda:topic="print"')
    version = version_of(drawing.line("start", "later", "print", "a", "end"))
    called: list[dict[str, object]] = []

    def send(params: object) -> dict[str, object]:
        called.append({})
        return {"ticket": "T1"}

    report = simulate(
        version,
        [Play(longest="PT1M"), Deliver("print"), Complete("a"), Expect(ended=True)],
        CLOCK,
        handlers={"notices.send": send},
    )

    assert (report.good, report.error, len(called)) == (True, None, 1)
    assert [(stay.kind, stay.fired) for stay in report.waits] == [("job", 1), ("external", 1)]


@pytest.mark.parametrize("sequential", [False, True])
def test_equal_signing_gives_equal_bytes_and_the_case_goes_on_from_them(sequential: bool):
    walk = [UNITS, Complete("dispatch"), Complete("sign", "不同意")]
    reports = [simulate(signed("all", sequential), walk, CLOCK) for _ in range(2)]
    assert reports[0].line() == reports[1].line()
    assert reports[0].state == reports[1].state

    version = signed("veto:2:不同意", sequential)
    report = simulate(version, walk, CLOCK)
    case = Case(Drawing(), Bench(data={"units": ["别人"]}), version)
    case.state = report.state
    case.wake()
    case.keep()

    case.wake().complete(case.picture.tasks[0].ref, "不同意")
    assert case.keep().tasks[0].step == "archive"
    assert case.run.outcomes["sign"] == "rejected"


def test_a_scenario_names_whose_signature_it_is():
    scenario = {
        "steps": [
            {"start": {"form": {"units": ["甲", "乙"]}}},
            {"complete": {"step": "dispatch"}},
            {"complete": {"step": "sign", "item": "乙", "outcome": "同意"}},
            {"expect": {"tasks": ["sign"]}},
            {"complete": {"step": "sign", "item": "丙", "outcome": "同意"}},
        ]
    }

    report = simulate(signed("all"), walk_of(scenario), CLOCK)

    assert report.error is not None
    assert (report.error.place, report.mismatches) == (5, ())
    assert "待办中没有环节 sign" in report.error.zh
    assert replace(report, error=None).good
