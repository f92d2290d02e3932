"""Valid diagrams, decision tables and expressions, spoilt at random, for bench.proofs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from lxml import etree

from app.engine.decisions import check_decisions
from app.engine.source import Names
from tests.engine.decisions.tables import file, head, table
from tests.engine.good_bundle import GOOD, NAMES
from tests.engine.graph import Graph
from tests.engine.graph_drawing import drawing_of
from tests.engine.random_diagrams import random_graph

ROOT = Path(__file__).parents[1]
POOL = 40  # random diagrams, and random tables, among those that are spoilt
PAYLOADS = (
    '__import__("os").system("id")', 'eval("1")', 'exec("1")', 'open("/etc/passwd").read()',
    "(lambda: 1)()", "[].__class__.__base__.__subclasses__()", "[x for x in range(9**9)]",
    '"{0.__class__}".format(title)', "${title}", "#{title}", "9**9**9", "(" * 400, "not " * 400, "a.b.c",
    "outcome", 'outcome("nowhere")', 'due("nothing")', 'tier("resolve", "m9")', "PT0S", "P-1D", "R/PT1S",
    "P99999999999Y", "R/P1D", "1970-01-01", "", " ", "\u202e", "0" * 5000, "1e400", "nan", "visit",
    "gw_sign", "true", "false", "javascript", "[5..1]", "not(not(1))", 'date("2026-02-30")', "? > ",
    "UNIQUE", "COLLECT",
)  # fmt: skip
PIECES = (
    "not ", " and ", " or ", " in ", "(", ")", "[", "]", ",", "..", '"', "'", "“", "，", "=", "==", "<",
    ">=", "+", "-", "*", "/", "//", "%", "**", "?", ":", ".", "@", "\\", "\n", "\t", "{", "}", "$", "_",
    "__class__", "0", "9" * 30, "1e9", "None", "True", "null", " if ", " else ", "lambda x: x", "score",
    "level", "units[0]", "count(", "has(", "outcome(", "round(", "诉求", "\u3000", "\ufeff", "ｅｖａｌ",
    "date(", "not(",
)  # fmt: skip
BYTES = (
    b"<", b">", b"&", b"\x00", b"\xff", b"<![CDATA[", b"]]>", b"<!--", b"<!DOCTYPE d>", b"&x;", b'"',
    b"/>",
)  # fmt: skip
TAGS = (
    "userTask", "serviceTask", "scriptTask", "task", "sendTask", "receiveTask", "businessRuleTask",
    "manualTask", "exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway",
    "complexGateway", "subProcess", "callActivity", "startEvent", "endEvent", "boundaryEvent",
    "intermediateCatchEvent", "intermediateThrowEvent", "timerEventDefinition", "errorEventDefinition",
    "messageEventDefinition", "conditionalEventDefinition", "sequenceFlow", "lane", "script",
    "conditionExpression", "dataObject", "multiInstanceLoopCharacteristics", "decision", "decisionTable",
    "input", "output", "rule", "inputEntry", "outputEntry", "inputExpression", "informationRequirement",
    "literalExpression", "text",
)  # fmt: skip
# Every operator, function and kind of atom at least once; nothing here is refused.
EXPRESSIONS = (
    'level == "突发"', "score >= 60 and not urgent", "score + 1 > 2 or level != title", "urgent",
    '"甲" in units', "level not in units", "title is None", "title is not None", "-score // 3",
    "score % 7 == 0", "score * 2 - 1", "score / 4 < 1.5", '"高" if score > 80 else "低"', "[1, 2, 3]",
    '["甲", level]', "units[0]", 'outcome("visit") == "同意"', "count(units) > 2", 'has(units, "甲")',
    "has(title)", "lower(title)", "upper(trim(title))", 'contains(title, "路灯")',
    'startswith(title, "关于")', "min(score, 5)", "max(1, 2, 3)", "round(score / 3, 1)", "abs(-score)",
    "date(now()) == today()", "days(today(), now()) < 3", "hours(now(), now())", "round_no() > 1",
    'due("sign")', 'tier("resolve", "m6")', "(score)", "not (urgent)", "1 < 2 < 3", "True", "None", '"x"',
    "3.5", "${score > 1}", "score if urgent else -score",
)  # fmt: skip
CELLS: dict[str, Sequence[str]] = {
    "score": ("-", "5", "< 3", ">= 60", "[1..5]", "(1..5]", "]1..5[", "1,2,3", "not(5)", "null", "? > 3"),
    "level": ("-", '"突发"', '"突发","一般"', 'not("突发")', "null", "not(null)", '? in ["突发"]'),
    "urgent": ("-", "true", "false", "not(true)", "null"),
    "title": ("-", '"路灯"', 'not("路灯","井盖")', '? contains(?, "路灯")'),
}
RESULTS = ('"PT2H"', "1", "score + 1", "null", '["甲", "乙"]', "count(units)", 'date("2026-10-01")', "true")
POLICIES = ("", "UNIQUE", "FIRST", "ANY", "RULE ORDER", "COLLECT")


@cache
def diagrams(seed: int) -> tuple[bytes, ...]:
    """Diagrams without errors: the small good one, random ones of all elements; and those shipped, whose
    forms and lanes nobody knows here.
    """
    shipped = tuple(path.read_bytes() for path in sorted(ROOT.glob("bpmn/*/process.bpmn")))
    return (GOOD.encode(), *(drawing_of(graph).bytes() for graph in _graphs(seed)), *shipped)


@cache
def names_of(seed: int) -> Names:
    """What these diagrams may name."""
    facts = {fact: "bool" for graph in _graphs(seed) for fact in graph.facts}
    return replace(NAMES, messages=NAMES.messages | {"news"}, data={**NAMES.data, **facts})


@cache
def _graphs(seed: int) -> tuple[Graph, ...]:
    luck = (Random(f"{seed}:diagram {each}") for each in range(POOL))
    return tuple(random_graph(each, many=True, facts=True, letters=True) for each in luck)


@cache
def tables(seed: int) -> tuple[bytes, ...]:
    """Decision files of one or two tables, with every kind of cell."""
    return tuple(_valid_table(Random(f"{seed}:table {each}")) for each in range(POOL))


def _valid_table(luck: Random) -> bytes:
    while True:
        drawn = _table(luck)
        if all(each.level == "warning" for each in check_decisions("t.dmn", drawn, NAMES)):
            return drawn


def _table(luck: Random) -> bytes:
    written = []
    for name in ("t", "u")[: luck.choice((1, 1, 2))]:
        inputs = luck.sample(sorted(CELLS), luck.randint(1, 4))
        rows = [
            [*(luck.choice(CELLS[each]) for each in inputs), luck.choice(RESULTS)]
            for _ in range(luck.randint(1, 12))
        ]
        heads = [head(each) for each in inputs]
        requires = ["t"] if name == "u" and luck.random() < 0.5 else []
        written.append(
            table(heads, [f"y_{name}"], rows, luck.choice(POLICIES), identifier=name, requires=requires)
        )
    return file(*written)


def spoil(valid: bytes, luck: Random) -> bytes:
    """One to four changes: mostly to elements, attributes and texts, sometimes to bare bytes."""
    root = etree.fromstring(valid)
    ways = (_set_attribute, _set_text, _edit_text, _drop, _copy, _move, _retag, _swap)
    for _ in range(luck.choice((1, 1, 2, 4))):
        luck.choice(ways)(root, luck)
    spoilt = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return _bytes(spoilt, luck) if luck.random() < 0.25 else spoilt


def spoil_text(text: str, luck: Random) -> str:
    """One to four changes: a piece lost, put in, or in place of another."""
    for _ in range(luck.choice((1, 1, 2, 4))):
        at = luck.randrange(len(text) + 1)
        cut = at + luck.choice((0, 0, 1, 2, 8))
        text = text[:at] + luck.choice(("", *PIECES)) + text[cut:]
    return text if luck.random() < 0.95 else luck.choice(PAYLOADS)


def _any(root: Any, luck: Random) -> Any:
    return luck.choice(list(root.iter("*")))


def _value(root: Any, luck: Random) -> str:
    if luck.random() < 0.5:
        return luck.choice(PAYLOADS)
    other = _any(root, luck)
    return luck.choice([*map(str, other.attrib.values()), str(other.text or "x").strip()])


def _set_attribute(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    if not element.attrib:
        return
    name = luck.choice(list(element.attrib))
    if luck.random() < 0.3:
        del element.attrib[name]
    else:
        element.set(name, _value(root, luck))


def _set_text(root: Any, luck: Random) -> None:
    texts = [each for each in root.iter("*") if (each.text or "").strip()]
    if texts:
        luck.choice(texts).text = _value(root, luck)


def _edit_text(root: Any, luck: Random) -> None:
    """A condition, a time, a cell, changed inside."""
    texts = [each for each in root.iter("*") if (each.text or "").strip()]
    if texts:
        element = luck.choice(texts)
        element.text = spoil_text(element.text.strip(), luck)


def _drop(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    if element.getparent() is not None:
        element.getparent().remove(element)


def _copy(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    if element.getparent() is not None:
        _any(root, luck).append(etree.fromstring(etree.tostring(element, with_tail=False)))


def _move(root: Any, luck: Random) -> None:
    element, target = _any(root, luck), _any(root, luck)
    if element is not root and element not in (target, *target.iterancestors()):
        target.append(element)


def _retag(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    element.tag = f"{{{etree.QName(root).namespace}}}{luck.choice(TAGS)}"


def _swap(root: Any, luck: Random) -> None:
    """The same attribute of two elements changes places: flows lead elsewhere, ids stand twice over."""
    one, other = _any(root, luck), _any(root, luck)
    for name in set(one.attrib) & set(other.attrib):
        one.attrib[name], other.attrib[name] = other.attrib[name], one.attrib[name]


def _bytes(valid: bytes, luck: Random) -> bytes:
    at = luck.randrange(len(valid))
    cut = at + luck.choice((0, 0, 1, 5, 200))
    return valid[:at] + luck.choice((b"", *BYTES)) + valid[cut:]
