"""A tier that is reached tells those whom sla.yaml names: one message a person, case and class, in the day."""

from datetime import datetime, timedelta

import pytest

from app.bundles.files import BundleFiles
from app.cases import firing, flags
from app.core import db
from app.core.clock import BEIJING
from app.notices.models import notices
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.notices.reading import told
from tests.world import Row, World, by_role

COMMUNITY, STREET, OTHER_STREET = "d1-s2-c1", "d1-s2", "d1-s1"

SLA = """
clocks:
  respond: {label: 回应时限, start: case.received, stop: task.done(answer), limit: PT24H}
  resolve: {label: 解决时限, start: case.received, stop: case.closed, limit: P6M}
tiers:
  - {key: h24, clock: respond, age: PT24H, label: 24小时未回应, class: respond, tell: [{who}]}
  - {key: m1, clock: resolve, age: P1M, label: 1-3个月未解决, class: resolve, tell: [{who}]}
  - {key: m3, clock: resolve, age: P3M, label: 3-6个月未解决, class: resolve, tell: [{who}]}
  - {key: m6, clock: resolve, age: P6M, label: 超过6个月未解决, class: resolve, tell: [{who}]}
"""
WHO = "secretary@community, patrol@street, patrol@district"
TOLD = {"丁社区书记", "西街道书记", "西街道巡查员", "观察员甲", "区巡查员"}
"""Those roles where a problem of 丁社区 lies, and nobody of the other street."""


def bundle(who: str = WHO, more: str = "", key: str = "tracked") -> BundleFiles:
    drawing = Drawing(key).start().task("answer", by_role()).task("solve", by_role()).end()
    drawing.line("start", "answer", "solve", "end")
    return worlds.bundle_of(key, drawing, sla=SLA.replace("{who}", who) + more)


@pytest.fixture
def world(database: db.Database) -> World:
    """Problems are tracked; each street has a patrol, and so has the district."""
    made = worlds.build(database, bundle())
    for login, unit in (("xijie1", STREET), ("dongjie1", OTHER_STREET), ("guancha1", "d1")):
        made.appoint(login, "patrol", unit)
    return made


def filed(world: World, process: str = "tracked") -> Row:
    return world.file(process=process, place_unit=COMMUNITY).case


def reach(world: World, case: Row, tier: str, after: float = 1) -> None:
    """Until shortly after the tier is due, and looks twice."""
    due: datetime = world.timer(case["id"], tier)["due_at"]
    world.wait(seconds=(due - world.now()).total_seconds() + after)
    firing.fire_due()
    firing.fire_due()


@pytest.mark.requirement("BS-055", "BS-066", "BS-077")
def test_each_overdue_class_tells_the_secretary_and_the_patrols_once(world: World) -> None:
    case = filed(world)
    reach(world, case, "h24", -2)
    before = told(world)
    heard = []

    for tier in ("h24", "m1"):
        reach(world, case, tier)
        heard.append(told(world))

    first = [(name, "clock", "回应时限：24小时未回应") for name in sorted(TOLD)]
    second = [(name, "clock", "解决时限：1-3个月未解决") for name in sorted(TOLD)]
    assert before == []
    assert heard == [first, sorted([*first, *second])]
    assert {row["case_id"] for row in world.rows(notices)} == {case["id"]}


@pytest.mark.requirement("BS-343")
def test_who_handled_a_problem_and_did_not_answer_is_reminded_all_the_same(world: World) -> None:
    case = filed(world)
    (task,) = world.inbox_of(case)
    world.claim("paiqian1", task)  # handled outside, nothing written down
    reach(world, case, "h24")

    assert {who for who, _, _ in told(world)} == TOLD
    assert [row["id"] for row in world.cases("paiqian1", tier="respond.h24")] == [case["id"]]
    world.complete("paiqian1", world.inbox_of(case)[0])
    assert world.cases("paiqian1", tier="respond.h24") == []


def test_handler_and_superior_are_whoever_has_the_task_and_the_role_above(database: db.Database) -> None:
    files = bundle("handler, superior, filer", key="asked")
    world = worlds.build(database, files)
    world.appoint("dongjie1", "worker", "d1-s1")
    drawing = Drawing("below").start().task("answer", by_role("worker", "community")).task("solve", by_role())
    below = worlds.bundle_of(
        "below",
        drawing.end().line("start", "answer", "solve", "end"),
        sla=SLA.replace("{who}", "handler, superior, filer"),
    )
    world.publish(below)
    case = world.file(process="below", place_unit="d1-s1-c1").case

    reach(world, case, "h24")
    waiting = {who for who, _, _ in told(world)}
    (task,) = world.inbox_of(case)
    world.complete("jia1", task)
    reach(world, case, "m1")

    assert waiting == {"甲社区社工", "东街道派遣员", "派遣员甲"}
    later = {who for who, _, text in told(world) if "1-3" in text}
    assert later == {"派遣员甲", "派遣员乙"}, "the dispatchers have it; nobody of them stands above"


def test_at_night_only_what_is_urgent_is_told_the_rest_when_people_work(database: db.Database) -> None:
    sla = """
clocks:
  respond: {label: 回应时限, start: case.received, stop: task.done(answer), limit: PT24H}
tiers:
  - {key: a, clock: respond, at: 50%, label: 时限过半, tell: [handler]}
  - {key: b, clock: respond, at: 60%, label: 紧急, tell: [handler], urgent: true}
"""
    quiet = "quiet: {outside: working_hours, except: urgent}\n"
    drawing = Drawing("night").start().task("answer", by_role()).end().line("start", "answer", "end")
    world = worlds.build(database, worlds.bundle_of("night", drawing, sla=sla + quiet))
    tonight = world.now().astimezone(BEIJING).replace(hour=22, minute=0) + timedelta(days=1)
    world.wait(seconds=(tonight - timedelta(hours=12) - world.now()).total_seconds())
    case = world.file(process="night").case

    reach(world, case, "b")

    rows = {row["text"]: row for row in world.rows(notices, person_id=world.actor("paiqian1").id)}
    assert rows["回应时限：紧急"]["tell_at"] == rows["回应时限：紧急"]["at"]
    morning = rows["回应时限：时限过半"]["tell_at"].astimezone(BEIJING)
    assert (morning.hour, morning.minute) == (9, 0)
    assert timedelta(hours=9) < morning - tonight < timedelta(days=9)


def test_tiers_that_lay_behind_when_a_case_came_are_told_in_one_notice(world: World) -> None:
    five_months_ago = world.now() - timedelta(days=155)

    case = world.file(process="tracked", place_unit=COMMUNITY, received_at=five_months_ago).case
    firing.fire_due()
    reach(world, case, "m6")

    heard = [(kind, text) for who, kind, text in told(world) if who == "丁社区书记"]
    assert heard == [
        ("clock", "解决时限：超过6个月未解决"),
        ("passed", "登记时已有时限过了，不再逐条提醒，请查看各个时限。"),
    ]
    assert [row["id"] for row in world.cases("paiqian1", tier="resolve.m6")] == [case["id"]]


def test_a_hundred_cases_are_told_in_a_few_statements(world: World) -> None:
    many = [filed(world) for _ in range(12)]
    world.wait(hours=24, seconds=5)
    with worlds.statements(world.database) as sent:
        flags.fire()

    written = [line for line in sent if "INSERT INTO notices" in line]
    asked = [line for line in sent if line.startswith("SELECT")]
    assert len(world.rows(notices)) == len(TOLD) * len(many)
    assert len(written) == 1
    assert len(asked) <= 10, worlds.numbered(sent)


@pytest.mark.parametrize(
    ("was", "now", "rule", "said"),
    [
        ("tell: [handler]", "tell: [handlr]", "tell-unknown", "第 4 行：不知道“handlr”是谁；可以写 handler"),
        ("tell: [handler]", "tell: [patrol@distict]", "tell-unknown", "没有“distict”这个层级；可以写"),
        ("tell: [handler]", "tell: [patrl@district]", "tell-unknown", "没有角色“patrl”；有"),
        ("tell: [handler]", "tell: [auditor@district]", "tell-unknown", "收到通知也打不开办件"),
        ("tell: [handler]", "tell: []", "value-invalid", "应有 1 到 10 项"),
        ("tell: [handler]", "tell: [handler], urgent: 是", "value-invalid", "应为 true 或 false"),
        ("outside: working_hours", "outside: night", "value-invalid", "只能是 working_hours"),
        ("except: urgent", "except: red", "value-invalid", "只能是 urgent"),
    ],
)
def test_a_wrong_word_is_refused_at_publish_with_its_line(was: str, now: str, rule: str, said: str) -> None:
    from app.identity.org import read_org
    from app.processes.check import check_files

    sla = """clocks:
  total: {start: case.received, stop: case.closed, limit: P7D}
tiers:
  - {key: due, clock: total, at: 100%, label: 已超期, tell: [handler]}
quiet: {outside: working_hours, except: urgent}
"""
    drawing = Drawing("plain").start().task("one", by_role()).end().line("start", "one", "end")
    org = read_org((worlds.BPMN / "_org.yaml").read_bytes())

    def errors(text: str) -> list[tuple[str, str]]:
        checked = check_files(worlds.bundle_of("plain", drawing, sla=text), org)
        return [(each.rule, each.zh) for each in checked.findings if each.level == "error"]

    assert errors(sla) == []
    found = errors(sla.replace(was, now))
    assert any(name == rule and said in zh for name, zh in found), found
