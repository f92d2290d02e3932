"""YAML is read with lines, without its surprises, and nothing in it can hurt the reader."""

import pytest

from app.bundles.yaml_file import YamlRefused, read_yaml


def refused(text: str | bytes) -> YamlRefused:
    with pytest.raises(YamlRefused) as caught:
        read_yaml("x.yaml", text.encode() if isinstance(text, str) else text)
    return caught.value


def test_every_key_and_item_knows_its_line():
    doc = read_yaml("x.yaml", "a: 1\nb:\n  - c: 甲\n  - d\n".encode())

    assert doc.value == {"a": 1, "b": [{"c": "甲"}, "d"]}
    assert doc.line(("a",)) == 1
    assert doc.line(("b", 0, "c")) == 3
    assert doc.line(("b", 1)) == 4
    assert doc.line(("b", 1, "missing")) == 4


def test_words_dates_and_codes_stay_text():
    text = "a: yes\nb: off\nc: 2026-03-02\nd: 09:30\ne: 0991\nf: 1_000\ng: 2026-03-02T09:00+08:00\nh: 50%\n"

    value = read_yaml("x.yaml", text.encode()).value

    assert value == {
        "a": "yes", "b": "off", "c": "2026-03-02", "d": "09:30", "e": "0991", "f": "1_000",
        "g": "2026-03-02T09:00+08:00", "h": "50%",
    }  # fmt: skip


def test_truth_numbers_and_nothing_are_what_they_look_like():
    value = read_yaml("x.yaml", b"a: true\nb: False\nc: -3\nd: 1.5\ne:\nf: ~\ng: '7'\n").value

    assert value == {"a": True, "b": False, "c": -3, "d": 1.5, "e": None, "f": None, "g": "7"}


def test_a_key_written_twice_is_refused_with_both_lines():
    error = refused("a: 1\nb: 2\na: 3\n")

    assert (error.rule, error.line) == ("yaml-duplicate-key", 3)
    assert "“a”写了两遍（前一处在第 1 行）" in error.zh


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: &x [1]\nb: *x\n", "yaml-anchor"),
        ("<<: {a: 1}\n", "yaml-anchor"),
        ("a: !!python/object/apply:os.system ['true']\n", "yaml-tag"),
        ("a: !own 1\n", "yaml-tag"),
        ("a: 1\n---\nb: 2\n", "yaml-malformed"),
        ("a: [1\nb: 2\n", "yaml-malformed"),
        ("a: b: c\n", "yaml-malformed"),
        ("? [a]\n: 1\n", "yaml-malformed"),
        ("a: \x07\n", "yaml-malformed"),
        (b"a: \xc4\xe3\n", "charset"),
        ("a: " + "[" * 50_000, "yaml-too-large"),
        ("a: [" + "1," * 20_000 + "]", "yaml-too-large"),
        ("# " + "x" * 300_000, "yaml-too-large"),
    ],
)
def test_what_yaml_can_do_behind_a_readers_back_is_refused(text: str | bytes, rule: str):
    assert refused(text).rule == rule


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("key: x\nname：小区\nnumber: 1\n", 2),
        ("key: x\n\nname：小区\n# 说明\n\nnumber: 1\n", 3),
        ("data:\n  place：\n    type: int\n", 2),
        ("lanes:\n  受理中心：role(x)\n  b: c\n", 2),
        ("fields:\n  - name：x\n    label: y\n", 2),
        ("name: 小区\n  number：x\nstarts: []\n", 2),
        ("key: x\nname:小区\nnumber: 1\n", 2),
    ],
)
def test_a_full_width_colon_is_told_at_its_own_line(text: str, line: int):
    error = refused(text)

    assert (error.rule, error.line, error.zh) == ("yaml-malformed", line, "冒号要用英文的 :，后面空一格。")


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\n\tb: 2\n", 2), ("a:\n\tb: 2\n", 2), ("a:\n  - b: 1\n\t  c: 2\n", 3), ("a:\n- \tb: 1\n", 2)],
)
def test_a_tab_is_told_as_a_tab(text: str, line: int):
    error = refused(text)

    assert (error.rule, error.line, error.zh) == ("yaml-malformed", line, "缩进不能用 Tab，请用空格。")


def test_a_full_width_colon_inside_a_text_is_no_fault():
    text = "a: 说明：先看\nb: |\n  note：留意\nc: 长的文字\n  还有 注意：一行\nd: '\n  name：x'\n"

    value = read_yaml("x.yaml", text.encode()).value

    assert value["a"] == "说明：先看"
    assert value["b"] == "note：留意\n"
