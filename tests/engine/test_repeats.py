"""Sub-processes done once for each item of a list: scopes side by side, or one after the other."""

from typing import Any

import pytest

from app.engine.check import check
from app.engine.errors import FuseBlown, ListRefused, NotOpen, StateUnreadable
from app.engine.picture import HumanTask, Picture
from app.engine.run import Run
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing, marker
from tests.engine.good_bundle import NAMES, source
from tests.engine.test_state import edited


def each_unit(inner: Drawing | None = None, **many: Any) -> Drawing:
    """For each unit: sign, then handle; then one close."""
    many.setdefault("item", "unit")
    drawing = (
        Drawing().start().inside("part", inner or signing(), marker(**many)).task("close", status="待归档")
    )
    return drawing.end().line("start", "part", "close", "end")


def signing() -> Drawing:
    """start → sign → back or on to handle → end."""
    drawing = (
        Drawing().start("s").task("sign", outcomes="签收, 退回!", status="待签收").either("g", default="g_on")
    )
    drawing.task("handle", 'camunda:assignee="${unit}"', status="办理中").end("e").line("s", "sign", "g")
    return (
        drawing.flow("g", "sign", 'outcome("sign") == "退回"')
        .flow("g", "handle", name="g_on")
        .line("handle", "e")
    )


class Parts(Case):
    """A case whose tasks are told by step and item."""

    def act(self, step: str, item: Any, outcome: str | None = None) -> Picture:
        """Completes the task of this step for this item."""
        self.wake().complete(self.of(step, item).ref, outcome)
        return self.keep()

    def of(self, step: str, item: Any) -> HumanTask:
        """The open task of this step for this item."""
        (task,) = (task for task in self.picture.tasks if (task.step, task.item) == (step, item))
        return task

    @property
    def open(self) -> list[tuple[str, Any]]:
        """Step and item of every open task."""
        return [(task.step, task.item) for task in self.picture.tasks]


def units(*names: Any) -> Bench:
    return Bench(data={"units": list(names)})


def test_every_item_gets_a_scope_of_its_own():
    case = Parts(each_unit(), units("甲", "乙"))
    assert case.open == [("sign", "甲"), ("sign", "乙")]
    assert [task.index for task in case.picture.tasks] == [0, 1]
    assert case.picture.active == ("part", "sign")
    assert len({task.whole for task in case.picture.tasks} - {None}) == 1

    case.act("sign", "乙", "签收")
    assert case.open == [("sign", "甲"), ("handle", "乙")]
    assert case.of("handle", "乙").assignee == "乙"
    case.act("handle", "乙")
    assert case.open == [("sign", "甲")]
    case.act("sign", "甲", "签收")
    case.act("handle", "甲")

    assert case.steps == ["close"]
    assert [(p.element, p.index) for p in case.trace] == [
        ("handle", None),
        ("e", None),
        ("part", 0),
        ("part", None),
    ]
    assert len(case.run._net.tasks) == 2
    assert case.do("close").ended
    assert case.run.finished


def test_what_one_instance_decided_is_not_the_others_affair():
    case = Parts(each_unit(), units("甲", "乙"))

    case.act("sign", "甲", "退回")
    assert case.of("sign", "甲").round == 2
    assert case.of("sign", "乙").round == 1
    case.act("sign", "乙", "签收")
    case.act("sign", "甲", "签收")

    assert case.open == [("handle", "乙"), ("handle", "甲")]
    assert sorted(case.wake().outcomes.values()) == ["签收", "签收"]
    assert all(key.startswith("part#") for key in case.run.outcomes)


def test_one_after_the_other():
    case = Parts(each_unit(sequential=True), units("甲", "乙", "丙"))
    seen = []

    while "close" not in case.steps:
        seen.append(case.open)
        case.do(case.steps[0], "签收" if case.steps[0] == "sign" else None)

    assert seen == [[(step, unit)] for unit in "甲乙丙" for step in ("sign", "handle")]


@pytest.mark.parametrize("sequential", [False, True])
def test_nothing_to_do_passes_at_once(sequential: bool):
    assert Parts(each_unit(sequential=sequential), Bench(data={"units": None})).steps == ["close"]


def test_a_number_instead_of_a_list():
    case = Parts(each_unit(Drawing().start("s").task("a").end("e").line("s", "a", "e"), count="2"), Bench())

    assert [(task.item, task.index) for task in case.picture.tasks] == [(None, 0), (None, 1)]


def test_a_condition_ends_the_rest_with_everything_inside():
    inner = Drawing().start("s").task("a").end("e").end("late").timer("t", "a", "PT24H").line("s", "a", "e")
    case = Parts(each_unit(inner.line("t", "late"), until="done * 2 >= total"), units("甲", "乙", "丙"))
    assert len(case.picture.waits) == 3

    case.act("a", "丙")
    assert case.open == [("a", "甲"), ("a", "乙")]
    case.act("a", "甲")

    assert case.steps == ["close"]
    assert case.picture.waits == ()
    assert len(case.run._net.tasks) == 2


def test_an_event_on_the_edge_ends_all_instances():
    drawing = each_unit().timer("late", "part", "P3D").line("late", "close")
    case = Parts(drawing, units("甲", "乙"))
    case.act("sign", "甲", "签收")

    case.fire("late")

    assert case.steps == ["close"]
    assert len(case.run._net.tasks) == 2


def test_an_error_in_one_instance_ends_all_of_them():
    inner = Drawing().start("s").task("a", outcomes="好, 坏").either("g", default="g_on").end("e")
    inner.declare("error", "broken").over("x", "error", "broken").line("s", "a", "g").flow(
        "g", "e", name="g_on"
    )
    inner.flow("g", "x", 'outcome == "坏"')
    drawing = (
        each_unit(inner)
        .edge("caught", "part", "error", "broken")
        .task("repair")
        .line("caught", "repair", "end")
    )
    case = Parts(drawing, units("甲", "乙"))

    case.act("a", "乙", "坏")

    assert case.steps == ["repair"]


def test_joins_count_inside_their_own_instance():
    inner = Drawing().start("s").both("split").both("join").task("a").task("b").task("c").end("e")
    inner.line("s", "split", "a", "join", "c", "e").line("split", "b", "join")
    case = Parts(each_unit(inner), units("甲", "乙"))

    case.act("a", "甲")
    case.act("b", "乙")
    assert case.open == [("b", "甲"), ("a", "乙")]
    case.act("b", "甲")

    assert case.open == [("a", "乙"), ("c", "甲")]


def test_a_second_turn_goes_on_counting_and_starts_with_the_new_list():
    drawing = Drawing().start().either("in").inside("part", signing(), marker(item="unit"))
    drawing.task("check", outcomes="好, 再来").either("gate", default="on").end().line(
        "start", "in", "part", "check"
    )
    drawing.line("check", "gate").flow("gate", "in", 'outcome == "再来"').flow("gate", "end", name="on")
    case = Parts(drawing, units("甲"))
    case.act("sign", "甲", "退回")
    case.act("sign", "甲", "签收")
    case.act("handle", "甲")
    assert case.wake().outcomes["sign"] == "签收"
    case.env.write({"units": ["乙", "丙"]})
    case.do("check", "再来")

    assert [(task.step, task.item, task.round) for task in case.picture.tasks] == [
        ("sign", "乙", 3),
        ("sign", "丙", 3),
    ]


def test_instances_within_instances_know_both_items():
    inner = (
        Drawing().start("s2").task("a", 'camunda:assignee="${unit + person}"').end("e2").line("s2", "a", "e2")
    )
    outer = Drawing().start("s").inside("inner", inner, marker(collection="people", item="person")).end("e")
    drawing = Drawing().start().inside("part", outer.line("s", "inner", "e"), marker(item="unit")).end()
    case = Parts(
        drawing.line("start", "part", "end"), Bench(data={"units": ["甲", "乙"], "people": ["1", "2"]})
    )

    assert [task.assignee for task in case.picture.tasks] == ["甲1", "甲2", "乙1", "乙2"]
    for _ in range(4):
        assert not case.picture.ended
        case.do("a")
    assert case.picture.ended
    assert case.run.finished


def test_signers_inside_an_instance_are_counted_for_it_alone():
    inner = Drawing().start("s").signing("vote", "people", vote="count:1", outcomes="同意, 不同意!").end("e")
    inner.either("g", default="g_on").task("again").line("s", "vote", "g").line("again", "e")
    inner.flow("g", "e", 'votes("同意", "vote") == 1 and outcome == "passed"').flow("g", "again", name="g_on")
    case = Parts(each_unit(inner), Bench(data={"units": ["甲", "乙"], "people": ["u1", "u2"]}))
    first = [task for task in case.picture.tasks if task.step == "vote"]
    assert [task.item for task in first] == ["u1", "u2", "u1", "u2"]

    case.wake().complete(first[0].ref, "不同意")
    case.keep()
    case.wake().complete(first[3].ref, "同意")
    case.keep()
    assert [task.item for task in case.picture.tasks] == ["u2"]
    case.wake().complete(first[1].ref, "不同意")
    case.keep()

    assert case.open == [("again", "甲")]


def test_tasks_of_instances_do_not_speak_for_the_case():
    drawing = Drawing().start().both("split").both("join").task("lead", status="办理中").end()
    drawing.inside("part", signing(), marker(item="unit")).line("start", "split", "lead", "join", "end")
    case = Parts(drawing.line("split", "part", "join"), units("甲"))
    assert case.picture.status == "办理中"

    case.do("lead")

    assert case.picture.status == "待签收"


def test_a_list_that_is_none_or_too_long_is_an_incident():
    with pytest.raises(ListRefused):
        Parts(each_unit(), Bench(data={"units": "甲"}))
    with pytest.raises(FuseBlown) as blown:
        Parts(each_unit(), Bench(data={"units": list(range(201))}))
    assert blown.value.element == "part"
    assert len(Parts(each_unit(), Bench(data={"units": list(range(200))})).picture.tasks) == 200


def test_nobody_is_added_to_a_sub_process():
    case = Parts(each_unit(), units("甲"))

    with pytest.raises(NotOpen):
        case.wake().add_instance(case.picture.tasks[0].ref, "乙")


@pytest.mark.parametrize(
    ("row", "edit"),
    [
        ("part", {"list": []}), ("part", {"votes": [[9, ""]]}), ("part", {"turn": [1]}), ("part", {"open": [[9, 0]]}),
        ("part.Instance", {"i": 5}), ("part.Instance", {"i": "0"}), ("part.Instance", {"i": None}),
    ],
)  # fmt: skip
def test_a_repeat_nobody_could_have_written_is_refused(row: str, edit: dict[str, Any]):
    case = Parts(each_unit(), units("甲", "乙"))

    def spoil(body: list[Any]) -> None:
        next(each for each in body[6] if each[2] == row)[5].update(edit)

    assert edited(case.state, lambda body: None)
    with pytest.raises(StateUnreadable):
        Run.load(edited(case.state, spoil), case.version, case.env)


def test_the_linter_knows_the_item_inside_and_only_there():
    def found(text: str) -> list[str]:
        def asked(said: str) -> str:
            return f'camunda:candidateGroups="unit(main_unit)" camunda:priority="${{{said}}}"'

        inner = Drawing().start("s").task("a", asked(text), status="a").end("e").line("s", "a", "e")
        drawing = Drawing().start().inside("part", inner, marker(item="unit"))
        drawing.task("b", asked("unit"), status="b").end().line("start", "part", "b", "end")
        return sorted(f"{each.element}:{each.rule}" for each in check(source(drawing.bytes()), NAMES))

    assert found("unit") == ["b:bpmn-unknown-name"]
    assert found("90 if unit == 3 else 10") == ["b:bpmn-unknown-name"]
    assert found("unitt") == ["a:bpmn-unknown-name", "b:bpmn-unknown-name"]
