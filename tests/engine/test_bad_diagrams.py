"""Diagrams that are bad input (trust rows 1–13): each file gets its rule, soon, without a traceback.

A file names its rules in a comment near its top; the few that cannot hold one are listed here. What would be
too large to keep is told by a file of bad/made and made here.
"""

import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.engine.check import Finding, check
from tests.engine.good_bundle import NAMES, source

FOLDER = Path(__file__).parents[1] / "bad"
FILES = sorted(FOLDER.glob("*.bpmn"))
MADE = {
    path.stem: yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for path in sorted(FOLDER.glob("made/*.yaml"))
}
WITHOUT_COMMENT = {"13-empty": "xml-malformed", "13-not-xml": "xml-malformed", "13-utf-16": "charset"}
ROWS = set(range(1, 14))


def made(name: str) -> bytes:
    """A diagram too large to be kept: its file tells what is repeated in it."""
    told = MADE[name]
    if "of" not in told:
        return spelled(told["text"]).encode()
    whole = (FOLDER / told["of"]).read_text(encoding="utf-8")
    assert told["old"] in whole
    return whole.replace(told["old"], spelled(told["new"])).encode()


def spelled(told: dict[str, Any]) -> str:
    repeated = "".join(told["repeat"].replace("{n}", str(n)) for n in range(told["times"]))
    closing = told.get("close", "") * told["times"]
    return f"{told.get('before', '')}{repeated}{told.get('then', '')}{closing}"


def diagrams() -> dict[str, bytes]:
    """Every bad diagram by name, kept or made."""
    return {path.stem: path.read_bytes() for path in FILES} | {name: made(name) for name in MADE}


def expected(name: str, diagram: bytes) -> set[str]:
    if name in MADE:
        return set(MADE[name]["rules"])
    if name in WITHOUT_COMMENT:
        return {WITHOUT_COMMENT[name]}
    named = re.search(rb"<!-- ([a-z0-9 -]+?) -->", diagram)
    assert named, name
    return set(named[1].decode().split())


def errors(diagram: bytes) -> list[Finding]:
    began = time.monotonic()
    found = check(source(diagram), NAMES)
    assert time.monotonic() - began < 2
    return [each for each in found if each.level == "error"]


def line(nodes: int) -> bytes:
    """A plain line of so many user tasks between a start and an end."""
    names = ["start", *(f"t{place}" for place in range(nodes)), "end"]
    tasks = "".join(f'<userTask id="{name}" name="{name}"/>' for name in names[1:-1])
    flows = "".join(
        f'<sequenceFlow id="f{place}" sourceRef="{one}" targetRef="{two}"/>'
        for place, (one, two) in enumerate(pairwise(names))
    )
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" isExecutable="true">'
        f'<startEvent id="start"/>{tasks}<endEvent id="end"/>{flows}</process></definitions>'
    ).encode()


@pytest.mark.parametrize("name", [*(path.stem for path in FILES), *MADE])
def test_a_bad_diagram_gets_exactly_its_rule(name: str) -> None:
    diagram = made(name) if name in MADE else (FOLDER / f"{name}.bpmn").read_bytes()

    found = errors(diagram)

    assert {each.rule for each in found} == expected(name, diagram)
    for each in found:
        assert re.search(r"[\u4e00-\u9fff]", each.zh)
        assert "Traceback" not in each.zh + each.en
        assert "/etc/passwd" not in each.zh + each.en


def test_every_row_about_diagrams_has_a_file() -> None:
    assert {int(path.stem[:2]) for path in FILES} == ROWS


def test_an_entity_is_refused_before_anything_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.engine import xml

    def parsed(*args: object) -> None:
        raise AssertionError("the parser saw it")

    monkeypatch.setattr(xml.etree, "fromstring", parsed)

    assert [each.rule for each in errors((FOLDER / "02-billion-laughs.bpmn").read_bytes())] == [
        "bpmn-doctype-forbidden"
    ]


def test_a_file_over_1_mib_is_too_large() -> None:
    good = line(3)

    (found,) = errors(good.replace(b"<process", b"<!--" + b"x" * (1024 * 1024) + b"--><process"))

    assert found.rule == "bpmn-too-large"
    assert found.zh.startswith("文件有 1,0")


def test_a_file_of_exactly_1_mib_is_read() -> None:
    good = line(3)
    filled = good.replace(b"<process", b"<!--" + b"x" * (1024 * 1024 - len(good) - 7) + b"--><process")
    assert len(filled) == 1024 * 1024

    assert errors(filled) == []


def test_xml_of_depth_100_is_only_no_diagram() -> None:
    assert [each.rule for each in errors(b"<a>" * 100 + b"</a>" * 100)] == ["xml-malformed"]


def test_more_than_300_nodes_are_too_large() -> None:
    (found,) = errors(line(299))

    assert found.rule == "bpmn-too-large"
    assert found.zh == "图中有 301 个节点，最多 300 个。请拆成几个流程。"


def test_300_nodes_are_checked() -> None:
    assert errors(line(298)) == []


def test_an_element_nobody_knows_is_named() -> None:
    (found,) = errors(line(3).replace(b"<startEvent", b"<choreographyTask/><startEvent", 1))

    assert found.zh == "流程 p 中的 choreographyTask 这类图形不能使用。"
