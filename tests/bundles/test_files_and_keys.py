"""The formats: unknown keys, keys not open yet, wrong values; each with its line and the right thing."""

from typing import Any

import pytest

from app.bundles.bundle import Bundle
from app.bundles.endings import AttachmentRule
from app.bundles.files import BundleFiles, sort_out, unpack
from app.bundles.schema import schemas
from tests.bundles.conftest import FORM, PROCESS, SLA


def only(findings: Any) -> Any:
    errors = [each for each in findings if each.level == "error"]
    assert len(errors) == 1, [each.zh for each in findings]
    return errors[0]


@pytest.mark.parametrize(
    ("part", "old", "new", "rule", "says"),
    [
        ("process", "facts:", "fakts:", "key-unknown", "第 24 行：不认识“fakts”；这里可以写 key、name"),
        ("process", "type: bool,", "type： bool,", "key-unknown", "“type： bool”里的冒号要用英文的 :，后面空"
                                                                  "一格"),
        ("process", "facts: [level]", "verbs: {a: {forbid: [supervize]}}", "verb-unknown", "supervise"),
        ("process", "facts: [level]", "verbs: {a: {forbid: [transfre]}}", "verb-unknown", "是不是 transfer"),
        ("process", "facts: [level]", "verbs: {a: {rejectOrder: {max: 2}}}", "value-invalid", "一起写"),
        ("process", "facts: [level]", "verbs: {a: {urge: {every: 1h}}}", "value-invalid", "PT30M"),
        ("process", "facts: [level]", "verbs: {a: {transfer: {then: b}}}", "value-invalid", "只用于 rejectOrder"),
        ("process", "facts: [level]", "returns: {overSend: skip}", "value-invalid", "refuse、resend"),
        ("process", "facts: [level]", "verbs: {a: {forbid: [complete]}}", "verb-needed", "“complete”（办理）不能禁止"),
        ("process", "facts: [level]", "returns: {joinedBlocks: branch}", "key-unknown", "是不是 joinedBlock"),
        ("process", "facts: [level]", "attachments: {handle: {kinds: [pdf]}}", "key-missing", "缺少“min”"),
        ("process", "facts: [level]", "attachments: {handle: {min: 1, kinds: [jpg]}}", "value-invalid", "image、pdf、office"),
        ("process", "facts: [level]", "onParentEnd: stop", "value-invalid", "cancel、finish、block"),
        ("process", "facts: [level]", "facts: [levle]", "name-undeclared", "是不是 level？"),
        ("process", "facts: [level]", "facts: [long]", "fact-type", "不能用来筛选"),
        ("process", "name: 小流程\n", "", "key-missing", "缺少“name”"),
        ("process", "key: small", "key: other", "key-differs", "文件夹是“small”"),
        ("process", "type: choice, of: [突发, 一般]", "type: chioce", "type-unknown", "是不是 choice？"),
        ("process", "type: choice, of: [突发, 一般]", "type: choice", "key-missing", "of 列出选项"),
        ("process", "type: choice, of: [突发, 一般]", "type: category", "value-invalid", "table: city_12345"),
        ("process", "type: choice, of: [突发, 一般]", "type: category, table: City", "value-invalid", "小写英文名"),
        ("process", "type: bool,", "type: bool, table: city_12345,", "value-invalid", "别的类型不写 table"),
        ("process", "yes:", "kind: {type: category, table: t, label: 类}\n  kind_name:", "name-reserved", "系统自己填写"),
        ("process", "type: bool,", "type: bool, per: case,", "value-invalid", "只能是 item"),
        ("process", "type: bool,", "type: bool, lastWins: 是,", "value-invalid", "应为 true 或 false"),
        ("process", "label: 紧急程度}", "label: 紧急程度, per: item}", "fact-type", "per: item"),
        ("process", "type: bool,", "type: bool, kinds: [pdf],", "value-invalid", "kinds 只用于 files"),
        ("process", "type: bool,", "type: bool, each: 10MB,", "value-invalid", "each 只用于 files"),
        ("process", "type: bool,", "type: bool, each: 10GB,", "value-invalid", "例如 10MB"),
        ("process", "facts: [level]", "attachments: {a: {min: 1, kinds: [photo]}}", "value-invalid", "image、pdf"),
        ("process", "facts: [level]", "attachments: {a: {kinds: [pdf]}}", "key-missing", "至少几个"),
        ("process", "facts: [level]", "attachments: {a: {min: 1, ifMissing: warn}}", "value-invalid", "refuse、confirm"),
        ("process", "type: bool,", "type: bool, secret: true,", "secret-type", "secret 只用于 text"),
        ("process", "type: bool,", "type: bool, secret: 是,", "value-invalid", "应为 true 或 false"),
        ("process", "max: 50, label: 原因", "per: item, secret: true, label: 原因", "key-not-yet", "去掉 per 或 secret"),
        ("process", "format: phone, label: 电话, secret: true", "format: phone, label: 电话", "secret-required", "须加密保存"),
        ("process", "facts: [level]", "facts: [phone]", "fact-secret", "“phone”（电话）是加密保存的"),
        ("process", "facts: [level]", "facts: [level]\nrepeats: {caller: [level], within: P30D, steps: [a]}", "value-invalid", "只能是加密的电话"),
        ("process", "facts: [level]", "facts: [level]\nrepeats: {caller: [phone], within: P5WD, steps: [a]}", "duration-invalid", "只能写自然时间"),
        ("process", "facts: [level]", "facts: [level]\nrepeats: {caller: [phone], text: [phone], within: P5D, steps: [a]}", "value-invalid", "只能是不加密的文字"),
        ("process", "facts: [level]", "facts: [level]\nprompts: [{key: aa, when: phone == 1, text: 甲}]", "unknown-name", "prompts 的条件"),
        ("process", "facts: [level]", "facts: [level]\nprompts: [{key: aa, when: round > 1, text: 甲}, {key: aa, when: round > 2, text: 乙}]", "prompt-twice", "写了两次"),
        ("process", "max: 20, label", "max: 20, format: nmae, label", "value-invalid", "是不是 name？"),
        ("form", "- {name: why, showIf: level == \"突发\"", "- {name: why, showIf: has(phone)", "secret-in-condition", "不能用在 showIf 的条件里"),
        ("form", "requiredIf: level == \"突发\"", "requiredIf: level == \"突发\" and phone == \"1\"", "secret-in-condition", "“phone”（电话）是加密保存的"),
        ("form", "- {name: helpers}", "- {name: tel, type: text, format: phone, label: 电话}", "secret-required", "process.yaml 的 data"),
        ("form", "- {name: short", "- {name: short, format: phone", "secret-required", "给“short”写上 secret: true"),
        ("process", "type: bool,", "type: bool, max: 3,", "value-invalid", "max 只用于"),
        ("process", "min: 0, max: 100", "min: 9, max: 1", "value-invalid", "min 比 max 大"),
        ("process", "yes:", "title:", "name-reserved", "每个流程都有"),
        ("process", "yes:", "_yes:", "name-invalid", "不能作名字"),
        ("process", "starts: [api]", "starts: [\"message:\"]", "value-invalid", "不认识启动方式"),
        ("process", "starts: [api]", "starts: [anyone]", "value-invalid", "不认识启动方式"),
        ("process", "{seq:04}", "{seq}", "number-invalid", "不认识“{seq}”"),
        ("process", "-{seq:04}", "", "number-invalid", "有且只有一个流水号"),
        ("process", "role(dispatcher)@district", "group(x)", "key-not-yet", "泳道“中心”"),
        ("process", "role(dispatcher)@district", "rol(x)", "rule-invalid", "没有名为“rol”"),
        ("sla", "limit: P7D}}", "limit: P7D}}\ntiers: [{key: near, clock: total, at: -P1M, label: 快到了}]", "duration-invalid", "只能写周、天、小时"),
        ("sla", "limit: P7D", "limit: P7X", "duration-invalid", "P7X"),
        ("sla", "limit: P7D", "limit: P5WD2D", "duration-invalid", "P5WD（5 个工作日）"),
        ("sla", "limit: P7D", "limit: PT4WHS", "duration-invalid", "PT4WH（4 个工作小时）"),
        ("sla", "limit: P7D", "limit: tabel(limits)", "value-invalid", "table(limits)"),
        ("sla", "limit: P7D}}", "limit: P7D}}\nlimits: limits.dmn", "value-invalid", "decisions/ 下的决策表文件"),
        ("process", "facts: [level]", "noMatch: none", "value-invalid", "error 或 null"),
        ("sla", "limit: P7D", "limit: P7D, pauseOn: [hlod]", "value-invalid", "是不是 hold"),
        ("sla", "limit: P7D", "limit: P7D, extendable: {max: 1, by: P5X}", "duration-invalid", "P5X"),
        ("sla", "limit: P7D", "limit: P7D, extendable: {max: 1, by: months(1)}", "value-invalid", "months(1)"),
        ("sla", "limit: P7D", "limit: P7D, extendable: {max: 0, by: P1D}", "value-invalid", "1 到 10 的整数"),
        ("sla", "limit: P7D", "limit: P7D, per: unit", "value-invalid", "per: unit 由 unit.assigned"),
        ("sla", "limit: P7D", "limit: P7D, per: week", "value-invalid", "per 只能写 round"),
        ("sla", "limit: P7D", "limit: P7D, per: round", "value-invalid", "一件只收到一次"),
        ("sla", "start: case.received", "start: case.recieved", "event-invalid", "（是不是 case.received"),
        ("sla", "start: case.received", "start: task.opened", "event-invalid", "后面要写环节"),
        ("sla", "start: case.received", "start: unit.assigned", "value-invalid", "请写上 per: unit"),
        ("sla", "start: case.received", "start: case.suspended", "key-not-yet", "尚未开放"),
        ("form", "required: true", "requird: true", "key-unknown", "是不是 required"),
        ("form", "required: true", "suggest: [classify]", "value-invalid", "智能建议的名字"),
        ("form", "required: true", "required: 是", "value-invalid", "应为 true 或 false"),
        ("form", "- {name: yes}", "- {name: yse}", "name-undeclared", "是不是 yes"),
        ("form", "- {name: yes}", "- {name: level}", "field-twice", "写了两次"),
        ("form", "- {name: yes}", "- {name: number}", "name-reserved", "不能放进表单"),
        ("form", "- {name: yes}", "- {name: yes, type: text, label: 是否}", "type-conflict", "别处的类型是 "
                                                                                             "bool"),
        ("form", "- {name: yes}", "- {name: new, type: text}", "key-missing", "还要写 label"),
        ("form", 'showIf: level == "突发", r', 'showIf: level = "突发", r', "expression-syntax", "第 7 "
                                                                                                 "个字符处"
                                                                                                 "有误"),
        ("form", 'showIf: level == "突发", r', "showIf: levle, r", "unknown-name", "levle"),
        ("form", 'showIf: level == "突发", r', "showIf: place, r", "expression-type", "has(place)"),
        ("form", "'units(kind=\"department\", not=returned_units)'", "units(kind=department)", "choices-inv"
                                                                                               "alid", "要"
                                                                                                       "加"
                                                                                                       "双"
                                                                                                       "引"
                                                                                                       "号"),
        ("form", "{name: level, required: true}", "{name: level, choices: categories(leaf=true)}", "choices-misplaced", "categories(…) 只用于 category"),
        ("form", "{name: level, required: true}", "{name: kind, type: category, label: 类, table: t, choices: categories(level=0)}", "choices-invalid", "level= 写 1 到 9"),
        ("form", "{name: level, required: true}", "{name: kind, type: category, label: 类, table: t, choices: categories(under=01)}", "choices-invalid", "要加双引号"),
        ("form", "{name: level, required: true}", "{name: level, table: t}", "value-invalid", "这里不写 table"),
        ("form", "'units(kind=\"department\", not=returned_units)'", "people(role=x)", "key-not-yet", "尚未"
                                                                                                      "开放"),
        ("form", "'units(kind=\"department\", not=returned_units)'", "'units(not=nobody)'", "name-undeclared", "nob"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_finding_with_what_would_be_right(
    compile_with: Any, part: str, old: str, new: str, rule: str, says: str
):
    texts = {"process": PROCESS, "sla": SLA, "form": FORM}
    assert old in texts[part]
    texts[part] = texts[part].replace(old, new, 1)

    bundle, findings = compile_with(**texts)

    error = only(findings)
    assert bundle is None
    assert (error.rule, says in error.zh) == (rule, True), error.zh
    assert error.line is not None


def test_a_clock_has_a_label_for_people_or_its_own_name(compile_with: Any):
    plain, _ = compile_with()
    named, _ = compile_with(sla=SLA.replace("{start:", "{label: 群众时限, start:"))

    assert plain.sla.clocks["total"].label == "total"
    assert named.sla.clocks["total"].label == "群众时限"
    assert "label" in schemas()["sla"]["properties"]["clocks"]["additionalProperties"]["properties"]


def test_a_comma_inside_an_unquoted_query_is_explained(compile_with: Any):
    form = FORM.replace(
        "'units(kind=\"department\", not=returned_units)'", 'units(kind="department", not=returned_units)'
    )

    _, findings = compile_with(form=form)

    assert any("整个加引号" in each.zh for each in findings)


def test_a_field_may_bring_its_own_type_and_is_then_known_to_the_process(compile_with: Any):
    bundle, findings = compile_with(
        form=FORM + "  - {name: extra, type: text, label: 补充, showIf: extra is None}\n"
    )

    assert not findings
    assert bundle.process.data["extra"].label == "补充"


def test_a_number_is_made_of_the_day_and_a_sequence(bundle: Bundle):
    from datetime import date

    number = bundle.process.number

    assert number.render(date(2026, 3, 2), 7) == "X-20260302-0007"
    assert number.render(date(2026, 3, 2), 123456) == "X-20260302-123456"
    assert number.period(date(2026, 3, 2)) == "20260302"


def test_a_version_is_the_hash_of_what_runs_and_of_nothing_else():
    files = BundleFiles(
        "a", {"process.yaml": b"1", "forms/x.yaml": b"2", "README.md": b"3", "scenarios/s.yaml": b"4"}
    )
    same = BundleFiles("a", {"forms/x.yaml": b"2", "process.yaml": b"1", "README.md": b"other"})

    assert files.version == same.version
    assert len(files.version) == 64
    assert BundleFiles("b", files.files).version != files.version
    assert (
        BundleFiles("a", {**files.files, "process.yaml": b"12", "forms/x.yaml": b""}).version != files.version
    )
    assert BundleFiles("a", {"process.yaml": b"1", "forms/y.yaml": b"2"}).version != files.version


def test_what_is_said_of_attachments_and_parents_is_kept(compile_with: Any):
    bundle, findings = compile_with(
        PROCESS + "attachments: {handle: {min: 1, kinds: [image, pdf]}}\nonParentEnd: block\n"
    )

    assert not findings
    assert bundle.process.attachments["handle"] == AttachmentRule(1, ("image", "pdf"))
    assert bundle.process.on_parent_end == "block"


def test_a_packed_bundle_comes_back_whole():
    files = BundleFiles("a", {"process.yaml": "名: 值\r\n".encode(), "forms/x.yaml": b"2", "README.md": b"3"})

    again = unpack("a", files.pack())

    assert again.files == {"process.yaml": files.files["process.yaml"], "forms/x.yaml": b"2"}
    assert again.version == files.version


def test_files_that_are_not_known_are_told():
    _, findings = sort_out("a", {"decisions/x.xml": b"", "notes.txt": b"", "../../etc/passwd": b""})

    told = {(each.file, each.rule) for each in findings}
    assert {
        ("decisions/x.xml", "file-unknown"),
        ("notes.txt", "file-unknown"),
    } <= told
    assert ("process.bpmn", "file-missing") in told


def test_every_kind_of_file_has_a_schema_of_its_keys():
    assert set(schemas()) == {"process", "form", "sla", "messages"}
    assert schemas()["process"]["$id"] == "/schemas/process.json"
    assert "schedules" in schemas()["process"]["properties"]
    assert schemas()["sla"]["properties"]["clocks"]["additionalProperties"]["required"] == [
        "start",
        "stop",
        "limit",
    ]
