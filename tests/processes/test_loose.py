"""Folders of diagrams from other tools: each is answered with its verdict, whatever it is, and nothing raises."""

import re
from pathlib import Path
from random import Random

import pytest
import yaml
from click.testing import CliRunner, Result

from app.cli.process import process
from app.engine.parser import parse
from app.engine.source import Source
from app.processes import loose

FOREIGN = Path(__file__).with_name("foreign")
EXPECTED = yaml.load(
    Path(__file__).with_name("foreign.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
FOUND = {each.name: each for each in loose.check_folder(FOREIGN)[0]}


def called(*words: str | Path) -> Result:
    return CliRunner().invoke(process, ["check", *map(str, words)])


def test_every_diagram_of_the_folder_is_answered():
    assert list(FOUND) == list(EXPECTED)
    assert sum(each.good for each in FOUND.values()) == 3


@pytest.mark.parametrize("name", EXPECTED)
def test_a_diagram_of_another_tool_gets_its_verdict(name: str):
    each, expected = FOUND[name], EXPECTED[name]

    for level in ("error", "warning"):
        rules = sorted({found.rule for found in each.findings if found.level == level})
        assert rules == expected.get(f"{level}s", [])
    assert list(each.wants) == expected.get("wants", [])
    assert each.good == ("errors" not in expected)
    for found in each.findings:
        assert found.file == name
        assert re.search(r"[\u4e00-\u9fff]", found.zh)


@pytest.mark.parametrize("name", [name for name, each in FOUND.items() if each.good])
def test_what_may_be_used_the_engine_reads(name: str):
    assert parse(Source("a" * 64, "p", (FOREIGN / name).read_bytes())).starts


def test_a_shipped_diagram_by_itself_wants_its_names_declared_and_nothing_else():
    diagram = Path("bpmn/work_order_12345/process.bpmn")  # 协办's list asks whether there was a second look

    found = loose.check_file(diagram, diagram.name)

    assert found.findings == ()
    assert "表单 dispatch" in found.wants


def test_the_command_says_of_each_what_it_is_worth_and_how_many_may_be_used():
    result = called(FOREIGN)

    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = result.output.splitlines()
    verdicts = {line.partition("：")[0]: line for line in lines if not line.startswith(("错误", "提醒"))}
    assert set(verdicts) == {*EXPECTED, lines[-1]}
    assert verdicts["bizagi_permit.bpmn"] == "bizagi_permit.bpmn：不能直接用，1 处错误，1 处提醒。"
    assert verdicts["camunda7_java.bpmn"] == "camunda7_java.bpmn：不能直接用，11 处错误，2 处提醒。"
    assert verdicts["archive/2023/camunda7_votes.bpmn"].endswith(
        "可以用；流程文件夹里要声明：表单 filing、决策表 budget_limit。"
    )
    assert lines[-1] == "21 张图，3 张可以用。"


def test_one_diagram_may_be_named_alone():
    result = called(FOREIGN / "camunda7_repair.bpmn")

    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "1 张图，1 张可以用。"
    assert called(FOREIGN / "cut_off.bpmn").exit_code == 1


def test_diagrams_that_were_not_looked_at_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loose, "MOST_FILES", 2)
    for name in "abc":
        (tmp_path / f"{name}.bpmn").write_bytes((FOREIGN / "camunda7_repair.bpmn").read_bytes())

    result = called(tmp_path)

    assert result.exit_code == 1
    assert result.output.splitlines()[-2:] == [
        "2 张图，2 张可以用。",
        "还有 1 张没有看：一次最多看 2 张，请分成几个文件夹。",
    ]


def test_strict_counts_remarks_too(tmp_path: Path):
    without_status = (
        (FOREIGN / "camunda7_repair.bpmn").read_text("utf-8").replace('name="status"', 'name="due"')
    )
    (tmp_path / "a.bpmn").write_text(without_status, "utf-8")

    assert called(tmp_path).exit_code == 0
    assert called(tmp_path, "--strict").exit_code == 1


def test_a_process_folder_is_no_folder_of_loose_diagrams(tmp_path: Path):
    (tmp_path / "process.bpmn").write_bytes((FOREIGN / "bpmnio_colours.bpmn").read_bytes())

    assert not loose.is_loose(tmp_path)
    assert "[file-missing]" in called(tmp_path).output


def test_empty_large_and_dangling_files_are_answered_too(tmp_path: Path):
    (tmp_path / "empty.bpmn").touch()
    (tmp_path / "large.bpmn").write_bytes(b"<a>" + b" " * 3_000_000 + b"</a>")
    (tmp_path / "picture.bpmn").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "gone.bpmn").symlink_to(tmp_path / "nowhere.bpmn")

    looked, _ = loose.check_folder(tmp_path)

    found = {each.name: [finding.rule for finding in each.findings] for each in looked}

    assert found == {
        "empty.bpmn": ["xml-malformed"],
        "large.bpmn": ["bpmn-too-large"],
        "picture.bpmn": ["charset"],
    }


def test_torn_diagrams_of_other_tools_never_raise(tmp_path: Path):
    random = Random(20_260_302)
    for place, path in enumerate(sorted(FOREIGN.rglob("*.*")) * 12):
        data = bytearray(path.read_bytes())
        for _ in range(random.randint(1, 6)):
            at = random.randrange(len(data))
            data[at : at + random.choice((0, 1, 5, 60))] = random.choice(
                (b"", b"<", b'"', b">", b"x", b"\xff")
            )
        (tmp_path / f"{place}.bpmn").write_bytes(bytes(data))

    found, _ = loose.check_folder(tmp_path)

    assert len(found) == 12 * len(EXPECTED)
    assert not [each for each in found for told in each.findings if told.rule == "bpmn-check-failed"]
