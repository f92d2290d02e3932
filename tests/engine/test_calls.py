"""Call activities: another version runs inside the case, pinned for ever, on the case's own data."""

from collections.abc import Callable, Mapping

import pytest

from app.engine import catalog
from app.engine.errors import ErrorUncaught, FuseBlown, NoSuchStart, VersionUnknown, VersionUnreadable
from app.engine.parser import parse
from app.engine.run import Run
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing, marker
from tests.engine.test_catalog import _an_empty_catalog  # noqa: F401

Library = Mapping[str, tuple[Drawing, Mapping[str, str]]]


def found_in(library: Library) -> Callable[[str], Version]:
    """Versions by name; each parsed once, as the catalog does it."""
    known: dict[str, Version] = {}

    def find(version: str) -> Version:
        if version not in known:
            drawing, called = library[version]
            known[version] = parse(Source(version, version, drawing.bytes(), called), find)
        return known[version]

    return find


def calling(key: str, *around: str) -> Drawing:
    """start → before → call → after → end."""
    drawing = Drawing().start().node("callActivity", "call", f'calledElement="{key}"').end()
    before, after = around or ("before", "after")
    return drawing.task(before).task(after).line("start", before, "call", after, "end")


def visit() -> Drawing:
    """The called process: go → report, again if the report is turned down; two ways to end, one of them an error."""
    drawing = Drawing("visit").start().task("go", status="走访中").task("report", outcomes="好, 再来, 进不去")
    drawing.either("gate", default="ok").node("endEvent", "end", status="走访结束").declare(
        "error", "no_entry"
    )
    drawing.over("failed", "error", "no_entry").timer("remind", "go", "P1D", interrupting=False).end(
        "reminded"
    )
    drawing.line("start", "go", "report", "gate").line("remind", "reminded")
    drawing.flow("gate", "go", 'outcome == "再来"').flow("gate", "failed", 'outcome("report") == "进不去"')
    return drawing.flow("gate", "end", name="ok")


def called(edge: bool = False) -> Case:
    order = calling("visit")
    if edge:
        order.declare("error", "no_entry").edge("no", "call", "error", "no_entry").task("repair")
        order.line("no", "repair", "after")
    find = found_in({"order@1": (order, {"visit": "visit@1"}), "visit@1": (visit(), {})})
    return Case(order, Bench(), find("order@1"))


def test_a_called_process_runs_inside_the_case():
    case = called()
    case.do("before")
    (task,) = case.picture.tasks
    assert (task.step, task.within, task.status, task.round) == ("go", ("call",), "走访中", 1)
    assert case.picture.status == "走访中"
    assert case.picture.active == ("call", "go")
    (wait,) = case.picture.waits
    assert (wait.element, wait.within, wait.step_ref) == ("remind", ("call",), task.ref)

    case.do("go")
    case.do("report", "好")

    assert case.steps == ["after"]
    assert not case.picture.ended
    assert [(passed.element, passed.within) for passed in case.trace] == [
        *((name, ("call",)) for name in ("report", "gate", "end")),
        ("call", ()),
    ]
    assert case.do("after").end_element == "end"
    assert case.version.ends["end"].status is None


def test_steps_of_a_called_process_are_found_by_where_they_lie():
    case = called()
    case.do("before")
    (task,) = case.picture.tasks

    assert case.version.inside(task.within).step(task.step).status == "走访中"
    assert case.version.inside(()) is case.version
    assert dict(case.version.calls) == {"call": "visit"}


def test_a_loop_inside_counts_its_rounds_and_knows_its_own_outcomes():
    case = called()
    case.do("before")
    for turn in range(1, 4):
        assert case.picture.task("go").round == turn
        case.do("go")
        case.do("report", "再来")

    assert case.run.rounds["call/go"] == 4
    assert case.run.outcomes["call/report"] == "再来"
    assert "go" not in case.run.rounds


def test_the_same_process_called_twice_at_once_keeps_apart():
    order = Drawing().start().both("split").both("join").end().task("go")
    for name in ("one", "two"):
        order.node("callActivity", name, 'calledElement="visit"').line("split", name, "join")
    order.line("start", "split", "go", "join", "end")
    find = found_in({"order@1": (order, {"visit": "visit@1"}), "visit@1": (visit(), {})})
    case = Case(order, Bench(), find("order@1"))
    assert [task.within for task in case.picture.tasks if task.step == "go"] == [(), ("one",), ("two",)]

    def act(step: str, within: tuple[str, ...], outcome: str | None = None) -> None:
        (ref,) = (task.ref for task in case.picture.tasks if (task.step, task.within) == (step, within))
        case.wake().complete(ref, outcome)
        case.keep()

    act("go", ("two",))
    act("report", ("two",), "再来")
    act("go", ("one",))
    act("report", ("one",), "好")

    assert sorted((task.step, task.within) for task in case.picture.tasks) == [("go", ()), ("go", ("two",))]
    assert [task.round for task in case.picture.tasks] == [1, 2]
    assert case.run.outcomes == {"one/go": "完成", "one/report": "好", "two/go": "完成", "two/report": "再来"}


def test_an_error_of_the_called_process_comes_to_the_edge_of_the_call():
    case = called(edge=True)
    case.do("before")
    case.do("go")

    case.do("report", "进不去")

    assert case.steps == ["repair"]
    assert [passed.element for passed in case.trace] == ["report", "gate", "failed", "no"]


def test_an_error_that_no_caller_awaits_is_an_incident():
    case = called()
    case.do("before")
    case.do("go")
    run = case.wake()
    run.complete(case.picture.task("report").ref, "进不去")

    with pytest.raises(ErrorUncaught):
        run.settle()


def test_terminating_a_called_process_ends_only_that():
    inner = Drawing("p2").start().both("split").task("a").task("b").end().over("stop", "terminate")
    inner.line("start", "split", "a", "stop").line("split", "b", "end")
    order = calling("inner")
    find = found_in({"order": (order, {"inner": "inner"}), "inner": (inner, {})})
    case = Case(order, Bench(), find("order"))
    case.do("before")

    case.do("a")

    assert case.steps == ["after"]


def nested(levels: int) -> Case:
    """v0 calls v1 calls v2 …; the last has one task."""
    library: dict[str, tuple[Drawing, Mapping[str, str]]] = {}
    for level in range(levels):
        drawing = (
            Drawing(f"p{level}").start().node("callActivity", "call", f'calledElement="v{level + 1}"').end()
        )
        library[f"v{level}"] = (drawing.line("start", "call", "end"), {f"v{level + 1}": f"v{level + 1}"})
    library[f"v{levels}"] = (Drawing("last").start().task("deep").end().line("start", "deep", "end"), {})
    return Case(library["v0"][0], Bench(), found_in(library)("v0"))


def test_five_calls_lie_inside_each_other_and_no_more():
    case = nested(5)
    assert [task.within for task in case.picture.tasks] == [("call",) * 5]
    assert case.do("deep").ended

    with pytest.raises(FuseBlown) as blown:
        nested(6)
    assert blown.value.kind == "calls"


def test_a_timer_on_a_call_takes_everything_inside_back():
    order = calling("visit").timer("late", "call", "P5D").task("chase").line("late", "chase", "after")
    find = found_in({"order@1": (order, {"visit": "visit@1"}), "visit@1": (visit(), {})})
    case = Case(order, Bench(), find("order@1"))
    case.do("before")
    assert sorted(wait.element for wait in case.picture.waits) == ["late", "remind"]

    case.fire("late")

    assert (case.steps, case.picture.waits) == (["chase"], ())


def test_called_processes_are_pinned():
    newer = Drawing("visit").start().task("other").end().line("start", "other", "end")
    sources = {
        "order@1": Source("order@1", "order", calling("visit").bytes(), {"visit": "visit@1"}),
        "order@2": Source("order@2", "order", calling("visit").bytes(), {"visit": "visit@2"}),
        "visit@1": Source("visit@1", "visit", visit().bytes()),
        "visit@2": Source("visit@2", "visit", newer.bytes()),
    }
    loads: list[str] = []
    catalog.install(lambda version: loads.append(version) or sources[version])  # type: ignore[func-returns-value]

    old = Case(Drawing(), Bench(), catalog.get("order@1"))
    assert loads == ["order@1"]
    old.do("before")
    new = Case(Drawing(), Bench(), catalog.get("order@2"))
    new.do("before")

    assert (old.steps, new.steps) == (["go"], ["other"])
    assert old.wake().settle() == old.picture
    assert loads == ["order@1", "visit@1", "order@2", "visit@2"]


def test_a_called_version_that_is_gone_is_said_when_the_case_comes_there():
    order = calling("visit")
    case = Case(order, Bench(), parse(Source("order@1", "order", order.bytes(), {"visit": "visit@9"})))
    run = case.wake()

    with pytest.raises(VersionUnknown, match="visit@9"):
        run.complete(case.picture.task("before").ref)


def test_a_process_that_only_messages_begin_cannot_be_called():
    inner = Drawing("p2").task("a").end().declare("message", "m").event("startEvent", "mail", "message", "m")
    find = found_in({"o": (calling("i"), {"i": "i"}), "i": (inner.line("mail", "a", "end"), {})})
    case = Case(Drawing(), Bench(), find("o"))
    run = case.wake()

    with pytest.raises(NoSuchStart) as refused:
        run.complete(case.picture.task("before").ref)
    assert refused.value.element == "call"


def test_a_call_without_a_pinned_version_is_unreadable():
    with pytest.raises(VersionUnreadable) as refused:
        parse(Source("order@1", "order", calling("visit").bytes()))

    assert refused.value.element == "call"


def test_a_case_never_changes_the_version_it_calls():
    case = called(edge=True)
    inner = case.version.inside(("call",))
    before = (case.version.fingerprint(), inner.fingerprint())
    case.do("before")
    case.do("go")
    case.do("report", "进不去")

    assert (case.version.fingerprint(), inner.fingerprint()) == before
    assert isinstance(Run.load(case.state, case.version, case.env), Run)


def test_an_end_passed_on_top_is_remembered_while_a_called_process_runs():
    order = Drawing().start().both("split").task("short").end("first").end("second")
    order.node("callActivity", "call", 'calledElement="visit"').line("start", "split", "short", "first")
    order.line("split", "call", "second")
    find = found_in({"order@1": (order, {"visit": "visit@1"}), "visit@1": (visit(), {})})
    case = Case(order, Bench(), find("order@1"))

    case.do("short")
    case.do("go")

    assert case.do("report", "好").end_element == "second"


def visits(**many: str) -> Case:
    """before → a visit for each unit → after."""
    order = (
        Drawing().start().task("before").task("after").end().line("start", "before", "call", "after", "end")
    )
    order.node("callActivity", "call", 'calledElement="visit"', marker(item="unit", **many))
    order.declare("error", "no_entry").edge("no", "call", "error", "no_entry").task("repair")
    find = found_in(
        {"order": (order.line("no", "repair", "after"), {"visit": "visit"}), "visit": (visit(), {})}
    )
    case = Case(order, Bench(data={"units": ["甲", "乙"]}), find("order"))
    case.do("before")
    return case


def test_a_process_is_called_once_for_each_item():
    case = visits()
    tasks = case.picture.tasks
    assert [(task.step, task.item, task.index, task.within) for task in tasks] == [
        ("go", "甲", 0, ("call",)), ("go", "乙", 1, ("call",)),
    ]  # fmt: skip
    assert case.picture.active == ("call", "go")

    for step, outcome in (("go", None), ("report", "再来"), ("go", None), ("report", "好")):
        (task,) = (task for task in case.picture.tasks if (task.step, task.item) == (step, "乙"))
        case.wake().complete(task.ref, outcome)
        case.keep()
    assert [(task.step, task.item, task.round) for task in case.picture.tasks] == [("go", "甲", 1)]
    assert [(p.element, p.index, p.within) for p in case.trace[-1:]] == [("call", 1, ())]
    case.do("go")
    case.do("report", "好")

    assert case.steps == ["after"]
    assert case.wake().outcomes["call/report"] == "好"
    assert len(case.run._net.tasks) == 2


def test_an_error_of_one_called_process_ends_them_all():
    case = visits()
    case.do("go")

    case.do("report", "进不去")

    assert case.steps == ["repair"]
    assert case.picture.waits == ()
