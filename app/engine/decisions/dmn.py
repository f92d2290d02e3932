"""A DMN file as plain tables: what dmn-js writes (1.1, 1.2, 1.3), read column by column and row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.engine.check.words import Named, plain

NAMESPACES = {
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd": "1.1",
    "http://www.omg.org/spec/DMN/20151101/dmn11.xsd": "1.1",
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "1.2",
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
}


@dataclass(frozen=True)
class Cell:
    """One cell's text, trimmed."""

    id: str
    line: int | None
    text: str


@dataclass(frozen=True)
class Input:
    """An input column: its expression, and the values it may take when the table says so."""

    id: str
    line: int | None
    label: str
    expression: str
    type_ref: str
    allowed: Cell | None


@dataclass(frozen=True)
class Output:
    """An output column; `allowed` in order of priority."""

    id: str
    line: int | None
    label: str
    name: str
    type_ref: str
    allowed: Cell | None
    default: Cell | None


@dataclass(frozen=True)
class Rule:
    """One row; `number` counts from 1 as the table shows it."""

    id: str
    line: int | None
    number: int
    tests: tuple[Cell, ...]
    results: tuple[Cell, ...]

    @property
    def named(self) -> Named:
        """规则 3(rule_c)."""
        return Named(f"规则 {self.number}({self.id})", f"rule {self.number} ({self.id})")


@dataclass(frozen=True)
class Table:
    """A decision and its table, as written; `requires` are the hrefs of the decisions it needs."""

    id: str
    line: int | None
    label: str
    variable: str
    policy: str
    aggregation: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    requires: tuple[str, ...]

    @property
    def named(self) -> Named:
        """决策表“办理时限”(limits)."""
        return named("决策表", "decision table", self.id, self.label)


@dataclass(frozen=True)
class File:
    """What one file holds: `every` names all its decisions, also those left out; `types` its own types."""

    tables: tuple[Table, ...] = ()
    types: dict[str, str] = field(default_factory=dict)
    every: frozenset[str] = frozenset()


def named(zh: str, en: str, identifier: str, label: str) -> Named:
    """An element by kind, label and id."""
    if label:
        return Named(f"{zh}“{label}”({identifier})", f'{en} "{label}" ({identifier})')
    return Named(f"{zh} {identifier}", f"{en} {identifier}")


def read_table(decision: Any, element: Any) -> Table:
    """A decision with its table, judged by nobody yet."""
    identifier = (decision.get("id") or "").strip()
    rows = children(element, "rule")
    return Table(
        id=identifier,
        line=decision.sourceline,
        label=plain(decision.get("name")),
        variable=_variable(decision),
        policy=" ".join((element.get("hitPolicy") or "UNIQUE").upper().split()),
        aggregation=(element.get("aggregation") or "").upper(),
        inputs=tuple(_input(each, place) for place, each in enumerate(children(element, "input"), 1)),
        outputs=tuple(_output(each, place) for place, each in enumerate(children(element, "output"), 1)),
        rules=tuple(_rule(identifier, each, number) for number, each in enumerate(rows, 1)),
        requires=tuple(_required(decision)),
    )


def own_types(root: Any) -> dict[str, str]:
    """Names of itemDefinition → the type they stand for; a list is Any."""
    types: dict[str, str] = {}
    for each in children(root, "itemDefinition"):
        reference = next((_text_of(child) for child in children(each, "typeRef")), "")
        collection = (each.get("isCollection") or "").lower() == "true"
        types[each.get("name") or ""] = "Any" if collection else reference.rpartition(":")[2]
    return types


def children(element: Any, name: str) -> Iterator[Any]:
    """The children of that name in the element's own namespace."""
    found: Iterator[Any] = element.iterchildren(f"{{{split(element.tag)[0]}}}{name}")
    return found


def split(tag: Any) -> tuple[str, str]:
    """A tag's namespace and name."""
    namespace, _, name = str(tag).rpartition("}")
    return namespace.lstrip("{"), name


def _input(element: Any, place: int) -> Input:
    expression = next(children(element, "inputExpression"), None)
    text = _text(expression) if expression is not None else ""
    identifier = element.get("id") or f"input_{place}"
    return Input(
        identifier,
        element.sourceline,
        plain(element.get("label")) or plain(text) or identifier,
        text,
        _type_ref(expression),
        _cell(next(children(element, "inputValues"), None), identifier),
    )


def _output(element: Any, place: int) -> Output:
    name = (element.get("name") or "").strip()
    identifier = element.get("id") or f"output_{place}"
    return Output(
        identifier,
        element.sourceline,
        plain(element.get("label")) or name or identifier,
        name,
        _type_ref(element),
        _cell(next(children(element, "outputValues"), None), identifier),
        _cell(next(children(element, "defaultOutputEntry"), None), identifier),
    )


def _rule(table: str, element: Any, number: int) -> Rule:
    return Rule(
        element.get("id") or f"{table}.{number}",
        element.sourceline,
        number,
        tuple(_entry(each) for each in children(element, "inputEntry")),
        tuple(_entry(each) for each in children(element, "outputEntry")),
    )


def _entry(element: Any) -> Cell:
    return Cell(element.get("id") or "", element.sourceline, _text(element))


def _cell(element: Any, fallback: str) -> Cell | None:
    if element is None or not _text(element):
        return None
    return Cell(element.get("id") or fallback, element.sourceline, _text(element))


def _required(decision: Any) -> Iterator[str]:
    for requirement in children(decision, "informationRequirement"):
        for each in children(requirement, "requiredDecision"):
            yield (each.get("href") or "").strip()


def _variable(decision: Any) -> str:
    variable = next(children(decision, "variable"), None)
    return (variable.get("name") or "").strip() if variable is not None else ""


def _type_ref(element: Any) -> str:
    return (element.get("typeRef") or "").strip().rpartition(":")[2] if element is not None else ""


def _text(element: Any) -> str:
    inner = next(children(element, "text"), None)
    return _text_of(inner) if inner is not None else ""


def _text_of(element: Any) -> str:
    return (element.text or "").strip()
