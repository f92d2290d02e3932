"""An open case moves to another version: steps, timers, what is asked for, and the way back."""

from datetime import timedelta

import pytest

from app.engine import migrate
from app.engine.errors import MigrationRefused, StateUnreadable, WrongVersion
from app.engine.migrate import Event
from app.engine.run import Run
from tests.engine.conftest import MONDAY, Case, version_of
from tests.engine.drawing import Drawing
from tests.engine.migrating import line, moved, newer, planned
from tests.engine.test_timers import beijing


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


def test_bytes_that_are_not_this_case_are_refused():
    case = Case(line("accept"))
    with pytest.raises(WrongVersion):
        migrate.plan(case.state, newer(line("accept")), case.version)
    with pytest.raises(StateUnreadable):
        migrate.plan(b"x", case.version, newer(line("accept")))
