"""What must be tested is listed in promised.yaml: no name of it can be dropped, no element left without a test."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from app.engine.check import check
from app.engine.errors import VersionUnreadable
from app.engine.parser import parse
from tests.engine.drawing import NAMESPACES
from tests.engine.golden_states import ROOT as STATES
from tests.engine.good_bundle import NAMES, source

TESTS = Path(__file__).parents[1]
PROMISED: dict[str, Any] = yaml.load(
    Path(__file__).with_name("promised.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)
PITFALLS = range(1, 49)
EVENTS = ("startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent")


def kept_in(path: Path) -> set[str]:
    """The tests of one file as pytest collects them, without those it is told to pass over."""
    functions = [
        each for each in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(each, ast.FunctionDef)
    ]
    marks = {each.name: " ".join(ast.unparse(mark) for mark in each.decorator_list) for each in functions}
    kept = [name for name, mark in marks.items() if ".skip" not in mark and ".xfail" not in mark]
    return {name.removeprefix("test_") for name in kept if name.startswith("test_")}


def features(diagram: bytes) -> set[str]:
    """What is drawn: tags, events with their kind, multi-instance with its order."""
    found = set()
    for element in etree.fromstring(diagram).iter("{*}*"):
        tag = etree.QName(element).localname
        if tag == "multiInstanceLoopCharacteristics":
            order = "sequential" if element.get("isSequential") == "true" else "parallel"
            found.add(f"{etree.QName(element.getparent()).localname} {order}")
            continue
        if tag in EVENTS:
            inside = [etree.QName(child).localname for child in element]
            kinds = [each.removesuffix("EventDefinition") for each in inside if "EventDefinition" in each]
            tag = f"{tag} {kinds[0] if kinds else 'none'}"
        if tag.startswith("boundaryEvent"):
            tag += " beside" if element.get("cancelActivity") == "false" else " interrupting"
        found.add(tag)
    return found


def test_every_promised_test_exists():
    files = {path.relative_to(TESTS).as_posix(): kept_in(path) for path in TESTS.rglob("test_*.py")}
    anywhere = set().union(*files.values())

    missing = {
        number: gone for number, names in PROMISED["pitfalls"].items() if (gone := set(names) - anywhere)
    }
    assert missing == {}
    assert not any(set(names) - files[file] for file, names in PROMISED["golden"].items())


def test_every_pitfall_of_the_library_is_promised():
    assert list(PROMISED["pitfalls"]) == list(PITFALLS)
    assert all(PROMISED["pitfalls"].values())


def test_every_canary_lives():
    names = kept_in(TESTS / "engine" / "test_upgrade_canaries.py")

    assert {int(name.partition("_")[0]) for name in names if name[0].isdigit()} == set(PROMISED["canaries"])
    assert set(PROMISED["canaries"]) <= set(PITFALLS)


def test_every_element_that_may_be_drawn_rests_in_an_old_state():
    drawn = set().union(*(features(path.read_bytes()) for path in STATES.rglob("*.bpmn")))

    assert set(PROMISED["allowed"]) - drawn == set()


@pytest.mark.parametrize("what", PROMISED["refused"])
def test_an_element_that_may_not_be_drawn_is_refused_by_linter_and_engine(what: str):
    diagram = source(
        f'<definitions {NAMESPACES}><process id="p" isExecutable="true"><startEvent id="start"/>'
        f'{PROMISED["refused"][what]}<endEvent id="end"/><sequenceFlow id="f1" sourceRef="start" targetRef="x"/>'
        '<sequenceFlow id="f2" sourceRef="x" targetRef="end"/></process></definitions>'
    )

    told = [each for each in check(diagram, NAMES) if each.element == "x" and each.level == "error"]

    assert told
    with pytest.raises(VersionUnreadable):
        parse(diagram)
