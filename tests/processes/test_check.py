"""The check of a whole folder: shipped bundles pass, contradictions between files are told, nothing raises."""

import ast
import random
import re
from pathlib import Path

import pytest

from app.processes.check import check_folder
from tests.engine.decisions.tables import file, table
from tests.processes.conftest import BPMN, SHIPPED, Change

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("key", SHIPPED)
def test_every_shipped_bundle_passes(key: str):
    checked = check_folder(BPMN / key)

    assert [f"{each.file}：{each.zh}" for each in checked.findings] == []
    assert checked.good


@pytest.mark.parametrize("key", SHIPPED)
def test_every_shipped_bundle_explains_itself_and_has_scenarios(key: str):
    assert (BPMN / key / "README.md").read_text("utf-8").startswith("# ")
    assert list((BPMN / key / "scenarios").glob("*.yaml"))
    assert not list((BPMN / key).rglob("*.py"))


@pytest.mark.parametrize("key", [each for each in SHIPPED if not each.startswith("_")])
def test_every_shipped_bundle_says_how_to_change_a_limit_a_role_a_field_and_a_branch(key: str):
    text = (BPMN / key / "README.md").read_text("utf-8")

    change = text.partition("\n## 怎么改\n")[2].partition("\n## ")[0]

    assert [each for each in ("时限", "谁来办", "要填什么", "分支") if each not in change] == []
    assert f"huying process publish {key}`" in change


@pytest.mark.parametrize(
    ("file", "old", "new", "level", "rule", "says"),
    [
        ("process.yaml", "role(dispatcher)@district", "role(dispacher)@district", "error", "bpmn-unknown-role", "没有角色“dispacher”；是不是 dispatcher（派遣员）？"),
        ("process.yaml", "role(dispatcher)@district", "role(派遣员)@district", "error", "bpmn-unknown-role", "请写 dispatcher（派遣员）。"),
        ("process.yaml", "unit(main_unit)", "unit(level)", "error", "bpmn-unknown-role", "不是单位字段"),
        ("process.yaml", "unit(main_unit)", "handler(sing)", "error", "bpmn-unknown-role", "图中没有环节“si"
                                                                                           "ng”"),
        ("process.yaml", "unit(main_unit)", "superior(sing)", "error", "bpmn-unknown-role", "图中没有环节“sing”"),
        ("process.yaml", "unit(main_unit)", "item", "error", "rule-without-item", "任务“签收”(sign) 按 item 指派"),
        ("process.yaml", "unit(main_unit)", "system", "error", "bpmn-unknown-role", "任务“签收”(sign) 在由系统办理"),
        ("process.yaml", "person:dispatcher", "person:boss", "error", "bpmn-unknown-role", "没有角色“boss”"),
        ("process.yaml", "  承办单位:", "  承办部门:", "error", "bpmn-unknown-role", "承办单位"),
        ("process.yaml", "  待签收: 受理中\n", "", "warning", "public-missing", "“待签收”没有在 public"),
        ("process.yaml", "  待签收:", "  待签:", "warning", "public-unused", "“待签”不是图中的状态"),
        ("process.bpmn", 'isExecutable="true"', 'isExecutable="false"', "error", None, ""),
        ("process.bpmn", '<bpmn:process id="work_order_12345"', '<bpmn:process id="other"', "error", None, ""),
        ("process.bpmn", 'formKey="handle"', 'formKey="handel"', "error", "bpmn-unknown-form", "handel"),
        ("process.bpmn", 'due("sign")', 'due("sing")', "error", "bpmn-unknown-clock", "sing"),
        ("process.bpmn", 'outcome("sign") == "退单"', "levle == 1", "error", "bpmn-unknown-name", "levle"),
        ("process.bpmn", 'value="case.dispatched"', 'value="case.sent"', "error", "event-unknown", "不是里"
                                                                                                   "程碑"),
        ("process.bpmn", 'due("sign")', "workdays(0)", "error", "bpmn-timer-out-of-range", "workdays() 请写 1 到 2,610"),
        ("process.bpmn", 'value="待派遣"', f'value="{"长" * 61}"', "error", "word-too-long", "最多 60 个"),
        ("process.bpmn", 'due("sign")', "P3WD1D", "error", "bpmn-timer-out-of-range", "“P3WD1D”"),
        ("process.yaml", "facts:", "verbs: {handel: {forbid: [transfer]}}\nfacts:", "error", "verb-step-unknown", "是不是 handle"),
        ("process.yaml", "facts:", "reopen: {to: handel, within: P15D}\nfacts:", "error", "step-unknown", "是不是 handle"),
        ("process.yaml", "facts:", "reopen: {to: handle, within: 十五天}\nfacts:", "error", "duration-invalid", "十五天"),
        ("process.yaml", "facts:", "verbs: {sign: {rejectOrder: {max: 1, then: rview}}}\nfacts:", "error", "verb-step-unknown", "是不是 review"),
        ("process.yaml", "facts:", "attachments: {handel: {min: 1}}\nfacts:", "error", "step-unknown", "attachments：图中没有环节“handel”"),
        ("process.yaml", "facts:", "attachments: {review: {min: 1, of: [handel]}}\nfacts:", "error", "step-unknown", "没有环节“handel”"),
        ("process.yaml", "facts:", "attachments: {review: {min: 1, outcomes: [同意]}}\nfacts:", "error", "outcome-unknown", "没有办理结论“同意”；有 通过、驳回"),
        ("process.yaml", "facts:", "releases: {dispach: [main_unit]}\nfacts:", "error", "step-unknown", "releases：图中没有环节“dispach”；有 dispatch"),
        ("process.yaml", "facts:", "releases: {dispatch: [main_unti]}\nfacts:", "error", "name-undeclared", "是不是 main_unit"),
        ("process.yaml", "facts:", "releases: {dispatch: [priority]}\nfacts:", "error", "value-invalid", "不能在 releases 里清空"),
        ("forms/sign.yaml", "{name: return_reason}", "{name: return_reason, requiredIf: outcome == \"退回\"}", "error", "outcome-unknown", "任务“签收”(sign) 没有它；有 签收、退单"),
        ("forms/filing.yaml", "{name: appeal}", "{name: appeal, showIf: outcome == \"退单\"}", "error", "outcome-unknown", "登记时没有结论可选"),
        ("forms/sign.yaml", "{name: return_reason}", "{name: return_reason, requiredIf: outcome(\"sign\") == \"退单\"}", "error", "expression-syntax", "outcome"),
        ("sla.yaml", "task.opened(sign)", "task.opened(sing)", "error", "event-step-unknown", "没有环节“sin"
                                                                                              "g”"),
        ("sla.yaml", "stop: case.closed", "stop: case.rated", "error", "event-never", "永远等不到"),
        ("sla.yaml", "stop: case.closed", "stop: data.true(sloved)", "error", "event-name-unknown", "是不是 solved"),
        ("sla.yaml", "stop: case.closed", "stop: data.true(level)", "error", "event-name-unknown", "没有是/否的“level”"),
        ("sla.yaml", "stop: case.closed", "stop: data.true", "error", "event-invalid", "是/否的名字"),
        ("sla.yaml", "limit: P7D", "limit: until(levle)", "error", "limit-no-date", "“levle”不是"),
        ("sla.yaml", "clock: total", "clock: totl", "error", "clock-unknown", "没有时钟“totl”"),
        ("scenarios/on_time.yaml", "as: 派遣员甲", "as: 派遣员丙", "error", "scenario-unknown-person", "派"
                                                                                                       "遣"
                                                                                                       "员"
                                                                                                       "丙"),
        ("scenarios/on_time.yaml", "step: sign", "step: sing", "error", "scenario-unknown-step", "sing"),
        ("scenarios/on_time.yaml", "outcome: 签收", "outcome: 收下", "error", "scenario-outcome", "签收、"
                                                                                                  "退单"),
        ("scenarios/on_time.yaml", "solved: true", "sloved: true", "error", "scenario-unknown-field", "slov"
                                                                                                      "ed"),
        ("scenarios/on_time.yaml", "pass: PT20M", "pass: 20分钟", "error", "duration-invalid", "20分钟"),
        ("scenarios/on_time.yaml", "level: 一般", "levle: 一般", "error", "scenario-unknown-field", "level"),
        ("process.bpmn", 'due("sign")', "P3WDT2H", "error", "bpmn-timer-out-of-range", "、P1M（1 个月）。"),
        ("scenarios/on_time.yaml", "pass: PT20M", "message: {name: x, key: y}", "error", "scenario-unknown-message", "没有收到的消息“x”"),
        ("scenarios/on_time.yaml", "pass: PT20M", "do: {verb: unclaim, as: 派遣员甲, reason: x}", "error", "key-missing", "缺少“step”"),
        ("scenarios/on_time.yaml", "pass: PT20M", "do: {verb: unclaim, as: 派遣员甲, step: sign}", "error", "key-missing", "缺少“reason”"),
        ("scenarios/on_time.yaml", "pass: PT20M", "do: {verb: note, as: 派遣员甲, step: sign, text: x}", "error", "scenario-key", "“note”（备注）不写“step”；可以写 text"),
        ("scenarios/on_time.yaml", "pass: PT20M", "do: {verb: claim, as: 派遣员甲, step: sign}", "error", "scenario-verb", "写成 - claim: {…}"),
        ("scenarios/on_time.yaml", "pass: PT20M", "do: {verb: noet, as: 派遣员甲, text: x}", "error", "scenario-verb", "是不是 note"),
        ("scenarios/signed_stays.yaml", "verb: unclaim", "verb: favourite", "error", "key-not-yet", "“favourite”尚未开放"),
        ("scenarios/on_time.yaml", "at: 2026-03-02T09:00+08:00", "at: 2026-03-02T09:00", "error", "value-in"
                                                                                                  "valid", "带时区"),
        ("scenarios/overdue.yaml", "[total.due]", "[total.late]", "error", "tier-unknown", "total.due"),
        ("scenarios/on_time.yaml", "- pass: PT20M", "- {pass: PT20M, expect: {ended: false}}", "error", "scenario-step", "每一步只写一个键"),
        ("scenarios/on_time.yaml", "end: archived", "end: archive", "error", "scenario-unknown-end", "是不是 archived"),
        ("sla.yaml", "colour: red}", "colour: red}\n  - {key: due, clock: total, at: 90%, label: 快到期}", "error", "tier-twice", "时钟“total”已经有档“due”"),
        ("sla.yaml", "at: 100%,", "at: 100%, age: P1D,", "error", "tier-when", "要写且只写一个"),
        ("sla.yaml", "at: 100%,", "at: 100%, class: late,", "error", "tier-class", "请写 age"),
        ("sla.yaml", "at: 100%,", "age: P5WD, class: late,", "error", "tier-class", "请写 age"),
        ("sla.yaml", "colour: red}", "colour: red}\n  - {key: m1, clock: total, age: P1M, label: 一, class: c}\n  - {key: s1, clock: sign, age: P3M, label: 二, class: c}", "error", "tier-class", "一类只能用一个时钟"),
        ("sla.yaml", "colour: red}", "colour: red}\n  - {key: m3, clock: total, age: P3M, label: 三, class: c}\n  - {key: m1, clock: total, age: P1M, label: 一, class: c}", "error", "tier-overlap", "请从早到晚写"),
        ("sla.yaml", "colour: red}", "colour: red}\n  - {key: d30, clock: total, age: P30D, label: 三十天, class: c}\n  - {key: m1, clock: total, age: P1M, label: 一个月, class: c}", "error", "tier-overlap", "“三十天”（30 天）和“一个月”（1 个月）会重叠"),
        ("sla.yaml", "at: 100%, ", "", "error", "tier-when", "要写且只写一个"),
        ("process.yaml", "facts: [appeal,", "facts: [title, appeal,", "error", "fact-reserved", "“title”"),
        ("process.yaml", "  区分中心:", "  分中心: role(dispatcher)@district\n  区分中心:", "warning", "lane-unused", "泳道“分中心”在图中没有"),
        ("process.yaml", "facts:", "verbs: {handle: {rejectOrder: {max: 1, then: review}}}\nfacts:", "error", "verb-without-outcome", "结论里要有“退单”"),
        ("forms/sign.yaml", "{name: return_reason}", "{name: return_reason, choices: [非职责, 不想办]}", "error", "choices-unknown", "“不想办”不在 data 声明的选项里"),
        ("process.yaml", "facts:", "schedules: [{name: daily, every: P1D, at: '09:00', unit: d1, title: 每天一件}]\nfacts:", "error", "schedule-start", "starts 里要有 schedule"),
        ("process.yaml", "facts:", "schedules: [{name: daily, every: P1D, at: '09:00', unit: d1, title: 每天一件, form: {levle: 一般}}]\nfacts:", "error", "schedule-start", "“levle”不在登记表里"),
        ("process.yaml", "facts:", "schedules: [{name: daily, every: P1D, at: '09:00', start: other_thing, unit: d9, title: 每天一件}]\nfacts:", "warning", "schedule-unit", "“d9”"),
        ("process.yaml", "facts:", "measures: {rate: {label: 率, unit: mean}}\nfacts:", "error", "measure-invalid", ""),
        ("process.yaml", "facts:", "measures: {rate: {label: 率, unit: count, numerator: has(content)}}\nfacts:", "error", "measure-not-a-fact", "content"),
        ("scenarios/on_time.yaml", "steps:", "steps:\n  - start: {schedule: weekly, called: 又一件}", "error", "scenario-unknown-schedule", "“weekly”"),
        ("../_org.yaml", "units:", "unitz:", "error", "org-invalid", "unitz"),
    ],
)  # fmt: skip
def test_what_two_files_say_against_each_other_is_told(
    copied: Change, file: str, old: str, new: str, level: str, rule: str | None, says: str
):
    checked = check_folder(copied(file, old, new))

    told = [each for each in checked.findings if rule in (None, each.rule) and says in each.zh]
    assert told, [f"{each.rule} {each.zh}" for each in checked.findings]
    assert told[0].level == level
    assert checked.good == (level == "warning")


def test_a_file_over_1_mib_and_more_than_200_files_are_too_large(copied: Change):
    folder = copied()
    (folder / "README.md").write_bytes(b"x" * (1024 * 1024 + 1))
    for number in range(200):
        (folder / "forms" / f"z{number:03}.yaml").touch()

    told = [each for each in check_folder(folder).findings if each.rule == "bundle-too-large"]

    assert {each.zh for each in told} == {"文件超过 1 MiB。", "文件超过 200 个。"}
    assert all(each.level == "error" for each in told)


NO_RULES = re.compile(r"date-time|x-.*")  # words of JSON Schema


def test_every_rule_named_in_the_code_has_its_bad_bundle():
    code = [path for room in ("bundles", "processes") for path in (ROOT / "app" / room).glob("*.py")]
    named = {
        each.value
        for path in code
        for each in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(each, ast.Constant)
        and isinstance(each.value, str)
        and re.fullmatch(r"[a-z]+(-[a-z]+)+", each.value)
        and not NO_RULES.fullmatch(each.value)
    }
    tests = [path for path in (ROOT / "tests").rglob("*") if path.suffix in (".py", ".yaml")]
    shown = set(re.findall(r"[a-z]+(?:-[a-z]+)+", "\n".join(path.read_text("utf-8") for path in tests)))

    assert named - shown == set()


def lines(folder: Path, level: str = "error") -> list[str]:
    return [f"{each.rule} {each.zh}" for each in check_folder(folder).findings if each.level == level]


SIGN_IN_LANE = "        <bpmn:flowNodeRef>sign</bpmn:flowNodeRef>\n"


def test_a_step_without_lane_and_without_rule_is_refused(copied: Change):
    (told,) = lines(copied("process.bpmn", SIGN_IN_LANE, ""))

    assert told.startswith("bpmn-unknown-role 任务“签收”(sign) 不在任何泳道里，也没有写候选规则")


def test_a_candidate_rule_takes_the_place_of_a_lane(copied: Change):
    copied("process.bpmn", SIGN_IN_LANE, "")
    folder = copied("process.bpmn", '<bpmn:userTask id="sign"',
                    '<bpmn:userTask id="sign" camunda:candidateGroups="unit(main_unit)"')  # fmt: skip

    assert lines(folder) == []


def test_a_candidate_rule_names_a_step_that_exists(copied: Change):
    folder = copied("process.bpmn", '<bpmn:userTask id="handle"',
                    '<bpmn:userTask id="handle" camunda:candidateGroups="handler(签收)"')  # fmt: skip

    (told,) = lines(folder)

    assert told.startswith("bpmn-unknown-step 任务“办理”(handle) 的候选规则 handler(签收) 有误：图中没有环节")
    assert "请写 sign（签收）。" in told


@pytest.mark.parametrize("called", ["side_assist", "nothing", ""])
def test_a_call_is_told_once_whatever_it_calls(copied: Change, called: str):
    copied(
        "process.bpmn",
        '<bpmn:userTask id="archive"',
        f'<bpmn:callActivity calledElement="{called}" id="archive"',
    )
    text = (copied() / "process.bpmn").read_text("utf-8")
    before, _, after = text.partition('id="archive"')
    after = after.replace("</bpmn:userTask>", "</bpmn:callActivity>", 1)
    (copied() / "process.bpmn").write_text(before + 'id="archive"' + after, "utf-8")

    (told,) = [each for each in lines(copied()) if "callActivity" in each or "调用" in each]

    assert told.startswith("bpmn-call-unresolved")


@pytest.mark.parametrize("name", ["assignee", "candidateUsers"])
def test_a_person_named_in_the_diagram_is_refused_and_hides_nothing(copied: Change, name: str):
    copied("process.bpmn", SIGN_IN_LANE, "")
    folder = copied("process.bpmn", '<bpmn:userTask id="sign"',
                    f'<bpmn:userTask id="sign" camunda:{name}="cgw1"')  # fmt: skip

    assert [each.split("；")[0] for each in lines(folder)] == [
        "bpmn-unknown-role 任务“签收”(sign) 不在任何泳道里，也没有写候选规则，不知道由谁办理。请把它画进泳道。",
        f"key-not-yet 任务“签收”(sign) 写了 camunda:{name}“cgw1”：指定到个人尚未开放",
    ]


def test_a_step_straight_in_an_outer_lane_needs_a_rule_for_that_lane(copied: Change):
    copied("process.bpmn", SIGN_IN_LANE, "")
    folder = copied("process.bpmn", '<bpmn:laneSet id="lanes">',
                    '<bpmn:laneSet id="lanes"><bpmn:lane id="outer" name="各单位">'
                    '<bpmn:flowNodeRef>sign</bpmn:flowNodeRef><bpmn:childLaneSet id="inner">'
                    '<bpmn:lane id="empty" name="承办单位" /></bpmn:childLaneSet></bpmn:lane>')  # fmt: skip

    (told,) = lines(folder)

    assert "任务“签收”(sign) 直接画在泳道“各单位”里，process.yaml 的 lanes 没有它" in told


def everything(folder: Path) -> list[str]:
    return [f"{each.rule} {each.zh}" for each in check_folder(folder).findings]


def test_a_misspelt_form_is_told_once_whoever_fills_it_in(copied: Change):
    (told,) = everything(copied("process.bpmn", 'formKey="handle"', 'formKey="handel"'))

    assert told.startswith("bpmn-unknown-form ")


def test_answers_without_a_form_are_told_once_a_step_with_the_forms_there_are(copied: Change):
    folder = copied("process.bpmn", 'name="办理" camunda:formKey="handle"', 'name="办理"')

    told = everything(folder)

    assert not any("（没有）" in each for each in told)
    assert [each for each in told if each.startswith("form-missing")] == [
        "form-missing 任务“办理”(handle) 没有写表单（formKey），场景却在这里填写了内容；"
        "forms/ 中有 dispatch、filing、handle、sign（是不是 handle？）。"
    ]
    assert any(
        each.startswith("scenario-no-form ")
        and "任务“办理”(handle) 没有表单（图中没有写 formKey），不能填写contacted、" in each
        for each in told
    )


def test_what_names_a_refused_element_is_not_told_again(copied: Change):
    copied("sla.yaml", "task.opened(sign)", "task.opened(handle)")
    text = (copied() / "process.bpmn").read_text("utf-8")
    start = text.index('<bpmn:userTask id="handle"')
    end = text.index("</bpmn:userTask>", start)
    text = (
        text[:start]
        + text[start:end].replace("userTask", "scriptTask")
        + "</bpmn:scriptTask>"
        + text[end + 16 :]
    )
    (copied() / "process.bpmn").write_text(
        text.replace('outcome("review") == "驳回"', 'outcome("handle") == "报结"'), "utf-8"
    )

    told = lines(copied())

    assert [each.split()[0] for each in told] == ["bpmn-script-forbidden"]


def test_a_form_that_no_step_uses_is_a_warning(copied: Change):
    (copied() / "forms" / "spare.yaml").write_text("title: 备用\nfields: [{name: content}]\n", "utf-8")

    checked = check_folder(copied())

    assert [(each.rule, each.file) for each in checked.findings] == [("form-unused", "forms/spare.yaml")]
    assert checked.good


def test_two_branches_that_fill_the_same_name_are_refused(copied: Change):
    folder = copied("process.bpmn", 'id="sign_overdue" name="无人签收" attachedToRef="sign"',
                    'id="sign_overdue" name="无人签收" attachedToRef="sign" cancelActivity="false"')  # fmt: skip
    copied("process.bpmn", 'id="not_signed" sourceRef="sign_overdue" targetRef="dispatch"',
           'id="not_signed" sourceRef="sign_overdue" targetRef="urge"')  # fmt: skip
    copied("process.bpmn", "<bpmn:incoming>not_signed</bpmn:incoming>", "")
    copied("process.bpmn", '<bpmn:flowNodeRef>sign</bpmn:flowNodeRef>',
           '<bpmn:flowNodeRef>sign</bpmn:flowNodeRef><bpmn:flowNodeRef>urge</bpmn:flowNodeRef>')  # fmt: skip
    copied("process.bpmn", '<bpmn:exclusiveGateway id="gw_sign"',
           '<bpmn:userTask id="urge" name="催签" camunda:formKey="sign"><bpmn:incoming>not_signed</bpmn:'
           'incoming>'
           '<bpmn:outgoing>urged</bpmn:outgoing></bpmn:userTask><bpmn:endEvent id="urged_end" name="已催">'
           '<bpmn:incoming>urged</bpmn:incoming></bpmn:endEvent>'
           '<bpmn:sequenceFlow id="urged" sourceRef="urge" targetRef="urged_end" />'
           '<bpmn:exclusiveGateway id="gw_sign"')  # fmt: skip

    told = [each for each in check_folder(folder).findings if each.rule == "bpmn-parallel-write"]

    assert any(
        "“签收”(sign)" in each.zh and "“催签”(urge)" in each.zh and "return_reason" in each.zh
        for each in told
    )

    for name in ("return_reason", "suggested_unit"):
        copied("process.yaml", f"  {name}:".ljust(18) + "{", f"  {name}:".ljust(18) + "{lastWins: true, ")
    assert not [each for each in check_folder(folder).findings if each.rule == "bpmn-parallel-write"]


def test_a_step_of_several_keeps_each_answer_per_item(copied: Change):
    copied("process.yaml", "data:", "data:\n  helpers: {type: list, of: unit, label: 协办单位}\n #")
    copied("forms/handle.yaml", "  - {name: unsolved_why", "  - {name: helpers}\n  #")
    text = (copied() / "process.bpmn").read_text("utf-8")
    start = text.index('<bpmn:userTask id="handle"')
    end = text.index("</bpmn:userTask>", start)
    several = '<bpmn:multiInstanceLoopCharacteristics camunda:collection="helpers" />'
    (copied() / "process.bpmn").write_text(text[:end] + several + text[end:], "utf-8")

    def told() -> set[str]:
        found = check_folder(copied()).findings
        return {each.zh.split("”(")[2].split(")")[0] for each in found if each.rule == "bpmn-parallel-write"}

    assert told() == {"contacted", "solved", "handled_on", "result", "helpers"}
    copied("process.yaml", "  handled_on:     {", "  handled_on:     {per: item, ")
    assert told() == {"contacted", "solved", "result", "helpers"}


def test_a_missing_folder_and_an_empty_one_are_told(tmp_path: Path):
    (tmp_path / "empty").mkdir()

    assert [each.rule for each in check_folder(tmp_path / "nothing").findings] == ["file-missing"]
    assert {each.file for each in check_folder(tmp_path / "empty").findings} == {
        "process.bpmn",
        "process.yaml",
        "sla.yaml",
    }


def test_a_link_out_of_the_folder_is_not_followed(copied: Change):
    folder = copied()
    (folder / "forms" / "handle.yaml").unlink()
    (folder / "forms" / "handle.yaml").symlink_to("/etc/hostname")

    assert any(each.rule == "file-unreadable" for each in check_folder(folder).findings)


def test_no_damage_to_a_folder_makes_the_check_raise(copied: Change):
    folder = copied()
    chance = random.Random(20260302)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = {path: path.read_bytes() for path in files}

    for _ in range(60):
        path = chance.choice(files)
        data = bytearray(whole[path])
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            cut = chance.randint(1, 40)
            data[at : at + cut] = chance.choice(
                [b"", b"[", b"{", b"\xff", b": ", b"\n", b"&a *a", b"null", bytes(data[:30])]
            )
        path.write_bytes(data)
        checked = check_folder(folder)
        assert not any(each.rule in ("check-failed", "bpmn-check-failed") for each in checked.findings), (
            bytes(data)
        )
        path.write_bytes(whole[path])


def with_secret(folder: Path) -> Path:
    """The work order with a caller's number that is kept sealed."""
    process = folder / "process.yaml"
    text = process.read_text("utf-8").replace(
        "data: ",
        "data:\n  caller_phone: {type: text, format: phone, secret: true, label: 来电号码}\nxdata: ",
        1,
    )
    head, _, rest = text.partition("xdata: ")
    process.write_text(head + rest.partition("\n")[2], "utf-8")
    return folder


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ('outcome("sign") == "退单"', "has(caller_phone)"),
        ('outcome("review") == "驳回"', 'caller_phone == "13800138000"'),
    ],
)
def test_a_secret_name_in_a_condition_is_refused_with_the_reason(
    copied: Change, condition: str, place: str
) -> None:
    folder = with_secret(copied("process.bpmn", condition, place.replace('"', "&quot;")))

    found = [each for each in check_folder(folder).findings if each.rule == "secret-in-condition"]

    assert len(found) == 1
    assert (
        "“caller_phone”（来电号码）是加密保存的（secret: true），不能用在条件、决策表和自动处理里"
        in found[0].zh
    )


def test_a_secret_name_in_a_table_is_refused_with_the_reason(copied: Change) -> None:
    folder = with_secret(copied("sla.yaml", "limit: P7D", "limit: table(limits)"))
    asked = table(["caller_phone"], ["limit"], [["-", '"P7D"']], identifier="limits")
    (folder / "decisions").mkdir()
    (folder / "decisions" / "limits.dmn").write_bytes(file(asked))

    found = {each.rule for each in check_folder(folder).findings}

    assert "secret-in-condition" in found
