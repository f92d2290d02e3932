"""A scenario that does not hold says where and why. That every shipped one does hold, test_cost.py shows."""

from pathlib import Path

import pytest

from app.bundles.files import read_folder
from app.core import clock, config, db
from app.engine.durations import length, parse_duration
from app.processes.check import check_folder, org_beside
from app.processes.publish import publish_folder
from app.processes.walk import Coverage, Walked, walk
from tests.processes.conftest import Change, published


def walked(folder: Path, only: str | None = None) -> tuple[list[Walked], Coverage]:
    return walk(read_folder(folder)[0], published(folder), org_beside(folder)[0], only)


@pytest.mark.usefixtures("district")
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("status: 待签收, tasks: [sign@城管委]", "status: 待派遣, tasks: [sign@城管委]", "状态应为“待派遣”"
                                                                                         "，实际是“待签收”"),
        ("tasks: [sign@城管委]", "tasks: [sign@住建委]", "应有待办 sign@住建委，实际有 sign@城管委。"),
        ("tasks: [sign@城管委]", "tasks: []", "只应有待办 （没有），实际有 sign@"),
        ("sign: 2026-03-02T11:20+08:00", "sign: 2026-03-02T11:21+08:00", "时钟 sign 应到"),
        ("total: running", "total: stopped", "时钟 total 应为 stopped"),
        ("data: {main_unit: 城管委}", "data: {main_unit: 住建委}", "数据 main_unit 应为“住建委”"),
        ("as: 城管委承办员, answers", "as: 住建委承办员, answers", "被拒绝：没有找到，或不在您的范围内。"
                                                                   "（not-found）"),
        ("result: 已更换灯具并试灯。", "result: ' '", "/answers/result 请填写“办理结果”。（required）"),
        ("ended: false", "ended: true", "办件应已结束"),
        ("tiers: []", "tiers: [total.due]", "到达的档应为 total.due，实际是 （没有）"),
        ("log: [dispatch, sign, handle", "log: [dispatch, handle", "办完的环节应为 dispatch → handle"),
    ],
)  # fmt: skip
def test_a_scenario_that_does_not_hold_says_where_and_why(copied: Change, old: str, new: str, says: str):
    stories, _ = walked(copied("scenarios/on_time.yaml", old, new), "on_time")

    assert stories[0].failed is not None
    assert stories[0].failed.startswith("scenarios/on_time.yaml 第 ")
    assert says in stories[0].failed


@pytest.mark.usefixtures("district")
def test_a_refusal_that_does_not_come_fails_the_scenario(copied: Change):
    folder = copied("scenarios/signed_stays.yaml", "problem: task-taken", "problem: task-done")

    stories, _ = walked(folder, "签收后不再自动退回")

    assert "应当因 task-done 被拒绝，实际是：已由城管委值班员于" in (stories[0].failed or "")


@pytest.mark.usefixtures("district")
def test_what_no_scenario_reaches_is_counted_as_missed(copied: Change):
    _, coverage = walked(copied(), "on_time")

    assert {"sign_overdue", "returned", "rejected", "total.due"} == set(coverage.missed)
    assert set(coverage.missed_named) == {
        "定时器“无人签收”(sign_overdue)",
        "连线“退单”(returned)",
        "连线“驳回”(rejected)",
        "档“已超期”(total.due)",
    }
    assert coverage.parts == {"定时": (0, 1), "档": (0, 1)}
    assert coverage.percent < 100


@pytest.mark.usefixtures("sqlite")
def test_scenarios_are_refused_in_production(copied: Change, monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    from app import wire

    wire()
    version = publish_folder(copied()).version
    with db.reading() as session:
        before = clock.offset(session)
    config.use(replace(config.settings(), profile="production"))

    with pytest.raises(clock.ClockFixed):
        walk(check_folder(copied()).files, version.id, None, "on_time")

    with db.reading() as session:
        assert clock.offset(session) == before


FAILS = "hours(title, now()) &gt; 1"
"""A condition that passes the check, since a text may hold an instant, and fails when it does not."""


@pytest.mark.usefixtures("district")
def test_a_process_that_stops_in_a_walk_says_where_and_why(copied: Change):
    folder = copied("process.bpmn", 'outcome("sign") == "退单"', FAILS)

    stories, _ = walked(folder, "on_time")

    failed = stories[0].failed or ""
    assert "（第 12 行，complete）：被拒绝：流程配置出错（process-stopped）。" in failed
    assert "原因：连线“退单”(returned)：流程图中的表达式计算出错。" in failed
    assert "“hours”的参数不是日期" in failed
    assert any("签收“签收”" in line for line in stories[0].lines)  # what happened until then is told too


@pytest.mark.usefixtures("district")
def test_a_timer_that_cannot_fire_fails_the_walk_with_the_reason(copied: Change):
    copied("process.bpmn", 'outcome("sign") == "退单"', FAILS)
    copied("process.bpmn", "<bpmn:incoming>not_signed</bpmn:incoming>", "")
    copied("process.bpmn", '<bpmn:incoming>to_gw_sign</bpmn:incoming>',
           '<bpmn:incoming>to_gw_sign</bpmn:incoming><bpmn:incoming>not_signed</bpmn:incoming>')  # fmt: skip
    folder = copied("process.bpmn", 'sourceRef="sign_overdue" targetRef="dispatch"',
                    'sourceRef="sign_overdue" targetRef="gw_sign"')  # fmt: skip

    stories, _ = walked(folder, "nobody_signs")

    failed = stories[0].failed or ""
    assert "（第 10 行，pass）：到期的定时没有办成。原因：连线“退单”(returned)：" in failed


@pytest.mark.usefixtures("district")
def test_a_walk_tells_timers_tiers_and_lengths_as_people_say_them(copied: Change):
    (unsigned,), _ = walked(copied(), "nobody_signs")
    (late,), _ = walked(copied(), "overdue")

    told = [line[13:] for line in unsigned.lines]
    assert told[4:8] == ["…… 过了 1 小时 59 分钟", "到时：无人签收", "“签收”由系统收回", "…… 过了 2 分钟"]
    assert [line[13:] for line in late.lines][3:6] == ["…… 过了 6 天", "到档：已超期", "…… 过了 1 天"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("P3D", "3 天"),
        ("P1DT2H30M", "1 天 2 小时 30 分钟"),
        ("P1Y2M", "1 年 2 个月"),
        ("P2W", "2 周"),
        ("P5WD", "5 个工作日"),
    ],
)
def test_a_length_of_time_is_said_in_chinese(text: str, says: str):
    assert length(parse_duration(text)) == says


@pytest.mark.usefixtures("district")
def test_a_lane_whose_name_breaks_over_two_lines_keeps_its_rule(copied: Change):
    copied("process.bpmn", 'name="承办单位"', 'name="承办&#10;单位"')
    folder = copied("process.yaml", "  承办单位:", "  承办 单位:")

    (story,), _ = walked(folder, "on_time")

    assert story.failed is None


@pytest.mark.usefixtures("district")
def test_a_scenario_notes_instructs_and_prioritises(copied: Change):
    copied("scenarios/on_time.yaml", "  - pass: PT20M", """\
  - do: {verb: note, as: 派遣员甲, text: 已电话告知}
  - do: {verb: instruct, as: 区领导甲, text: 请今日办结}
  - do: {verb: prioritise, as: 派遣员甲, priority: 90, reason: 领导批示}
  - refused: {verb: instruct, as: 派遣员甲, text: 请快办, problem: forbidden-action}
  - pass: PT20M""")  # fmt: skip

    (story,), _ = walked(copied(), "on_time")

    assert story.failed is None
    told = [line[13:] for line in story.lines]
    assert "派遣员甲 备注：已电话告知" in told
    assert "区领导甲 批示：请今日办结" in told
    assert "派遣员甲 把优先级调整为 90：领导批示" in told
    assert any(line.startswith("派遣员甲 想领导批示，被拒绝：") for line in told)
