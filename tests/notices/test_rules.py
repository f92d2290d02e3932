"""bpmn/_notices.yaml: every fault is said with its line in plain words, and a wrong edit changes nothing."""

from pathlib import Path

import pytest

from app.core import config
from app.notices import rules
from tests import world as worlds

GOOD = """\
classes:
  urged: {label: 催办, urgent: true}
events:
  - {on: case.urged, tell: [handler, supervisor@district], class: urged, text: '催办：{text}'}
"""


@pytest.mark.parametrize(
    ("was", "now", "rule", "said"),
    [
        ("case.urged", "case.urgd", "value-invalid", "第 4 行：events.1.on 只能是 case.received"),
        ("[handler,", "[handlr,", "tell-unknown", "第 4 行：不知道“handlr”是谁；可以写"),
        ("on: case.urged", "on: task.opened", "tell-unknown", "task.opened 只能告诉 desk"),
        ("@district", "@disrict", "tell-unknown", "不知道“supervisor@disrict”是谁"),
        ("class: urged", "class: urge", "value-invalid", "没有“urge”这一类；有"),
        ("{text}", "{txt}", "word-unknown", "case.urged 没有“{txt}”；可以写 text、priority"),
        ("tell: [handler, supervisor@district]", "tell: []", "value-invalid", "应有 1 到 10 项"),
        ("'催办：{text}'", "'" + "长" * 201 + "'", "value-invalid", "不能超过 200 字"),
        ("urgent: true", "urgnt: true", "key-unknown", "第 2 行：不认识“urgnt”"),
        ("  urged:", "  digest:", "name-invalid", "“digest”是系统用的类别"),
        ("urgent: true", "urgent: true, urgent: false", "yaml-duplicate-key", "第 2 行"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(was: str, now: str, rule: str, said: str) -> None:
    assert rules.read_rules("n.yaml", GOOD.encode())[0] is not None

    made, findings = rules.read_rules("n.yaml", GOOD.replace(was, now, 1).encode())

    assert made is None
    assert any(each.rule == rule and said in each.zh for each in findings), [each.zh for each in findings]


def test_the_shipped_file_is_right() -> None:
    data = (worlds.BPMN / rules.FILE).read_bytes()

    made, findings = rules.read_rules(rules.FILE, data)

    assert findings == []
    assert made is not None
    assert made.quiet


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of processes of the test's own."""
    from dataclasses import replace

    monkeypatch.setattr(config, "_chosen", [replace(config.settings(), bpmn_dir=tmp_path)])
    return tmp_path


def test_an_edit_counts_at_once_and_a_wrong_one_leaves_what_was_right(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = folder / rules.FILE
    assert rules.in_force() == rules.NONE  # without a file nobody is told of events

    file.write_text(GOOD, encoding="utf-8")
    assert rules.in_force().kind("urged").label == "催办"
    file.write_text(GOOD.replace("label: 催办", "label: 群众催办"), encoding="utf-8")
    assert rules.in_force().kind("urged").label == "群众催办"
    file.write_text(GOOD.replace("label: 催办", "lable: 催办催办"), encoding="utf-8")

    assert rules.in_force().kind("urged").label == "群众催办"
    assert "第 2 行" in caplog.text


def test_a_process_does_not_start_with_a_wrong_file(folder: Path) -> None:
    (folder / rules.FILE).write_text("classes: [\n", encoding="utf-8")

    with pytest.raises(config.SettingRefused, match=r"_notices\.yaml 第 "):
        rules.begin()


def test_what_an_event_left_out_is_called_so() -> None:
    assert (
        rules.worded("“{step}”，原因：{reason}", {"label": "签收", "reason": None})
        == "“签收”，原因：（未填）"
    )
