"""One minimal bad table per rule of the linter: the file, the rule, and the element it points at."""

from collections.abc import Mapping

from tests.engine.decisions.tables import file, head, table

ONE = table(["level"], ["y"], [["-", "1"]])


def cell(text: str, column: str = "level", type_ref: str = "") -> bytes:
    """A table with this one input cell."""
    return file(table([head(column, type_ref)], ["y"], [[text, "1"]]))


def output(text: str, type_ref: str = "", allowed: str = "") -> bytes:
    """A table with this one output cell."""
    return file(table(["level"], [head("y", type_ref, allowed)], [["-", text]]))


def chain(length: int) -> bytes:
    """Decisions that each require the one before."""
    return file(
        *(
            table(["level"], [f"y{place}"], [["-", "1"]], identifier=f"t{place}", name="", requires=[f"t{place - 1}"] if place else [])
            for place in range(length)
        )
    )  # fmt: skip


BAD: Mapping[str, tuple[str, bytes]] = {
    # cells
    "bare-word": ("dmn-cell-syntax", cell("紧急")),
    "bare-words": ("dmn-cell-syntax", cell("物业，供暖")),
    "bare-data-name": ("dmn-cell-syntax", cell("status")),
    "chinese-quotes": ("dmn-cell-syntax", cell("“紧急”")),
    "chinese-comma": ("dmn-cell-syntax", cell('"紧急"，"一般"')),
    "word-or": ("dmn-cell-syntax", cell('"紧急" or "一般"')),
    "unclosed-quote": ("dmn-cell-syntax", cell('"紧急')),
    "trailing-comma": ("dmn-cell-syntax", cell('"紧急",')),
    "not-in-a-list": ("dmn-cell-syntax", cell('"紧急",not("一般")')),
    "empty-not": ("dmn-cell-syntax", cell("not()")),
    "not-equal": ("dmn-cell-syntax", cell('!= "紧急"')),
    "equal": ("dmn-cell-syntax", cell("= 5", "days")),
    "at-least": ("dmn-cell-syntax", cell("≥5", "days")),
    "between": ("dmn-cell-syntax", cell("1-5", "days")),
    "range-of-dots": ("dmn-cell-syntax", cell("1..5", "days")),
    "range-reversed": ("dmn-cell-syntax", cell("[5..1]", "days")),
    "range-empty": ("dmn-cell-syntax", cell("(5..5]", "days")),
    "range-half": ("dmn-cell-syntax", cell("[1..]", "days")),
    "range-comma": ("dmn-cell-syntax", cell("[1,5]", "days")),
    "nothing-after-less": ("dmn-cell-syntax", cell("<", "days")),
    "data-after-less": ("dmn-cell-syntax", cell("> amount", "days")),
    "thousands": ("dmn-cell-syntax", cell("> 10,500", "days")),
    "leading-zero": ("dmn-cell-syntax", cell("007", "days")),
    "percent": ("dmn-cell-syntax", cell("> 5%", "amount")),
    "unit-after-number": ("dmn-cell-syntax", cell("5天", "days")),
    "sixteen-digits": ("dmn-cell-syntax", cell("1234567890123456", "days")),
    "call-without-question": ("dmn-cell-syntax", cell("has(level)")),
    "capital-true": ("dmn-cell-syntax", cell("True", "urgent")),
    "star-for-anything": ("dmn-cell-syntax", cell("*")),
    "no-such-day": ("dmn-cell-syntax", cell('date("2026-02-30")', "day")),
    "half-a-date": ("dmn-cell-syntax", cell('< date("2026-10")', "day")),
    "no-offset": ("dmn-cell-syntax", cell('> date and time("2026-10-01T09:00:00")', "seen")),
    "half-a-question": ("dmn-cell-syntax", cell("? > ", "days")),
    "question-with-one-equals": ("dmn-cell-syntax", cell('? = "紧急"')),
    "backslash": ("dmn-cell-syntax", cell('"a\\q"')),
    "too-long-a-cell": ("dmn-cell-syntax", cell(",".join(['"紧急"'] * 250))),
    "output-bare-word": ("dmn-cell-syntax", output("PT24H")),
    "output-hours": ("dmn-cell-syntax", output("2小时")),
    "output-dash": ("dmn-cell-syntax", output("-")),
    "output-half": ("dmn-cell-syntax", output("days +")),
    # expressions
    "forbidden": ("bpmn-expression-forbidden", cell("? > 9**9**9", "days")),
    "forbidden-import": ("bpmn-expression-forbidden", output('__import__("os")')),
    "forbidden-attribute": ("bpmn-expression-forbidden", file(table(["level.name"], ["y"], [["-", "1"]]))),
    "unknown-name": ("bpmn-unknown-name", output("dayz + 1")),
    "unknown-function": ("bpmn-unknown-name", cell("? in split(level)")),
    "input-syntax": ("bpmn-expression-syntax", file(table(["days >"], ["y"], [["-", "1"]]))),
    # types
    "text-in-numbers": ("dmn-type", cell('"5"', "days")),
    "number-in-texts": ("dmn-type", cell("5")),
    "text-in-dates": ("dmn-type", cell('>= "2026-10-01"', "day")),
    "date-in-instants": ("dmn-type", cell('date("2026-10-01")', "seen")),
    "mixed-in-a-cell": ("dmn-type", cell('5,"a"', "days + 0")),
    "order-of-flags": ("dmn-type", cell("> true", "urgent")),
    "duration": ("dmn-type", cell('> duration("P1D")', "days")),
    "duration-type": ("dmn-type", cell("-", "days", "dayTimeDuration")),
    "another-type": ("dmn-type", cell("-", "days", "string")),
    "list-with-values": ("dmn-type", cell('"甲"', "units")),
    "list-as-string": ("dmn-type", cell('? has(?, "甲")', "units", "string")),
    "not-a-choice": ("dmn-type", cell('"紧及"')),
    "not-in-the-head": ("dmn-type", file(table([head("amount", "number", "[0..100]")], ["y"], [["500", "1"]]))),
    "output-of-another-kind": ("dmn-type", output('"5"', "number")),
    "output-not-in-the-head": ("dmn-type", output('"低"', "string", '"高","中"')),
    "sum-of-texts": ("dmn-type", file(table(["level"], [head("y", "string")], [["-", '"a"']], "COLLECT", "SUM"))),
    # inputs
    "unknown-input": ("dmn-unknown-input", cell("-", "levl")),
    "empty-input": ("dmn-unknown-input", file(table([("", "", "")], ["y"], [["-", "1"]]))),
    # rules against rules
    "overlap": ("dmn-overlap", file(table(["level", "days"], ["y"], [['"紧急"', "< 5", "1"], ["-", "[4..9]", "2"], ["-", ">= 10, null", "3"], ['not("紧急")', "< 4", "4"]]))),
    "overlap-of-any": ("dmn-overlap", file(table(["days"], ["y"], [["< 5", "1"], ["< 3", "1"], ["> 3", "2"]], "ANY"))),
    "overlap-of-absent": ("dmn-overlap", file(table(["days"], ["y"], [["null", "1"], ["-", "2"]]))),
    "gap-of-numbers": ("dmn-gap", file(table(["amount"], ["y"], [["< 5", "1"], ["(5..9]", "2"]]))),
    "gap-of-whole-numbers": ("dmn-gap", file(table(["days"], ["y"], [["< 5", "1"], ["> 6, 5", "2"]]))),
    "gap-of-choices": ("dmn-gap", file(table(["level", "urgent"], ["y"], [['"紧急"', "-", "1"], ['not("紧急")', "true", "2"]]))),
    "gap-of-days": ("dmn-gap", file(table(["day"], ["y"], [['< date("2026-10-01")', "1"], ['>= date("2026-10-03")', "2"]]))),
    "unreachable": ("dmn-rule-unreachable", file(table(["level", "days"], ["y"], [["-", "< 5", "1"], ['"紧急"', "[2..4]", "2"], ["-", "-", "3"]], "FIRST"))),
    "unreachable-together": ("dmn-rule-unreachable", file(table(["days"], ["y"], [["< 5", "1"], [">= 5", "2"], ["[3..7]", "3"], ["null", "4"]], "FIRST"))),
    "never-true": ("dmn-rule-unreachable", file(table(["urgent", "days"], ["y"], [["not(true,false)", "-", "1"], ["-", "-", "2"]], "FIRST"))),
    "no-whole-number-between": ("dmn-rule-unreachable", file(table(["days"], ["y"], [["(4..5)", "1"], ["-", "2"]], "FIRST"))),
    # structure
    "no-table": ("dmn-malformed", file('<decision id="t" name="表"/>')),
    "literal-expression": ("dmn-malformed", file('<decision id="t" name="表"><literalExpression><text>1</text></literalExpression></decision>')),
    "two-tables": ("dmn-malformed", file('<decision id="t"><decisionTable/><decisionTable/></decision>')),
    "no-decision": ("dmn-malformed", file()),
    "no-rules": ("dmn-malformed", file(table(["level"], ["y"], []))),
    "no-inputs": ("dmn-malformed", file(table([], ["y"], [["1"]]))),
    "no-outputs": ("dmn-malformed", file(table(["level"], [], [["-"]]))),
    "a-cell-missing": ("dmn-malformed", file(table(["level", "days"], ["y"], [["-", "-", "1"]]).replace('<inputEntry id="t_c1_2"><text>-</text></inputEntry>', ""))),
    "unnamed-output": ("dmn-malformed", file(table(["level"], [""], [["-", "1"]]))),
    "equal-outputs": ("dmn-malformed", file(table(["level"], ["y", "y"], [["-", "1", "2"]]))),
    "unknown-policy": ("dmn-malformed", file(table(["level"], ["y"], [["-", "1"]], "LAST"))),
    "aggregation-of-first": ("dmn-malformed", file(table(["level"], ["y"], [["-", "1"]], "FIRST", "SUM"))),
    "aggregation-of-two": ("dmn-malformed", file(table(["level"], ["y", "z"], [["-", "1", "2"]], "COLLECT", "SUM"))),
    "priority-without-order": ("dmn-malformed", file(table(["level"], ["y"], [["-", "1"]], "PRIORITY"))),
    "javascript": ("dmn-malformed", file(ONE.replace('<inputExpression id="t_e1"', '<inputExpression id="t_e1" expressionLanguage="javascript"'))),
    "own-function": ("dmn-malformed", file(ONE, beside='<businessKnowledgeModel id="f" name="f"/>')),
    "import": ("dmn-malformed", file(ONE, beside='<import name="x" locationURI="file:///etc/passwd"/>')),
    "unknown-element": ("dmn-malformed", file(ONE, beside='<script id="s"/>')),
    "bad-decision-id": ("dmn-malformed", file(table(["level"], ["y"], [["-", "1"]], identifier="1-表"))),
    "not-dmn": ("dmn-malformed", b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>'),
    "dmn-1.5": ("dmn-malformed", file(ONE, namespace="https://www.omg.org/spec/DMN/20230324/MODEL/")),
    "equal-ids": ("bpmn-duplicate-id", file(ONE, table(["level"], ["z"], [["-", "1"]]))),
    "equal-rule-ids": ("bpmn-duplicate-id", file(table(["days"], ["y"], [["1", "1"], ["not(1)", "2"]]).replace('id="t_r2"', 'id="t_r1"'))),
    # requirements
    "requires-nothing": ("dmn-requirement", file(table(["level"], ["y"], [["-", "1"]], requires=["season"]))),
    "requires-another-file": ("dmn-requirement", file(table(["level"], ["y"], [["-", "1"]], requires=["other.dmn#x"]))),
    "requires-itself": ("dmn-requirement", file(table(["level"], ["y"], [["-", "1"]], requires=["t"]))),
    "a-cycle": ("dmn-requirement", file(table(["level"], ["y"], [["-", "1"]], identifier="a", requires=["b"]), table(["level"], ["z"], [["-", "1"]], identifier="b", requires=["a"]))),
    "too-deep": ("dmn-requirement", chain(7)),
    "two-of-one-name": ("dmn-requirement", file(table(["level"], ["y"], [["-", "1"]], identifier="a"), table(["level"], ["y"], [["-", "1"]], identifier="b"), table(["level"], ["z"], [["-", "1"]], requires=["a", "b"]))),
    # size and the gate (trust.md §5 rows 1-3, 13)
    "too-many-rules": ("dmn-too-large", file(table(["days"], ["y"], [["1", "1"]] * 2_001))),
    "too-many-columns": ("dmn-too-large", file(table(["days"] * 50, ["y"], [["1"] * 51]))),
    "too-many-decisions": ("dmn-too-large", file(*(f'<decision id="t{place}"/>' for place in range(51)))),
    "too-many-bytes": ("bpmn-too-large", file(ONE, beside=f"<!--{'长' * 400_000}-->")),
    "too-deep-xml": ("bpmn-too-large", file("<group>" * 101 + "</group>" * 101)),
    "doctype": ("bpmn-doctype-forbidden", file(ONE, before='<!DOCTYPE definitions [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n')),
    "billion-laughs": ("bpmn-doctype-forbidden", file(ONE, before='<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>\n')),
    "not-xml": ("xml-malformed", "级别,时限\n紧急,PT2H\n".encode()),
    "empty": ("xml-malformed", b""),
    "cut-off": ("xml-malformed", file(ONE)[:-20]),
    "gbk": ("charset", '<?xml version="1.0" encoding="GBK"?><definitions name="时限"/>'.encode("gbk")),
    "utf-16": ("charset", file(ONE).decode().replace("UTF-8", "UTF-16").encode("utf-16")),
}  # fmt: skip
