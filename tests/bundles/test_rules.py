"""Lane rules: what is understood, and what is told when it is not."""

import pytest

from app.bundles.rules import Rule, RuleRefused, parse_rule, parse_rules, rule_error


def test_every_open_rule_is_understood():
    assert parse_rule("role(dispatcher)") == Rule("role", "dispatcher", None, "role(dispatcher)")
    assert parse_rule(" role(reviewer)@street ") == Rule(
        "role", "reviewer", "street", "role(reviewer)@street"
    )
    assert parse_rule("unit(main_unit)").argument == "main_unit"
    assert parse_rule("handler(sign)").kind == "handler"
    assert [rule.argument for rule in parse_rules("role(a)@district, role(b)")] == ["a", "b"]


@pytest.mark.parametrize("text", ["item", "group(夜班)", "reporter", "superior(sign)", "system"])
def test_a_rule_that_is_not_open_yet_says_so(text: str):
    with pytest.raises(RuleRefused) as caught:
        parse_rule(text)

    assert caught.value.rule == "key-not-yet"
    assert "尚未开放" in caught.value.zh


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("role", "要在括号里写角色"),
        ("role()", "要在括号里写角色"),
        ("unit(main_unit)@street", "只有 role(角色) 后面可以写 @层级"),
        ("role(a)@city", "没有层级“city”"),
        ("nearest(a)", "没有名为“nearest”的办理人规则"),
        ("role(a))", "看不懂办理人规则"),
        ("__import__('os')", "没有名为“__import__”的办理人规则"),
    ],
)
def test_a_wrong_rule_is_told_with_what_would_be_right(text: str, says: str):
    assert says in (rule_error(text) or "")


def test_names_are_held_against_what_exists():
    assert rule_error("role(ghost)", roles=["handler", "dispatcher"]) == (
        "没有角色“ghost”；机构文件 _org.yaml 里有 dispatcher、handler。"
    )
    assert "不是单位字段" in (rule_error("unit(level)", unit_fields=["main_unit"]) or "")
    assert "图中没有环节“sing”" in (rule_error("handler(sing)", steps=["sign"]) or "")
    assert rule_error("role(handler)", roles=["handler"]) is None
