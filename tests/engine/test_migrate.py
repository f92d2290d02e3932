"""An open case moves to another version: what is kept, what is asked for, and the way back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from app.engine import migrate
from app.engine.errors import MigrationRefused, StateUnreadable, WrongVersion
from app.engine.migrate import Event, MigrationPlan
from app.engine.picture import Picture
from app.engine.run import Run
from app.engine.version import Version
from tests.engine.conftest import MONDAY, Bench, Case, version_of
from tests.engine.drawing import Drawing
from tests.engine.graph import Edge, Graph
from tests.engine.graph_drawing import AGAIN, GOOD, drawing_of
from tests.engine.random_diagrams import random_graph
from tests.engine.returning import block, nested, sideways
from tests.engine.test_calls import calling, found_in, visit
from tests.engine.test_returns_blocks import some
from tests.engine.test_timers import beijing

NEW = "b" * 64


def line(*names: str) -> Drawing:
    """start → … → end."""
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name)
    return drawing.line("start", *names, "end")


def newer(drawing: Drawing) -> Version:
    return version_of(drawing, version=NEW)


def planned(case: Case, new: Version, mapping: Mapping[str, str] | None = None) -> MigrationPlan:
    return migrate.plan(case.state, case.version, new, mapping or {})


def moved(case: Case, new: Version, mapping: Mapping[str, str] | None = None, retime: bool = False) -> Case:
    """The case under the new version, after checking that the plan predicted it."""
    before, plan = case.picture, planned(case, new, mapping)
    assert (plan.verdict, plan.reasons) == ("safe", ())
    other = Case.__new__(Case)
    other.env, other.version = case.env, new
    other.state = migrate.apply(case.state, case.version, new, mapping or {}, env=case.env, retime=retime)
    other.wake()
    other.keep()
    predicted(plan, before, other.picture, retime)
    return other


def predicted(plan: MigrationPlan, before: Picture, after: Picture, retime: bool) -> None:
    """The plan is the difference of the two Pictures."""
    old, new = {wait.ref: wait for wait in before.waits}, {wait.ref: wait for wait in after.waits}
    assert {(ref, step) for ref, step, _ in plan.moved} == {(t.ref, t.step) for t in before.tasks}
    assert {(ref, step) for ref, _, step in plan.moved} == {(t.ref, t.step) for t in after.tasks}
    assert {(e.element, e.ref) for e in plan.ended} == {
        (old[ref].element, ref) for ref in set(old) - set(new)
    }
    assert {(e.element, e.step_ref) for e in plan.armed} == {
        (new[ref].element, new[ref].step_ref) for ref in set(new) - set(old)
    }
    for ref in set(old) & set(new):
        again = retime and ref in {event.ref for event in plan.retimed}
        assert again or new[ref].due_at == old[ref].due_at


def with_timers(*then: str, **times: str) -> Drawing:
    """accept → handle → … → end; timers on handle lead to end."""
    drawing = line("accept", "handle", *then)
    for name, text in times.items():
        kind = "timeCycle" if text.startswith("R") else "timeDuration"
        drawing.timer(name, "handle", text, kind, interrupting=name == "late").line(name, "end")
    return drawing


def test_migration_keeps_due_times():
    case = Case(with_timers(remind="PT24H", late="P5D"))
    case.do("accept")
    case.env.pass_time(hours=20)
    new = newer(with_timers("check", remind="PT48H", late="P9D"))
    other = moved(case, new)

    assert {wait.element: wait.due_at for wait in other.picture.waits} == {
        "remind": MONDAY + timedelta(hours=24),
        "late": MONDAY + timedelta(days=5),
    }
    assert {wait.ref for wait in other.picture.waits} == {wait.ref for wait in case.picture.waits}
    assert other.picture.tasks[0].ref == case.picture.tasks[0].ref
    other.do("handle")
    assert other.steps == ["check"]
    assert other.do("check").ended


def test_a_changed_duration_counts_only_when_asked_for_and_from_when_the_step_opened():
    case = Case(with_timers(remind="PT24H", late="P1M"))
    case.do("accept")
    case.env.pass_time(hours=20)
    new = newer(with_timers(remind="PT48H", late="P2M"))
    assert {event.element for event in planned(case, new).retimed} == {"remind", "late"}

    other = moved(case, new, retime=True)

    assert {wait.element: wait.due_at for wait in other.picture.waits} == {
        "remind": MONDAY + timedelta(hours=48),
        "late": beijing(2026, 5, 2, 9),
    }


def test_a_cycle_goes_on_by_its_old_pace_unless_it_is_retimed():
    def with_cycle() -> Case:
        case = Case(with_timers(daily="R9/P1D"))
        case.do("accept")
        case.env.pass_time(days=1)
        case.fire("daily")
        return case

    new = newer(with_timers(daily="R9/P7D"))
    other = moved(with_cycle(), new)
    for days in (2, 3, 4):
        (wait,) = other.picture.waits
        assert wait.due_at == MONDAY + timedelta(days=days)
        other.env.now = wait.due_at
        other.fire("daily")

    other = moved(with_cycle(), new, retime=True)
    assert other.picture.waits[0].due_at == MONDAY + timedelta(days=8)


def test_plan_predicts_apply():
    case = Case(with_timers(remind="PT24H", late="P5D"))
    case.do("accept")
    new = newer(with_timers(late="P5D", daily="R/P1D"))

    plan = planned(case, new)
    other = moved(case, new)

    (task,) = case.picture.tasks
    (remind,) = [wait for wait in case.picture.waits if wait.element == "remind"]
    assert plan.moved == ((task.ref, "handle", "handle"),)
    assert plan.armed == (Event("daily", task.ref),)
    assert plan.ended == (Event("remind", task.ref, remind.ref),)
    assert plan.retimed == ()
    (daily,) = [wait for wait in other.picture.waits if wait.element == "daily"]
    assert daily.due_at == case.env.now + timedelta(days=1)
    other.fire("daily")
    other.fire("late")
    assert other.picture.ended


def test_a_step_that_had_no_events_gets_one():
    case = Case(line("accept", "handle"))
    case.do("accept")

    other = moved(case, newer(with_timers(late="PT1H")))

    (wait,) = other.picture.waits
    assert wait.step_ref == case.picture.tasks[0].ref
    assert other.wake().settle() == other.picture
    assert other.run.dump() == other.state
    assert other.fire("late").ended


def test_a_step_may_lose_all_its_events():
    case = Case(with_timers(remind="PT24H", late="P5D"))
    case.do("accept")

    other = moved(case, newer(line("accept", "handle")))

    assert other.picture.waits == ()
    assert len(other.run._net.tasks) == 2
    assert other.do("handle").ended


def test_an_event_that_has_fired_is_not_armed_again():
    case = Case(with_timers(remind="PT24H", late="P5D"))
    case.do("accept")
    case.fire("remind")

    other = moved(case, newer(with_timers(remind="PT24H", late="P5D")))

    assert [wait.element for wait in other.picture.waits] == ["late"]


def test_a_timer_that_becomes_another_kind_is_armed_anew():
    case = Case(with_timers(late="P5D"))
    case.do("accept")
    bound = line("accept", "handle").timer("late", "handle", '${due("sign")}', "timeDate").line("late", "end")

    plan = planned(case, newer(bound))
    other = moved(case, newer(bound))

    assert ([each.element for each in plan.ended], [each.element for each in plan.armed]) == (
        ["late"],
        ["late"],
    )
    assert other.picture.waits[0].bound == ("sign", None)
    back_again = moved(other, version_of(with_timers(late="P5D"), version="c" * 64))
    assert back_again.picture.waits[0].due_at == case.env.now + timedelta(days=5)


def test_a_finished_step_may_be_renamed():
    case = Case(line("accept", "check", "handle"))
    case.do("accept")
    case.do("check")

    other = moved(case, newer(line("receive", "handle", "archive")))

    assert other.steps == ["handle"]
    assert other.run.rounds == case.run.rounds
    other.do("handle")
    assert other.do("archive").ended


def test_a_mapping_carries_rounds_and_outcomes_along():
    drawing = Drawing().start().task("sign", outcomes="签收, 退回").task("handle").end()
    case = Case(drawing.line("start", "sign", "handle", "end"))
    case.do("sign", "签收")
    new = Drawing().start().task("claim", outcomes="签收, 退回").task("work").either("g", default="on").end()
    new.line("start", "claim", "work", "g").flow("g", "work", 'outcome("claim") == "签收"').flow(
        "g", "end", name="on"
    )

    other = moved(case, newer(new), {"sign": "claim", "handle": "work"})

    assert (other.run.rounds, other.run.outcomes) == ({"claim": 1, "work": 1}, {"claim": "签收"})
    assert other.picture.tasks[0].ref == case.picture.tasks[0].ref
    assert other.do("work").tasks[0].round == 2
    (target,) = other.wake().return_targets(other.picture.tasks[0].ref)
    assert target.step == "claim"


def test_undo_restores_the_bytes():
    case = Case(with_timers(remind="PT24H", late="P5D"))
    case.do("accept")
    kept = bytes(case.state)

    other = moved(case, newer(with_timers(daily="R/P1D")))
    other.do("handle")

    assert case.state == kept
    assert Run.load(kept, case.version, case.env).settle() == case.picture
    with pytest.raises(WrongVersion):
        Run.load(kept, other.version, case.env)


def test_a_removed_step_with_a_case_standing_on_it_needs_mapping():
    case = Case(line("accept", "sign", "handle"))
    case.do("accept")
    new = newer(line("accept", "handle"))

    plan = planned(case, new)

    assert (plan.verdict, plan.missing) == ("mapping", ("sign",))
    assert plan.reasons == ("在办环节“sign”(sign)在新版本中没有了，请在迁移映射中指定去向。",)
    with pytest.raises(MigrationRefused) as refused:
        migrate.apply(case.state, case.version, new, env=case.env)
    assert refused.value.needs_mapping
    assert refused.value.reasons == plan.reasons
    assert moved(case, new, {"sign": "handle"}).steps == ["handle"]


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ({"nowhere": "handle"}, "迁移映射中的 nowhere 不在原版本中。"),
        ({"sign": "nowhere"}, "迁移映射把 sign 指向 nowhere，新版本中没有这个编号。"),
    ],
)
def test_a_mapping_must_name_what_there_is(mapping: dict[str, str], why: str):
    case = Case(line("accept", "sign", "handle"))
    plan = planned(case, newer(line("accept", "handle")), mapping)
    assert plan.verdict == "mapping"
    assert why in plan.reasons


def test_another_kind_of_element_is_blocked():
    case = Case(line("accept", "handle"))
    new = Drawing().start().either("accept").task("handle").end().line("start", "accept", "handle", "end")

    plan = planned(case, newer(new), {})

    assert plan.verdict == "blocked"
    assert plan.reasons == ("“accept”(accept)在新版本中换成了另一种元素，停在这里的办件不能迁移。",)
    with pytest.raises(MigrationRefused) as refused:
        migrate.apply(case.state, case.version, newer(new), env=case.env)
    assert not refused.value.needs_mapping


def test_a_finished_case_stays_where_it_is():
    case = Case(line("accept"))
    case.do("accept")
    assert planned(case, newer(line("accept"))).reasons == ("办件已经结束，无需迁移。",)


def halfway() -> Case:
    case = Case(block())
    for name in ("accept", "b1", "b2"):
        case.do(name)
    return case


def test_a_waiting_join_goes_along():
    other = moved(halfway(), newer(block()))

    assert set(other.picture.active) == {"a1", "join"}
    other.do("a1")
    assert other.do("a2").tasks[0].step == "review"


def test_a_waiting_join_whose_inputs_changed_needs_mapping():
    new = Drawing().start().task("accept").both("split").both("join").task("review").end()
    for name in ("a1", "a2", "b1", "b3"):
        new.task(name)
    new.line("start", "accept", "split", "a1", "a2", "join", "review", "end").line(
        "split", "b1", "b3", "join"
    )
    case = halfway()

    plan = planned(case, newer(new))
    assert (plan.verdict, plan.missing) == ("mapping", ("b2",))
    assert "没有来自“b2”(b2)的分支" in plan.reasons[0]

    other = moved(case, newer(new), {"b2": "b3"})
    other.do("a1")
    assert other.do("a2").tasks[0].step == "review"


def third_branch() -> Drawing:
    return block().task("c").flow("split", "c").flow("c", "join")


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (third_branch(), "改了分法"),
        (line("accept", "a1", "a2", "b1", "b2", "review"), "移出了并行部分"),
    ],
)
def test_a_changed_parallel_part_blocks_the_cases_inside_it(new: Drawing, why: str):
    case = Case(block())
    case.do("accept")

    plan = planned(case, newer(new))

    assert plan.verdict == "blocked"
    assert why in plan.reasons[0]
    case = Case(block())
    assert planned(case, newer(new)).verdict == "safe"
    for name in ("accept", "a1", "a2", "b1", "b2"):
        case.do(name)
    assert moved(case, newer(new)).do("review").ended


def test_a_step_moved_into_a_parallel_part_is_blocked():
    case = Case(line("accept", "a1", "review"))
    case.do("accept")
    assert "移进了并行部分" in planned(case, newer(block())).reasons[0]


def test_branches_may_be_redrawn_but_not_exchanged():
    case = Case(block())
    case.do("accept")
    case.do("a1")
    assert planned(case, newer(block())).verdict == "safe"

    swapped = planned(case, newer(block()), {"a2": "b2"})
    assert swapped.verdict == "blocked"
    assert "另一条并行分支" in swapped.reasons[0]


def test_an_inner_block_is_recognised_inside_its_outer_one():
    case = Case(nested())
    case.do("c")
    other = moved(case, newer(nested()))
    for name in ("d1", "d2", "e", "a"):
        other.do(name)
    assert other.steps == ["review"]


def test_a_part_that_is_not_properly_nested_moves_only_unchanged():
    case = Case(sideways())
    case.do("accept")
    case.do("b")
    assert moved(case, newer(sideways())).steps == ["a1"]

    changed = sideways().task("c").timer("t", "b", "PT1H", interrupting=True).line("t", "c", "end")
    assert planned(case, newer(changed)).verdict == "blocked"


def test_a_side_branch_needs_its_event():
    def drawn(timer: str, interrupting: bool = False) -> Drawing:
        drawing = line("handle").task("urge").timer(timer, "handle", "PT24H", interrupting=interrupting)
        return drawing.line(timer, "urge", "end")

    case = Case(drawn("remind"))
    case.fire("remind")

    plan = planned(case, newer(drawn("nudge")))
    assert (plan.verdict, plan.missing) == ("mapping", ("remind",))
    assert planned(case, newer(drawn("remind", interrupting=True))).verdict == "mapping"
    other = moved(case, newer(drawn("nudge")), {"remind": "nudge"})
    assert other.steps == ["handle", "urge"]
    assert other.picture.waits == ()


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


def paused(text: str, name: str) -> Drawing:
    drawing = Drawing().start().task("a").catch(name, "timer", text).task("b").end()
    return drawing.line("start", "a", name, "b", "end")


def test_a_timer_in_the_line_keeps_its_due_time_or_is_retimed():
    case = Case(paused("PT1H", "pause"))
    case.do("a")
    (wait,) = case.picture.waits

    other = moved(case, newer(paused("PT9H", "pause")))
    assert other.picture.waits == (wait,)
    other = moved(case, newer(paused("PT9H", "pause")), retime=True)
    assert other.picture.waits[0].due_at == MONDAY + timedelta(hours=9)
    assert planned(case, newer(paused("PT1H", "halt"))).verdict == "mapping"
    assert "等的是另一种东西" in planned(case, newer(paused('${due("sign")}', "pause"))).reasons[0]


def test_an_inclusive_join_that_waits_goes_along():
    case = Case(some(), Bench(data={"ways": [1, 2]}))
    case.do("accept")
    case.do("a")

    other = moved(case, newer(some()))

    assert set(other.picture.active) == {"b", "join"}
    assert other.do("b").tasks[0].step == "review"
    assert (
        "改了分法"
        in planned(case, newer(some().task("d").flow("split", "d", "1 == 1").flow("d", "join"))).reasons[0]
    )


def racing(*events: str) -> Drawing:
    drawing = Drawing().declare("message", "news").declare("message", "olds").start().either("met").end()
    drawing.node("eventBasedGateway", "race").flow("start", "race")
    for name in events:
        about = (
            ("timer", "PT1H") if name == "pause" else ("message", {"letter": "news", "card": "olds"}[name])
        )
        drawing.catch(name, *about).line("race", name, "met")
    return drawing.flow("met", "end")


def test_what_is_awaited_behind_a_gateway_goes_along():
    case = Case(racing("pause", "letter"))
    other = moved(case, newer(racing("letter", "pause")))
    assert {wait.ref: wait.due_at for wait in other.picture.waits} == {
        wait.ref: wait.due_at for wait in case.picture.waits
    }

    plan = planned(case, newer(racing("pause", "card")))
    assert ([each.element for each in plan.armed], [each.element for each in plan.ended]) == (
        ["card"],
        ["letter"],
    )
    other = Case.__new__(Case)
    other.env, other.version = case.env, newer(racing("pause", "card"))
    other.state = migrate.apply(case.state, case.version, other.version, env=case.env)
    other.wake()
    other.keep()
    assert {wait.name for wait in other.picture.waits} == {"pause", "olds"}
    assert len({wait.group for wait in other.picture.waits}) == 1
    assert other.fire("pause").ended


def test_a_case_inside_a_called_process_goes_along_if_that_stays_the_same():
    library = {
        "order@1": (calling("visit"), {"visit": "visit@1"}),
        "order@2": (calling("visit", "begin", "after"), {"visit": "visit@1"}),
        "order@3": (calling("visit"), {"visit": "visit@2"}),
        "visit@1": (visit(), {}),
        "visit@2": (visit(), {}),
    }
    find = found_in(library)
    case = Case(Drawing(), Bench(), find("order@1"))
    case.do("before")
    case.env.pass_time(hours=3)

    other = moved(case, find("order@2"), {"before": "begin"})

    assert other.picture == case.picture
    assert other.run.rounds == {"begin": 1, "call/go": 1}
    other.do("go")
    other.do("report", "好")
    assert other.do("after").ended
    plan = planned(case, find("order@3"))
    assert (plan.verdict, len(plan.reasons)) == ("blocked", 1)
    assert "换了版本" in plan.reasons[0]


def test_bytes_that_are_not_this_case_are_refused():
    case = Case(line("accept"))
    with pytest.raises(WrongVersion):
        migrate.plan(case.state, newer(line("accept")), case.version)
    with pytest.raises(StateUnreadable):
        migrate.plan(b"x", case.version, newer(line("accept")))


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
    return twin, names


def test_a_case_walks_on_under_other_names_as_if_nothing_had_happened():
    for seed in range(60):
        random = Random(seed)
        graph = random_graph(random)
        twin, names = renamed(graph)
        case = Case(drawing_of(graph), Bench())
        stop = random.randint(0, 12)
        for _ in range(stop):
            if case.picture.ended:
                break
            step(case, random)
        if case.picture.ended:
            continue
        other = moved(case, newer(drawing_of(twin)), names)
        for _ in range(10):
            assert seen(case.picture, names) == seen(other.picture, {})
            assert {names[name]: count for name, count in case.run.rounds.items()} == other.run.rounds
            if case.picture.ended:
                break
            turn = Random(random.random())
            state = turn.getstate()
            step(case, turn)
            turn.setstate(state)
            step(other, turn)


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
