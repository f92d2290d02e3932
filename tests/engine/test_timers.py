"""Timers: when they are due by Beijing's calendar, and that they move only when told."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.errors import TimerDidNotMove, TimerRefused, VersionUnreadable
from app.engine.run import Run
from tests.engine.conftest import MONDAY, Bench, Case, version_of
from tests.engine.drawing import Drawing

BEIJING = ZoneInfo("Asia/Shanghai")
# 2026: the State Council's days off around 春节, and the two Saturdays worked for them.
SPRING_FESTIVAL = frozenset(date(2026, 2, day) for day in range(15, 24))
WORKED_SATURDAYS = frozenset({date(2026, 2, 14), date(2026, 2, 28)})


def with_timer(text: str, kind: str = "timeDuration", interrupting: bool = True) -> Drawing:
    return (
        Drawing().start().task("handle").end().timer("t", "handle", text, kind, interrupting)
        .task("after").end("after_end").line("start", "handle", "end").line("t", "after", "after_end")
    )  # fmt: skip


def due_of(text: str, now: datetime, kind: str = "timeDuration", env: Bench | None = None) -> datetime | None:
    env = env or Bench()
    env.now = now
    (wait,) = Case(with_timer(text, kind), env).picture.waits
    return wait.due_at


def beijing(*when: int) -> datetime:
    return datetime(*when, tzinfo=BEIJING)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "text", "due"),
    [
        (beijing(2026, 1, 31, 1), "P1M", beijing(2026, 2, 28, 1)),
        (beijing(2028, 1, 31, 1), "P1M", beijing(2028, 2, 29, 1)),
        (beijing(2026, 3, 1, 2), "P1M", beijing(2026, 4, 1, 2)),
        (beijing(2026, 3, 31, 23, 59), "P1M", beijing(2026, 4, 30, 23, 59)),
        (beijing(2024, 2, 29, 0), "P1Y", beijing(2025, 2, 28, 0)),
        (beijing(2026, 3, 2, 9), "P7D", beijing(2026, 3, 9, 9)),
        (beijing(2026, 3, 2, 9), "P2W", beijing(2026, 3, 16, 9)),
        (beijing(2026, 3, 2, 23), "PT24H", beijing(2026, 3, 3, 23)),
        (beijing(2026, 3, 2, 9), "P1DT2H30M", beijing(2026, 3, 3, 11, 30)),
    ],
)
def test_months_are_beijing_months_and_clamped(start: datetime, text: str, due: datetime):
    assert due_of(text, start.astimezone(UTC)) == due


def test_31_january_plus_one_month():
    due = due_of("P1M", datetime(2026, 1, 30, 17, tzinfo=UTC))  # 31 January, one o'clock in Beijing
    assert due == datetime(2026, 2, 27, 17, tzinfo=UTC)
    assert due.tzinfo is UTC


def test_p5wd_over_spring_festival_2026():
    class Calendar(Bench):
        def is_workday(self, day: date) -> bool:
            return day in WORKED_SATURDAYS or (day.weekday() < 5 and day not in SPRING_FESTIVAL)

    due = due_of("P5WD", beijing(2026, 2, 12, 15).astimezone(UTC), env=Calendar())

    # Fri 13, Sat 14 (worked), Tue 24, Wed 25, Thu 26
    assert due == beijing(2026, 2, 26, 15)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 365 * 24), st.integers(0, 24), st.integers(0, 40), st.integers(0, 60))
def test_a_year_of_hours_against_a_calendar_oracle(hour: int, months: int, days: int, hours: int):
    text = f"P{months}M{days}DT{hours}H" if hours else f"P{months}M{days}D"
    if not months + days + hours:
        return
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    local = start.astimezone(BEIJING).replace(tzinfo=None)

    # The oracle counts on paper: months by number, the day cut to the month's last, then days, then hours.
    month_number = local.year * 12 + local.month - 1 + months
    year, month = divmod(month_number, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    wall = local.replace(year=year, month=month + 1, day=min(local.day, last))
    wall += timedelta(days=days, hours=hours)

    assert due_of(text, start) == wall.replace(tzinfo=BEIJING)


def test_a_timer_fires_at_its_due_instant_not_before():
    case = Case(with_timer("PT24H"))
    case.env.now = MONDAY + timedelta(hours=24) - timedelta(microseconds=1)
    assert case.picture.due(case.env.now) == ()

    case.env.now = MONDAY + timedelta(hours=24)
    assert case.tick().tasks[0].step == "after"


def test_a_timer_moves_only_when_it_is_told():
    case = Case(with_timer("PT24H"))
    case.env.pass_time(days=9)

    assert case.wake().settle() == case.picture


def test_an_interrupting_timer_takes_its_step_away_and_a_late_completion_is_refused():
    case = Case(with_timer("PT24H"))
    case.fire("t")

    assert case.steps == ["after"]
    assert case.picture.waits == ()
    assert [passed.element for passed in case.trace] == ["t"]


def test_firing_what_does_not_wait_is_an_error_never_later():
    case = Case(with_timer("PT24H", interrupting=False))
    ref = case.picture.waits[0].ref
    case.fire("t")

    with pytest.raises(TimerDidNotMove) as refused:
        case.wake().fire_timers([ref])
    assert refused.value.ref == ref
    with pytest.raises(TimerDidNotMove):
        case.wake().fire_timers([case.picture.task("handle").ref])


def test_of_two_timers_fired_together_the_first_may_end_the_second():
    drawing = with_timer("PT24H").timer("u", "handle", "PT24H").line("u", "after")
    case = Case(drawing)
    refs = [wait.ref for wait in case.picture.waits]

    assert case.wake().fire_timers(refs) == refs[:1]
    assert case.keep().waits == ()
    assert case.steps == ["after"]


def test_completing_a_step_disarms_its_timers():
    case = Case(with_timer("PT24H", interrupting=False))
    ref = case.picture.waits[0].ref
    case.env.now += timedelta(days=2)

    run = case.wake()
    run.complete(case.picture.task("handle").ref)
    assert run.settle().ended

    run = Run.load(case.state, case.version, case.env)
    run.complete(case.picture.task("handle").ref)
    with pytest.raises(TimerDidNotMove):
        run.fire_timers([ref])


def test_due_never_moves_by_reloading():
    case = Case(with_timer("P5WD"))
    due = case.picture.waits[0].due_at
    for _ in range(5):
        case.env.pass_time(hours=7)
        case.env.holidays = frozenset({date(2026, 3, 4)})
        assert case.wake().settle().waits[0].due_at == due
        case.keep()


def test_a_timer_bound_to_a_clock_is_left_to_the_clock():
    def never(*_: object) -> str:
        raise AssertionError("a bound timer is not computed here")

    env = Bench(functions={"due": never, "tier": never})
    for text, bound in (('${tier("resolve", "m6")}', ("resolve", "m6")), ("due('sign')", ("sign", None))):
        (wait,) = Case(with_timer(text, "timeDate"), env).picture.waits
        assert (wait.bound, wait.due_at, wait.interrupting) == (bound, None, True)


def test_a_paused_clock_rearms_its_timer():
    """The clock moves the due time in its own rows; the engine's bytes know nothing of it."""
    case = Case(with_timer('${due("sign")}', "timeDate"))
    before = case.state
    case.env.pass_time(days=30)

    assert case.wake().settle() == case.picture
    assert case.wake().dump() == before
    assert case.fire("t").tasks[0].step == "after"


def test_a_computed_timer_is_read_once_when_its_step_opens():
    asked: list[int] = []

    def workdays(count: int) -> str:
        asked.append(count)
        return "2026-03-05T09:00:00+08:00"

    env = Bench(data={"sla_days": 3}, functions={"workdays": workdays})
    case = Case(with_timer("${workdays(sla_days)}", "timeDate"), env)
    case.wake().settle()

    assert case.picture.waits[0].due_at == beijing(2026, 3, 5, 9)
    assert asked == [3]


def test_forty_days_offline_give_one_reminder():
    case = Case(with_timer("R50/P1D", "timeCycle", interrupting=False))
    case.env.pass_time(days=40)

    case.tick()

    assert case.steps == ["handle", "after"]
    (wait,) = case.picture.waits
    assert wait.due_at == MONDAY + timedelta(days=41)
    assert wait.missed == 39
    assert [(passed.element, passed.missed) for passed in case.trace if passed.element == "t"] == [("t", 39)]
    for _ in range(9):
        case.env.pass_time(days=1)
        case.tick()
    assert len(case.picture.waits) == 1  # 40 + 9 of 50 are gone
    case.env.pass_time(days=1)
    assert case.tick().waits == ()


def test_a_cycle_by_the_month_keeps_to_the_day_of_its_anchor():
    env = Bench(now=beijing(2026, 1, 31, 9).astimezone(UTC))
    case = Case(with_timer("R/P1M", "timeCycle", interrupting=False), env)
    seen = []
    for _ in range(4):
        due = case.picture.waits[0].due_at
        assert due is not None
        seen.append(due.astimezone(BEIJING).date())
        case.env.now = due
        case.tick()
    assert seen == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]


def test_a_cycle_ends_after_its_last_firing_and_with_its_step():
    case = Case(with_timer("R3/PT1H", "timeCycle", interrupting=False))
    for left in (1, 1, 0):
        case.env.pass_time(hours=1)
        assert len(case.tick().waits) == left
    assert case.steps == ["handle", "after", "after", "after"]

    case = Case(with_timer("R3/PT1H", "timeCycle", interrupting=False))
    case.do("handle")
    assert case.picture.waits == ()


def test_trace_contains_every_fired_reminder():
    case = Case(with_timer("R10/P1D", "timeCycle", interrupting=False))
    fired = 0
    for _ in range(10):
        case.env.pass_time(days=1)
        case.tick()
        fired += sum(passed.element == "t" for passed in case.trace)

    assert fired == 10
    assert case.steps.count("after") == 10


def test_completing_after_a_reminder_in_the_same_breath_keeps_the_reminders_branch():
    case = Case(with_timer("R/P1D", "timeCycle", interrupting=False))
    run = case.wake()
    run.fire_timers([case.picture.waits[0].ref])
    run.complete(case.picture.task("handle").ref)
    case.keep()

    assert case.steps == ["after"]
    assert case.picture.waits == ()


@pytest.mark.parametrize(
    "text", ["PT24X", "PT", "PT30S", "P11Y", "R/PT24H", "2026-03-05T09:00:00", "P9999999Y"]
)
def test_a_bad_literal_timer_is_refused_when_the_diagram_is_parsed(text: str):
    with pytest.raises(VersionUnreadable) as refused:
        version_of(with_timer(text))
    assert refused.value.element == "t"


@pytest.mark.parametrize("said", ["PT24X", "2026-03-05T09:00:00", None, 5, "2099-01-01T00:00:00+08:00"])
def test_a_bad_timer_opens_nothing(said: object):
    drawing = Drawing().start().task("first").task("handle").end()
    drawing.timer("t", "handle", "${when}", "timeDate")
    case = Case(drawing.line("start", "first", "handle", "end").line("t", "end"), Bench(data={"when": said}))
    before = case.state

    run = case.wake()
    run.complete(case.picture.task("first").ref)
    with pytest.raises(TimerRefused) as refused:
        run.settle()

    assert refused.value.element == "t"
    assert case.state == before
    assert case.wake().settle().tasks[0].step == "first"


def test_a_time_without_offset_is_refused():
    with pytest.raises(VersionUnreadable, match="时区"):
        version_of(with_timer("2026-03-05T09:00:00", "timeDate"))
    assert due_of("2026-03-05T09:00:00+08:00", MONDAY, "timeDate") == beijing(2026, 3, 5, 9)


def test_a_timer_on_a_step_in_a_loop_is_armed_anew_each_round():
    drawing = (
        Drawing().start().task("sign", outcomes="签收, 退回").either("gate", default="on").end()
        .timer("late", "sign", "PT2H").task("urge").line("late", "urge", "sign")
        .line("start", "sign", "gate").flow("gate", "sign", 'outcome == "退回"')
        .flow("gate", "end", name="on")
    )  # fmt: skip
    case = Case(drawing)
    refs = set()
    for turn in range(3):
        (wait,) = case.picture.waits
        refs.add(wait.ref)
        assert wait.due_at == case.env.now + timedelta(hours=2)
        case.env.pass_time(minutes=30)
        case.do("sign", "退回")
        assert case.picture.tasks[0].round == turn + 2
    assert len(refs) == 3
    case.fire("late")
    assert case.do("urge").tasks[0].round == 5


def test_round_no_is_the_round_of_the_step_that_moved():
    drawing = (
        Drawing().start().task("sign", outcomes="签收, 退回").either("gate", default="on").end()
        .task("arbitrate").either("count", default="again").line("start", "sign", "gate")
        .flow("gate", "count", 'outcome == "退回"').flow("gate", "end", name="on")
        .flow("count", "arbitrate", "round_no() >= 3").flow("count", "sign", name="again")
        .line("arbitrate", "end")
    )  # fmt: skip
    case = Case(drawing)
    case.do("sign", "退回")
    case.do("sign", "退回")
    assert case.steps == ["sign"]

    assert case.do("sign", "退回").tasks[0].step == "arbitrate"
