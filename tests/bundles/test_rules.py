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
    assert parse_rule("superior(sign)") == Rule("superior", "sign", None, "superior(sign)")
    assert parse_rule("item") == Rule("item", "", None, "item")
    assert parse_rule("system").kind == "system"
    assert parse_rule("reporter") == Rule("reporter", "", None, "reporter")
    assert [rule.argument for rule in parse_rules("role(a)@district, role(b)")] == ["a", "b"]


@pytest.mark.parametrize("text", ["group(夜班)"])
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
        ("item(units)", "“item”后面不写括号"),
        ("system@street", "也不写 @层级"),
        ("superior", "要在括号里写环节，例如 superior(sign)"),
        ("unit(main_unit)@street", "只有 role(角色) 后面可以写 @层级"),
        (
            "role(a)@zone",
            "没有层级“zone”；可以写 district（区）、street（街道）、community（社区）、grid（网格）",
        ),
        ("role(a)@社区", "没有层级“社区”；请写 community（社区）。可以写 district（区）"),
        ("role(a)@comunity", "没有层级“comunity”；是不是 community（社区）？"),
        ("role（a）@street", "括号和 @ 要用英文的"),
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


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("社工", "没有角色“社工”；请写 worker（社工）。机构文件"),
        ("worke", "没有角色“worke”；是不是 worker（社工）？机构文件"),
        ("ghost", "没有角色“ghost”；机构文件 _org.yaml 里有 worker（社工）、secretary（书记）。"),
    ],
)
def test_the_role_that_was_meant_is_proposed(role: str, says: str):
    told = rule_error(f"role({role})", roles={"worker": "社工", "secretary": "书记"})

    assert says in (told or "")


def test_the_label_of_a_field_or_a_step_proposes_its_name():
    assert "请写 main_unit（主办单位）。" in (
        rule_error("unit(主办单位)", unit_fields={"main_unit": "主办单位"}) or ""
    )
    assert "请写 sign（签收）。" in (rule_error("handler(签收)", steps={"sign": "签收"}) or "")
