"""messages.yaml: what comes in is read against declared names, what goes out is made of them."""

from dataclasses import replace
from typing import Any

import pytest

from app.bundles.bundle import Bundle
from app.bundles.forms import AnswersRefused
from app.bundles.lookups import FixedLookups, UnitFact
from app.bundles.messages import Literal, Name
from tests.bundles.conftest import FORM, PROCESS
from tests.bundles.test_files_and_keys import only

MESSAGES = """
city.dispatch: {direction: in, starts: true, key: externalNo, data: {title: $.title, level: $.order.level}}
city.callback: {direction: in, key: number, several: oldest, data: {yes: $.solved, unit: $.by.unit}}
city.reply:    {direction: out, to: connector:city12345, body: {orderNo: external_no, kind: '"close"', n: 3, why: why}}
"""


@pytest.fixture
def talking(compile_with: Any) -> Bundle:
    bundle, findings = compile_with(messages=MESSAGES)
    assert bundle is not None, findings
    return bundle


def test_a_message_is_read_with_direction_key_paths_and_body(talking: Bundle):
    dispatch, callback, reply = (
        talking.messages[f"city.{name}"] for name in ("dispatch", "callback", "reply")
    )

    assert (dispatch.direction, dispatch.starts, dispatch.key, dispatch.several) == (
        "in",
        True,
        "external_no",
        "refuse",
    )
    assert (callback.key, callback.several, dict(callback.data)) == (
        "number",
        "oldest",
        {"yes": "$.solved", "unit": "$.by.unit"},
    )
    assert (reply.direction, reply.to) == ("out", "city12345")
    assert dict(reply.body) == {
        "orderNo": Name("external_no"),
        "kind": Literal("close"),
        "n": Literal(3),
        "why": Name("why"),
    }


def test_a_payload_becomes_clean_values_of_declared_types_and_the_rest_is_left(
    talking: Bundle, world: FixedLookups
):
    callback = talking.messages["city.callback"]

    values = callback.values({"solved": True, "by": {"unit": " zjw "}, "phone": "138"}, {}, world)

    assert values == {"yes": True, "unit": "zjw"}
    assert callback.found_in({"by": "somebody"}) == {}


def test_a_message_may_fill_a_name_with_the_same_text_each_time(compile_with: Any, world: FixedLookups):
    def told(text: str) -> Any:
        return compile_with(messages=MESSAGES.replace("level: $.order.level", f"level: {text}"))

    bundle, findings = told("'\"突发\"'")
    wrong, said = told("突发")

    assert bundle is not None, findings
    filled = bundle.messages["city.dispatch"].values({"title": "路灯", "order": {"level": "一般"}}, {}, world)
    assert filled == {"title": "路灯", "level": "突发"}
    assert wrong is None
    assert [each.rule for each in said] == ["message-path"]


def test_a_payload_with_a_wrong_value_is_refused_by_name(talking: Bundle, world: FixedLookups):
    with pytest.raises(AnswersRefused) as refused:
        talking.messages["city.callback"].values({"solved": "是", "by": {"unit": "old"}}, {}, world)

    assert [(each.pointer, each.code) for each in refused.value.errors] == [
        ("/answers/yes", "not-a-boolean"),
        ("/answers/unit", "unit-not-selectable"),
    ]


def test_a_body_is_made_of_what_the_case_holds_now(talking: Bundle):
    reply = talking.messages["city.reply"]

    body = reply.render({"external_no": "BJ-1", "why": None}, lambda step: [])

    assert body == {"orderNo": "BJ-1", "kind": "close", "n": 3, "why": None}


def test_a_body_may_hold_the_attachments_of_a_step(compile_with: Any):
    bundle, _ = compile_with(messages=MESSAGES.replace("n: 3", "files: attachments( handle )"))
    assert bundle is not None
    reply = bundle.messages["city.reply"]

    body = reply.render({"external_no": "BJ-1"}, {"handle": ["a.jpg"]}.__getitem__)

    assert (reply.steps, body["files"]) == (("handle",), ["a.jpg"])


def test_a_message_that_comes_in_brings_no_attachment(compile_with: Any):
    bundle, findings = compile_with(
        process=PROCESS.replace("yes: {type: bool", "yes: {type: files"), messages=MESSAGES
    )

    assert bundle is None
    assert "请对方先上传附件" in " ".join(each.zh for each in findings)


def test_the_key_of_a_case_is_text_or_nothing(talking: Bundle):
    dispatch = talking.messages["city.dispatch"]

    assert dispatch.key_of({"external_no": "BJ-1"}) == "BJ-1"
    assert dispatch.key_of({"external_no": None}) is None


@pytest.mark.parametrize(
    ("old", "new", "rule", "says"),
    [
        ("direction: in, key", "direction: inwards, key", "value-invalid", "只能是 in、out"),
        ("several: oldest", "severel: oldest", "key-unknown", "是不是 several"),
        ("several: oldest", "several: first", "value-invalid", "oldest、all、refuse"),
        ("key: number, ", "", "key-missing", "例如 key: externalNo"),
        ("key: number", "key: nmber", "name-undeclared", "是不是 number"),
        ("key: number", "key: place", "message-key", "不能作 key"),
        ("key: externalNo", "key: number", "message-key", "只能凭来源编号"),
        ("yes: $.solved", "yse: $.solved", "name-undeclared", "是不是 yes"),
        ("yes: $.solved", "yes: solved", "message-path", "$.caller.name"),
        ("yes: $.solved", "yes: '$.list[0]'", "message-path", "看不懂路径"),
        ("yes: $.solved", "received_at: $.at", "name-reserved", "消息不能改"),
        ("yes: $.solved", "kind_name: $.kind", "name-reserved", "在选择分类“kind”时由系统填写"),
        ("yes: $.solved", "each: $.each", "name-reserved", "各填各的，消息不能填写"),
        ("title: $.title", "number: $.no", "name-reserved", "title、content、received_at"),
        ("to: connector:city12345, ", "", "key-missing", "例如 to: connector:city12345"),
        ("to: connector:city12345", "to: http://city", "value-invalid", "connector:名称"),
        ("n: 3, why: why", "n: 3, why: wyh", "name-undeclared", "是不是 why"),
        ("n: 3", "n: attachments()", "name-undeclared", "没有在 process.yaml"),
        ("n: 3", "n: [1]", "value-invalid", "固定的文字请写成"),
        ("direction: out, ", "direction: out, key: number, ", "message-key-misplaced", "“key”只用于收到的消息"),
        ("several: oldest", "secret: true", "message-key-misplaced", "“secret”只用于发出的消息"),
        ("city.reply:", "City Reply:", "name-invalid", "用点分段"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_message_is_one_finding_with_what_would_be_right(
    compile_with: Any, old: str, new: str, rule: str, says: str
):
    assert old in MESSAGES

    process = PROCESS.replace(
        "  yes:",
        "  kind: {type: category, table: t, label: 类}\n  each: {type: int, per: item, label: 各}\n  yes:",
    )

    bundle, findings = compile_with(process=process, messages=MESSAGES.replace(old, new, 1))

    error = only(findings)
    assert bundle is None
    assert (error.file, error.rule, says in error.zh) == ("messages.yaml", rule, True), error.zh
    assert error.line is not None


def test_a_secret_name_leaves_only_in_a_message_that_says_so(compile_with: Any):
    process = PROCESS.replace(
        "  why: {type: text, max: 50, label: 原因}", "  why: {type: text, secret: true, label: 原因}"
    )
    form = FORM.replace('showIf: level == "突发", requiredIf: level == "突发"', "required: false")

    refused, findings = compile_with(process=process, form=form, messages=MESSAGES)
    allowed, none = compile_with(
        process=process, form=form, messages=MESSAGES.replace("to: connector", "secret: true, to: connector")
    )

    error = only(findings)
    assert (refused, error.rule, error.file) == (None, "message-secret", "messages.yaml")
    assert "在这条消息上写 secret: true" in error.zh
    assert allowed is not None, none


PLACED = "place: {units: [$.at.community, $.at.street], unknown: short}"


@pytest.mark.parametrize(
    ("at", "values"),
    [
        ({"community": " c1 ", "street": "s1"}, {"place_unit": "c1"}),
        ({"community": "c9", "street": "s1"}, {"place_unit": "s1", "short": "c9"}),
        ({"community": "c9", "street": 7}, {"short": "c9、7"}),
        ({"street": ""}, {}),
        ("no codes at all", {}),
    ],
)
def test_a_message_files_its_case_in_the_first_place_there_is_and_keeps_what_is_unknown(
    compile_with: Any, world: FixedLookups, at: Any, values: dict[str, Any]
):
    bundle, findings = compile_with(messages=MESSAGES.replace("data: {title", PLACED + ", data: {title", 1))
    assert bundle is not None, findings
    known = replace(world, all_units=[UnitFact(code, code, "street", "street") for code in ("c1", "s1")])

    found = bundle.messages["city.dispatch"].values({"at": at}, {}, known, ("c1", "s1").__contains__)

    assert found == values


@pytest.mark.parametrize(
    ("old", "new", "rule", "says"),
    [
        ("$.at.street", "at.street", "message-path", "看不懂路径“at.street”"),
        ("units: [$.at.community, $.at.street]", "units: []", "value-invalid", "应有 1 到 5 项"),
        (", unknown: short", "", "key-missing", "unknown"),
        ("unknown: short", "unknown: shrot", "name-undeclared", "是不是 short"),
        ("unknown: short", "unknown: title", "value-invalid", "已经写在 data 里"),
        ("unknown: short", "unknown: phone", "value-invalid", "普通文字"),
        ("unknown: short", "unknown: content", "value-invalid", "普通文字"),
        ("title: $.title", "place_unit: $.at.community", "value-invalid", "不再写 place_unit"),
        ("several: oldest", f"several: oldest, {PLACED}", "message-key-misplaced", "starts: true"),
    ],
)
def test_a_place_that_cannot_be_is_one_finding(compile_with: Any, old: str, new: str, rule: str, says: str):
    messages = MESSAGES.replace("data: {title", PLACED + ", data: {title", 1)
    assert old in messages

    bundle, findings = compile_with(messages=messages.replace(old, new, 1))

    error = only(findings)
    assert (bundle, error.rule, says in error.zh) == (None, rule, True), error.zh
