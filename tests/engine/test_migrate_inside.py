"""An open case moves to another version inside sub-processes, called processes and signing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from app.engine.picture import Picture
from app.engine.version import Version
from tests.engine.conftest import MONDAY, Bench, Case
from tests.engine.drawing import Drawing, marker
from tests.engine.graph import Edge, Graph
from tests.engine.graph_drawing import AGAIN, GOOD, version_of_graph
from tests.engine.migrating import line, moved, newer, planned
from tests.engine.random_diagrams import random_graph
from tests.engine.test_calls import calling, found_in, visit


def part(*inner: str, name: str = "part", timer: str = "late") -> Drawing:
    """accept → part(…) → review."""
    inside = Drawing().start("begin").end("done")
    for each in inner:
        inside.task(each)
    inside.line("begin", *inner, "done")
    drawing = Drawing().start().task("accept").inside(name, inside).task("review").end()
    drawing.timer(timer, name, "P5D").line(timer, "review")
    return drawing.line("start", "accept", name, "review", "end")


def test_an_open_sub_process_goes_along_with_its_events():
    case = Case(part("first", "second"))
    case.do("accept")

    other = moved(case, newer(part("first", "between", "second")))
    assert other.picture.waits == case.picture.waits
    other.do("first")
    assert other.steps == ["between"]

    other = moved(case, newer(part("first", name="phase", timer="late2")), {"part": "phase"})
    assert [wait.element for wait in other.picture.waits] == ["late2"]
    other.do("first")
    assert other.do("review").ended


def test_a_step_that_left_its_sub_process_is_blocked():
    case = Case(part("first", "second"))
    case.do("accept")
    plan = planned(case, newer(line("accept", "first", "second", "review")))
    assert plan.verdict == "blocked"
    assert any("换了子流程" in reason for reason in plan.reasons)
    assert plan.missing == ("part",)


def library_of(new: Drawing, key: str = "visit", **mapped: str) -> dict[str, tuple[Drawing, dict[str, str]]]:
    """order@1 calls visit@1; order@2 calls what is new in this version."""
    return {
        "order@1": (calling("visit"), {"visit": "visit@1"}),
        "order@2": (calling(key, *mapped.values()), {key: "new@2"}),
        "visit@1": (visit(), {}),
        "new@2": (new, {}),
    }


def inside_the_call(library: Mapping[str, tuple[Drawing, Mapping[str, str]]]) -> tuple[Case, Version]:
    find = found_in(library)
    case = Case(Drawing(), Bench(), find("order@1"))
    case.do("before")
    case.env.pass_time(hours=3)
    return case, find("order@2")


def test_a_case_inside_a_called_process_goes_along_if_that_stays_the_same():
    case, new = inside_the_call(library_of(visit(), before="begin", after="after"))

    other = moved(case, new, {"before": "begin"})

    assert other.picture == case.picture
    assert other.run.rounds == {"begin": 1, "call/go": 1}
    other.do("go")
    other.do("report", "好")
    assert other.do("after").ended


def test_an_open_called_process_moves_to_the_version_that_the_new_one_pins():
    """There a step is inserted and one renamed, its reminder is slower, and a deadline is new."""
    newer_visit = Drawing("visit").start().task("walk", status="走访中").task("note").end().end("reminded")
    newer_visit.timer("remind", "walk", "P9D", interrupting=False).timer("late", "walk", "P5D")
    newer_visit.line("start", "walk", "note", "end").line("remind", "reminded").line("late", "end")
    case, new = inside_the_call(library_of(newer_visit))
    plan = planned(case, new)
    assert (plan.verdict, plan.missing) == ("mapping", ("call/go",))
    assert plan.reasons == ("在办环节“go”(call/go)在新版本中没有了，请在迁移映射中指定去向。",)

    mapping = {"call/go": "walk"}
    plan = planned(case, new, mapping)
    other = moved(case, new, mapping)

    (task,) = case.picture.tasks
    assert plan.moved == ((task.ref, "go", "walk"),)
    assert [event.element for event in plan.retimed] == ["remind"]
    assert [event.element for event in plan.armed] == ["late"]
    assert {wait.element: wait.due_at for wait in other.picture.waits} == {
        "remind": MONDAY + timedelta(days=1),
        "late": MONDAY + timedelta(days=5, hours=3),
    }
    assert (other.run.rounds, other.picture.tasks[0].within) == ({"before": 1, "call/walk": 1}, ("call",))
    assert other.version.inside(["call"]).version == "new@2"
    for name in ("walk", "note", "after"):
        assert other.steps == [name]
        other.do(name)
    assert other.picture.ended
    assert planned(case, new, {"call/nothing": "walk"}).missing == ("call/nothing", "call/go")


def test_a_call_of_another_process_or_none_is_in_the_way():
    case, new = inside_the_call(library_of(visit(), key="survey"))
    plan = planned(case, new)
    assert plan.verdict == "blocked"
    assert "“call”(call)在新版本中调用另一个流程 survey" in plan.reasons[0]

    plan = planned(case, newer(line("before", "after")))
    assert (plan.verdict, plan.missing) == ("mapping", ("call",))


# -- several people, several instances ---------------------------------------------------------------------


def signing_of(vote: str, name: str = "sign", sequential: bool = False, **said: str) -> Drawing:
    """dispatch → sign (several) → archive; the deadline leads past it."""
    outcomes = said.pop("outcomes", "同意, 不同意!, 弃权")
    drawing = Drawing().start().task("dispatch").task("archive").end()
    drawing.signing(name, vote=vote, sequential=sequential, outcomes=outcomes, **said)
    drawing.timer("late", name, "P3D").line("start", "dispatch", name, "archive", "end")
    return drawing.line("late", "end")


def half_signed(sequential: bool = False) -> Case:
    """甲 agreed, 乙 did not, 丙 was added after 乙; 丁 and 戊 are still to sign."""
    case = Case(signing_of("ratio:0.6", sequential=sequential), Bench(data={"units": list("甲乙丁戊")}))
    case.do("dispatch")
    for outcome in ("同意", "不同意"):
        ref = case.picture.tasks[0].ref
        if outcome == "不同意":
            case.wake().add_instance(ref, "丙", "after")
            case.keep()
        case.wake().complete(ref, outcome)
        case.keep()
    return case


@pytest.mark.parametrize("sequential", [False, True])
def test_votes_are_kept_and_whoever_has_not_signed_still_may(sequential: bool):
    case = half_signed(sequential)
    case.env.pass_time(hours=20)
    case.env.write({"units": ["别人"]})
    open_now = [(task.ref, task.item, task.index) for task in case.picture.tasks]
    assert [item for _, item, _ in open_now] == (["丙"] if sequential else ["丁", "戊", "丙"])

    other = moved(case, newer(signing_of("count:3", "agree", sequential)), {"sign": "agree"})

    assert [(task.ref, task.item, task.index) for task in other.picture.tasks] == open_now
    assert {task.step for task in other.picture.tasks} == {"agree"}
    assert other.run._net.tallies == {"agree": [5, {"同意": 1, "不同意": 1}]}
    assert [wait.due_at for wait in other.picture.waits] == [MONDAY + timedelta(days=3)]
    signed = []
    while "agree" in other.steps:
        task = other.picture.tasks[0]
        signed.append(task.item)
        other.wake().complete(task.ref, "同意")
        other.keep()
    assert signed == (["丙", "丁"] if sequential else ["丁", "戊"])  # by the new rule three are enough
    assert other.run.outcomes["agree"] == "passed"
    assert other.do("archive").ended


def test_what_was_said_must_still_mean_something():
    case = half_signed()

    plan = planned(case, newer(signing_of("ratio:0.6", outcomes="同意, 反对!")))

    assert (plan.verdict, plan.reasons) == (
        "blocked",
        ("“sign”(sign)已经有人表态“不同意”，新版本的结论里没有它，正在会签的不能迁移，请等会签结束。",),
    )


@pytest.mark.parametrize("sequential", [False, True])
def test_signing_side_by_side_does_not_become_signing_in_turn(sequential: bool):
    plan = planned(half_signed(sequential), newer(signing_of("ratio:0.6", sequential=not sequential)))

    assert plan.verdict == "blocked"
    assert "改了会签的次序" in plan.reasons[0]
    one = line("dispatch", "sign", "archive")
    assert "换成了另一种元素" in planned(half_signed(sequential), newer(one)).reasons[0]


def for_each(*inner: str, name: str = "part", sequential: bool = False, remind: str = "P1D") -> Drawing:
    """(for each unit: …) → close; a reminder on the first step inside."""
    inside = Drawing().start("s").end("e").end("reminded")
    for each in inner:
        inside.task(each, outcomes="好, 再来")
    inside.timer("remind", inner[0], remind, interrupting=False).line("remind", "reminded")
    inside.line("s", *inner, "e")
    drawing = Drawing().start().task("close").end()
    drawing.inside(name, inside, marker(item="unit", sequential=sequential))
    return drawing.line("start", name, "close", "end")


@pytest.mark.parametrize("sequential", [False, True])
def test_instances_of_a_sub_process_go_along_each_where_it_stands(sequential: bool):
    case = Case(for_each("sign", "handle", sequential=sequential), Bench(data={"units": ["甲", "乙", "丙"]}))
    case.do("sign", "好")
    new = newer(for_each("take", "look", "handle", name="phase", sequential=sequential, remind="P9D"))

    other = moved(case, new, {"sign": "take", "part": "phase"})

    assert [(task.ref, task.item, task.index, task.round) for task in other.picture.tasks] == [
        (task.ref, task.item, task.index, task.round) for task in case.picture.tasks
    ]
    assert [wait.due_at for wait in other.picture.waits] == [wait.due_at for wait in case.picture.waits]
    done = []
    while "close" not in other.steps:
        task = other.picture.tasks[0]
        done.append((task.item, task.step))
        other.wake().complete(task.ref, "好")
        other.keep()
    inside = {item: [step for whose, step in done if whose == item] for item in "甲乙丙"}
    whole = ["take", "look", "handle"]
    assert sorted(inside.values(), key=len) == [["handle"], whole, whole]
    assert other.do("close").ended


def test_instances_are_not_turned_into_something_else():
    case = Case(for_each("sign", "handle"), Bench(data={"units": ["甲", "乙"]}))

    plan = planned(case, newer(for_each("sign", "handle", sequential=True)))
    assert (plan.verdict, plan.reasons) == (
        "blocked",
        ("“part”(part)在新版本中改了次序（同时办、依次办），正在办理的不能迁移，请等它全部办完。",),
    )
    plan = planned(case, newer(for_each("handle")))
    assert (plan.verdict, plan.missing) == ("mapping", ("sign",))


def renamed(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The same diagram with every id changed."""
    names = {name: f"{kind}_x{place}" for place, (name, kind) in enumerate(graph.nodes.items())}
    names |= {bell.name: f"ring{place}" for place, bell in enumerate(graph.bells)}
    twin = Graph({names[name]: kind for name, kind in graph.nodes.items()})
    for edge in graph.edges:
        when = None if edge.when is None else (names[edge.when[0]], edge.when[1])
        twin.edges.append(Edge(names[edge.source], names[edge.target], when))
    twin.bells = [replace(bell, name=names[bell.name], task=names[bell.task]) for bell in graph.bells]
    twin.home = {names[name]: names.get(home, "") for name, home in graph.home.items()}
    twin.many = {names[name]: times for name, times in graph.many.items()}
    twin.keys = {names[name]: name for name, kind in graph.nodes.items() if kind == "call"}
    return twin, names


def mapping_of(graph: Graph, names: Mapping[str, str]) -> dict[str, str]:
    """The new names as a mapping has them: what a called process draws stands behind its calls."""

    def calls(name: str) -> str:
        home = graph.home.get(name, "")
        return "" if not home else calls(home) + (f"{home}/" if graph.nodes[home] == "call" else "")

    return {calls(name) + name: new for name, new in names.items()}


def test_a_case_walks_on_under_other_names_as_if_nothing_had_happened():
    for seed in range(60):
        random = Random(seed)
        graph = random_graph(random, calls=True, many=True)
        twin, names = renamed(graph)
        case = Case(Drawing(), Bench(), version_of_graph(graph, "@1"))
        stop = random.randint(0, 12)
        for _ in range(stop):
            if case.picture.ended:
                break
            step(case, random)
        if case.picture.ended:
            continue
        other = moved(case, version_of_graph(twin, "@2"), mapping_of(graph, names))
        for _ in range(10):
            assert seen(case.picture, names) == seen(other.picture, {})
            rounds = {renamed_key(key, names): count for key, count in case.run.rounds.items()}
            assert rounds == other.run.rounds
            if case.picture.ended:
                break
            turn = Random(random.random())
            state = turn.getstate()
            step(case, turn)
            turn.setstate(state)
            step(other, turn)


def renamed_key(key: str, names: Mapping[str, str]) -> str:
    """`part#5/step` under the new names."""
    parts = [part.partition("#") for part in key.split("/")]
    return "/".join(names[name] + mark + number for name, mark, number in parts)


def step(case: Case, random: Random) -> None:
    """Fires the oldest timer or completes some task, the same one whatever it is called."""
    if case.picture.waits and (not case.picture.tasks or random.random() < 0.3):
        case.fire_ref(min((wait.ref for wait in case.picture.waits), key=lambda ref: int(ref, 36)))
        return
    task = random.choice(case.picture.tasks)
    case.wake().complete(task.ref, GOOD if random.random() < 0.7 else AGAIN)
    case.keep()


def seen(picture: Picture, names: Mapping[str, str]) -> object:
    """Who must act and what is awaited, without the names of things."""

    def called(name: str) -> str:
        return names.get(name, name)

    return (
        [(task.ref, called(task.step), task.round) for task in picture.tasks],
        sorted((wait.ref, called(wait.element), str(wait.due_at)) for wait in picture.waits),
        {called(each) for each in picture.active},
        picture.ended,
    )
