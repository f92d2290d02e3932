"""What a run does with people's actions, and how it refuses."""

import logging

import pytest

from app.engine import fuse
from app.engine.errors import (
    EngineError,
    ExpressionFailed,
    FuseBlown,
    NoMatch,
    NoSuchOutcome,
    NoSuchStart,
    NotOpen,
    NotSettled,
    RunSpoiled,
    Stuck,
)
from app.engine.picture import Outcome
from app.engine.run import Run
from tests.engine.conftest import MONDAY, Bench, Case, version_of
from tests.engine.drawing import Drawing


def a_line(*names: str) -> Drawing:
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name)
    return drawing.line("start", *names, "end")


def a_loop() -> Drawing:
    """dispatch → sign → back or on to review."""
    return (
        Drawing()
        .start()
        .task("dispatch", status="待派遣")
        .task("sign", outcomes="签收, 退回!", status="待签收")
        .either("gate", default="on")
        .task("review", status="待审核")
        .end("done", status="已归档", closeReason="solved")
        .line("start", "dispatch", "sign", "gate")
        .flow("gate", "dispatch", 'outcome == "退回"', name="back", label="退回派遣")
        .flow("gate", "review", name="on")
        .line("review", "done")
    )


def test_a_case_walks_its_steps_and_ends():
    case = Case(a_line("accept", "handle"))
    assert case.steps == ["accept"]

    case.do("accept")
    assert case.steps == ["handle"]
    assert not case.picture.ended

    case.do("handle")
    assert case.picture.ended
    assert case.picture.end_element == "end"
    assert case.run.finished


def test_a_human_task_says_everything_the_diagram_says():
    drawing = (
        Drawing()
        .start(attributes='camunda:formKey="report"')
        .task(
            "visit",
            'camunda:formKey="visit" camunda:candidateGroups="role(worker)@street, unit(main_unit)" '
            'camunda:assignee="${handler}" camunda:priority="${80 if urgent else 20}"',
            status="走访中",
            clock="sign, resolve",
            outcomes="同意, 驳回!, 补正！",
            event="visited",
            returnTo="accept",
            notSameAs="accept",
        )
        .end()
        .line("start", "visit", "end")
        .lanes({"承办单位": ["visit"]})
    )
    case = Case(drawing, Bench(data={"handler": "u1", "urgent": True}))

    (task,) = case.picture.tasks

    assert (task.step, task.name, task.lane, task.form, task.round) == (
        "visit",
        "visit",
        "承办单位",
        "visit",
        1,
    )
    assert task.candidates == ("role(worker)@street", "unit(main_unit)")
    assert (task.assignee, task.priority) == ("u1", 80)
    assert task.outcomes == (Outcome("同意"), Outcome("驳回", True), Outcome("补正", True))
    assert (task.status, task.clock) == ("走访中", ("sign", "resolve"))
    assert task.extensions["returnTo"] == "accept"
    step = case.version.step("visit")
    assert (step.event, step.return_to, step.not_same_as) == ("visited", ("accept",), ("accept",))
    assert case.version.start_form == "report"
    assert (case.version.key, case.version.lanes) == ("demo", ("承办单位",))


def test_a_step_that_says_nothing_has_one_outcome_and_middling_priority():
    (task,) = Case(a_line("accept")).picture.tasks

    assert task.outcomes == (Outcome("完成"),)
    assert (task.priority, task.form, task.candidates, task.assignee) == (50, None, (), None)


def test_a_drawn_loop_counts_rounds_and_remembers_the_last_outcome():
    case = Case(a_loop())
    case.do("dispatch")

    case.do("sign", "退回")
    assert [(task.step, task.round) for task in case.picture.tasks] == [("dispatch", 2)]
    assert [(passed.element, passed.outcome, passed.branch) for passed in case.trace] == [
        ("sign", "退回", None),
        ("gate", None, "back"),
    ]
    assert case.trace[0].at == MONDAY

    case.do("dispatch")
    case.do("sign", "签收")
    assert case.run.rounds == {"dispatch": 2, "sign": 2, "review": 1}
    assert case.run.outcomes == {"dispatch": "完成", "sign": "签收"}


def test_the_status_follows_the_newest_step_of_the_main_line_and_the_end():
    case = Case(a_loop())
    assert case.picture.status == "待派遣"
    assert case.do("dispatch").status == "待签收"
    assert case.do("sign", "签收").status == "待审核"

    picture = case.do("review")

    assert (picture.status, picture.end_element) == ("已归档", "done")
    assert case.version.ends["done"].close_reason == "solved"


def test_a_side_branch_never_sets_the_status():
    drawing = (
        Drawing()
        .start()
        .task("handle", status="办理中")
        .timer("remind", "handle", "PT24H", interrupting=False)
        .task("urge", status="催办中")
        .end()
        .end("side_end")
        .line("start", "handle", "end")
        .line("remind", "urge", "side_end")
    )
    case = Case(drawing)
    assert case.fire("remind").status == "办理中"
    assert case.steps == ["handle", "urge"]

    picture = case.do("handle")
    assert (picture.status, picture.ended) == (None, False)

    picture = case.do("urge")
    assert (picture.ended, picture.end_element) == (True, "end")


def test_completing_twice_is_refused_the_second_time():
    case = Case(a_line("accept", "handle"))
    ref = case.picture.task("accept").ref
    case.do("accept")

    with pytest.raises(NotOpen) as refused:
        case.wake().complete(ref)

    assert refused.value.ref == ref
    assert refused.value.message == "该环节已不在待办中。"


@pytest.mark.parametrize("ref", ["", "zzz", "没有", "1", "-4"])
def test_a_ref_that_is_no_open_task_is_refused(ref: str):
    with pytest.raises(NotOpen):
        Case(a_line("accept")).wake().complete(ref)


def test_an_unknown_outcome_is_refused_and_the_known_ones_are_told():
    case = Case(a_loop())
    case.do("dispatch")

    with pytest.raises(NoSuchOutcome, match="签收、退回"):
        case.wake().complete(case.picture.task("sign").ref, "转办")
    with pytest.raises(NoSuchOutcome):
        case.wake().complete(case.picture.task("sign").ref)


def test_an_unknown_start_is_refused():
    with pytest.raises(NoSuchStart):
        Run.new(version_of(a_line("accept")), Bench(), "elsewhere")
    assert Run.new(version_of(a_line("accept")), Bench(), "start").settle().tasks


def test_a_spoiled_run_cannot_be_dumped():
    case = Case(a_line("accept"))
    run = case.wake()
    with pytest.raises(NotOpen):
        run.complete("zz")

    with pytest.raises(RunSpoiled):
        run.dump()
    with pytest.raises(RunSpoiled):
        run.settle()


def test_a_run_is_dumped_only_after_it_settled():
    case = Case(a_line("accept", "handle"))
    run = case.wake()
    run.complete(case.picture.task("accept").ref)

    with pytest.raises(NotSettled):
        run.dump()


def test_a_failing_condition_leaves_the_bytes_as_they_were():
    case = Case(a_loop())
    case.do("dispatch")
    before = case.state

    def broken(*_: object) -> str:
        raise KeyError(5)

    drawing = Drawing().start().task("a").either("g", default="on").end().line("start", "a", "g")
    drawing.flow("g", "a", 'due("sign") == "x"', name="back").flow("g", "end", name="on")
    case = Case(drawing, Bench(functions={"due": broken}))
    before = case.state
    run = case.wake()
    run.complete(case.picture.task("a").ref)
    with pytest.raises(ExpressionFailed):
        run.settle()

    assert case.state == before
    assert Run.load(before, case.version, case.env).settle() == case.picture
    with pytest.raises(RunSpoiled):
        run.dump()


def test_the_real_cause_reaches_the_incident():
    def broken(*_: object) -> str:
        raise KeyError("身份证号")

    drawing = Drawing().start().task("a").either("g", default="on").end().line("start", "a", "g")
    drawing.flow("g", "a", 'due("sign") == "x"', name="back").flow("g", "end", name="on")
    case = Case(drawing, Bench(functions={"due": broken}))
    run = case.wake()
    run.complete(case.picture.task("a").ref)

    with pytest.raises(ExpressionFailed) as failed:
        run.settle()

    assert isinstance(failed.value.__cause__.__context__, KeyError)
    assert failed.value.element == "back"
    assert "身份证号" not in failed.value.message


def test_a_type_clash_names_the_expression_and_types_never_values():
    drawing = Drawing().start().task("a").either("g", default="on").end().line("start", "a", "g")
    drawing.flow("g", "a", "amount > 5", name="back").flow("g", "end", name="on")
    case = Case(drawing, Bench(data={"amount": "十二万"}))
    run = case.wake()
    run.complete(case.picture.task("a").ref)

    with pytest.raises(ExpressionFailed) as failed:
        run.settle()

    assert failed.value.element == "back"
    assert "amount > 5" in failed.value.message
    assert "十二万" not in failed.value.message


def test_a_gateway_without_a_way_out_says_so():
    drawing = Drawing().start().task("a").either("g").end().line("start", "a", "g")
    drawing.flow("g", "a", "level == 1").flow("g", "end", "level == 2")
    case = Case(drawing, Bench(data={"level": 3}))
    run = case.wake()
    run.complete(case.picture.task("a").ref)

    with pytest.raises(NoMatch) as failed:
        run.settle()

    assert failed.value.element == "g"


def test_the_fuse_stops_a_spinning_diagram():
    drawing = Drawing().start().task("a").either("merge").either("gate", default="on").end()
    drawing.line("start", "a", "merge", "gate").flow("gate", "merge", "stuck", name="back")
    drawing.flow("gate", "end", name="on")
    case = Case(drawing, Bench(data={"stuck": True}))
    before = case.state
    run = case.wake()
    run.complete(case.picture.task("a").ref)

    with pytest.raises(FuseBlown) as blown:
        run.settle()

    assert blown.value.kind == "steps"
    assert blown.value.element in ("merge", "gate")
    assert case.state == before


@pytest.mark.parametrize(("steps", "kind"), [(500, "steps"), (5_000, "depth")])
def test_depth_is_stopped_at_900_and_by_the_steps_before_that(
    monkeypatch: pytest.MonkeyPatch, steps: int, kind: str
):
    monkeypatch.setattr(fuse, "MOST_STEPS", steps)
    drawing = Drawing().start().task("a").either("merge").either("gate", default="on").end()
    drawing.line("start", "a", "merge", "gate").flow("gate", "merge", "stuck", name="back")
    drawing.flow("gate", "end", name="on")
    case = Case(drawing, Bench(data={"stuck": True}))
    run = case.wake()
    run.complete(case.picture.task("a").ref)

    with pytest.raises(FuseBlown) as blown:
        run.settle()

    deepest = max(row.level for row in run._net.tasks.values())
    assert blown.value.kind == kind
    assert deepest <= (500 + 10 if kind == "steps" else 901 + 1)


def test_a_starved_join_is_an_error_not_a_silence():
    drawing = Drawing().start().either("g", default="on").task("a").both("join").end()
    drawing.flow("start", "g").flow("g", "join", "urgent", name="direct").flow("g", "a", name="on")
    drawing.line("a", "join", "end")
    case = Case(drawing, Bench(data={"urgent": None}))
    run = case.wake()
    run.complete(case.picture.task("a").ref)

    with pytest.raises(Stuck, match="join"):
        run.settle()


def test_cancel_leaves_nothing_armed():
    drawing = (
        Drawing().start().both("split").task("a").task("b").both("join").end().end("late")
        .timer("t", "a", "PT24H").timer("c", "b", "R/P1D", "timeCycle", interrupting=False)
        .line("start", "split", "a", "join", "end").line("split", "b", "join")
        .line("t", "late").line("c", "late")
    )  # fmt: skip
    case = Case(drawing)
    assert len(case.picture.waits) == 2

    case.wake().cancel()
    picture = case.keep()

    assert (picture.tasks, picture.waits, picture.active) == ((), (), ())
    assert picture.ended
    assert picture.end_element is None
    assert case.run.finished
    assert case.wake().settle() == picture
    assert len(case.run._net.tasks) == 1


def test_a_second_dispatch_replaces_the_units():
    case = Case(a_loop(), Bench(data={"units": ["城管委", "街道", "水务局"]}))
    case.do("dispatch")
    case.do("sign", "退回")

    case.env.write({"units": ["住建委"]})
    case.do("dispatch")

    assert case.env.data["units"] == ["住建委"]
    assert "住建委".encode() not in case.state
    assert "城管委".encode() not in case.state


def test_one_branch_cannot_touch_anothers_data():
    drawing = Drawing().start().both("split").task("a").task("b").both("join").end()
    drawing.line("start", "split", "a", "join", "end").line("split", "b", "join")
    case = Case(drawing)

    for row in case.wake()._net.tasks.values():
        with pytest.raises(TypeError):
            row.data["n"] = 99
        assert dict(row.data) == {}


def test_what_a_reminder_branch_writes_is_seen_by_the_main_branch():
    drawing = (
        Drawing().start().task("handle").either("gate", default="on").task("warned_end").end().end("side_end")
        .timer("remind", "handle", "PT24H", interrupting=False).task("note")
        .line("remind", "note", "side_end").line("start", "handle", "gate")
        .flow("gate", "warned_end", "warned == 1").flow("gate", "end", name="on").line("warned_end", "end")
    )  # fmt: skip
    case = Case(drawing, Bench(data={"warned": None}))
    case.fire("remind")
    case.env.write({"warned": 1})
    case.do("note")

    case.do("handle")

    assert case.steps == ["warned_end"]


def test_engine_logs_hold_no_case_data(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("spiff.task").setLevel(logging.DEBUG)
    try:
        case = Case(a_loop(), Bench(data={"reporter": "王某某"}))
        case.do("dispatch")
        case.do("sign", "退回")
    finally:
        logging.getLogger("spiff.task").setLevel(logging.NOTSET)

    assert not [record for record in caplog.records if record.name.startswith("spiff")]


def test_every_error_speaks_chinese_and_has_a_rule():
    classes = [EngineError, *_below(EngineError)]

    rules = [each.rule for each in classes]

    assert len(set(rules)) == len(rules)
    for each in classes:
        assert (each.__doc__ or "").strip().endswith("。")


def _below(kind: type[EngineError]) -> list[type[EngineError]]:
    found = []
    for each in kind.__subclasses__():
        found += [each, *_below(each)]
    return found
