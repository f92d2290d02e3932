"""Writes DMN files for tests, as dmn-js saves them."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from app.engine.decisions import Decisions, compile_decisions

DMN13 = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def head(name: str, type_ref: str = "", allowed: str = "") -> tuple[str, str, str]:
    """A column: the input's expression or the output's name, its typeRef, its allowed values."""
    return name, type_ref, allowed


Head = str | tuple[str, str, str]


def table(
    inputs: Sequence[Head],
    outputs: Sequence[Head],
    rows: Sequence[Sequence[str]],
    policy: str = "",
    aggregation: str = "",
    identifier: str = "t",
    name: str = "表",
    requires: Sequence[str] = (),
    defaults: Mapping[str, str] | None = None,
) -> str:
    """One decision element; rule ids are <identifier>_r1, <identifier>_r2 …"""
    said = f' hitPolicy="{policy}"' if policy else ""
    said += f' aggregation="{aggregation}"' if aggregation else ""
    lines = [f'<decision id="{identifier}" name="{name}">']
    for place, other in enumerate(requires, 1):
        href = other if other.startswith("#") or "." in other else f"#{other}"
        lines.append(
            f'<informationRequirement id="{identifier}_n{place}"><requiredDecision href="{href}"/></informationRequirement>'
        )
    lines.append(f'<decisionTable id="{identifier}_t"{said}>')
    for place, each in enumerate(inputs, 1):
        expression, type_ref, allowed = each if isinstance(each, tuple) else (each, "", "")
        lines.append(
            f'<input id="{identifier}_i{place}" label="{escape(expression)}">'
            f'<inputExpression id="{identifier}_e{place}"{typed(type_ref)}><text>{escape(expression)}</text></inputExpression>'
            f"{values('inputValues', allowed)}</input>"
        )
    for place, each in enumerate(outputs, 1):
        output, type_ref, allowed = each if isinstance(each, tuple) else (each, "", "")
        default = values("defaultOutputEntry", (defaults or {}).get(output, ""))
        lines.append(
            f'<output id="{identifier}_o{place}" name="{output}"{typed(type_ref)}>'
            f"{values('outputValues', allowed)}{default}</output>"
        )
    for number, row in enumerate(rows, 1):
        lines.append(f'<rule id="{identifier}_r{number}">')
        for place, text in enumerate(row, 1):
            kind = "inputEntry" if place <= len(inputs) else "outputEntry"
            lines.append(f'<{kind} id="{identifier}_c{number}_{place}"><text>{escape(text)}</text></{kind}>')
        lines.append("</rule>")
    return "\n".join([*lines, "</decisionTable>", "</decision>"])


def typed(type_ref: str) -> str:
    return f' typeRef="{type_ref}"' if type_ref else ""


def values(element: str, text: str) -> str:
    return f"<{element}><text>{escape(text)}</text></{element}>" if text else ""


def file(*decisions: str, namespace: str = DMN13, before: str = "", beside: str = "") -> bytes:
    """A whole file."""
    body = "\n".join(decisions)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{before}'
        f'<definitions xmlns="{namespace}" id="d" name="DRD" namespace="http://camunda.org/schema/1.0/dmn">\n'
        f"{beside}{body}\n</definitions>"
    ).encode()


def decisions(*written: str) -> Decisions:
    """The compiled tables of one file."""
    return compile_decisions({"t.dmn": file(*written)})


def single(text: str, value: Any, type_ref: str = "", **data: Any) -> bool:
    """Whether one cell accepts one value."""
    asked = decisions(table([head("x", type_ref)], ["hit"], [[text, "true"]]))
    answer = asked.decide("t", {"x": value, **data}, {}, no_match="null")
    return bool(answer.rows)
