"""What a decision file may hold: one table per decision, columns and rows that fit, limits, ids used once."""

from __future__ import annotations

import re
from typing import Any

from app.engine.check.words import Named, plain
from app.engine.decisions.dmn import (
    NAMESPACES,
    File,
    Output,
    Table,
    children,
    named,
    own_types,
    read_table,
    split,
)
from app.engine.decisions.report import Report

MOST_RULES = 2_000
MOST_COLUMNS = 50
MOST_DECISIONS = 50
MOST_ID = 60
MALFORMED, TOO_LARGE = "dmn-malformed", "dmn-too-large"

POLICIES = ("UNIQUE", "FIRST", "ANY", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "COLLECT")
AGGREGATIONS = ("SUM", "MIN", "MAX", "COUNT")

_IDENTIFIER = re.compile(r"[^\W\d][\w.-]*")
_NAME = re.compile(r"[^\W\d]\w*")
# Beside the tables a file may hold what only explains it.
_HARMLESS = {
    "decision", "inputData", "knowledgeSource", "textAnnotation", "association", "group", "description",
    "extensionElements", "itemDefinition", "elementCollection", "performanceIndicator", "organizationUnit",
    "decisionService",
}  # fmt: skip
_FOREIGN = {
    "import": Named("引入别的文件", "import other files"),
    "businessKnowledgeModel": Named("自带业务知识模型", "hold business knowledge models"),
}
_EXPRESSIONS = {
    "literalExpression": Named("是文字表达式", "a literal expression"),
    "invocation": Named("是一个调用", "an invocation"),
    "context": Named("是上下文", "a context"),
    "functionDefinition": Named("是函数定义", "a function definition"),
    "relation": Named("是关系表", "a relation"),
    "list": Named("是列表", "a list"),
}


def read_file(root: Any, report: Report) -> File:
    """The tables of one file; those that cannot be used are told to `report` and left out."""
    namespace, name = split(root.tag)
    if name != "definitions" or namespace not in NAMESPACES:
        what = plain(f"{name}（{namespace or '无命名空间'}）", 90)
        report.error(
            MALFORMED,
            None,
            root.sourceline,
            f"这不是 DMN 1.1、1.2 或 1.3 的决策表：最外层是 {what}。"
            "请用 dmn-js 或 Camunda Modeler 另存为 DMN 1.3。",
            f"this is no DMN 1.1, 1.2 or 1.3 file: its root is {plain(root.tag, 90)}. Save it as DMN 1.3.",
        )
        return File()
    _refuse_strangers(root, namespace, report)
    decisions = list(children(root, "decision"))
    if not decisions:
        report.error(
            MALFORMED, None, root.sourceline, "文件里没有决策（decision）。", "the file holds no decision."
        )
    if len(decisions) > MOST_DECISIONS:
        report.error(
            TOO_LARGE,
            None,
            root.sourceline,
            f"文件里有 {len(decisions):,} 个决策，最多 {MOST_DECISIONS} 个。请拆成几个文件。",
            f"the file holds {len(decisions):,} decisions, at most {MOST_DECISIONS}. Split it.",
        )
        return File()
    tables = tuple(table for each in decisions if (table := _decision(each, report)) is not None)
    _refuse_twice(tables, report)
    return File(tables, own_types(root), frozenset(each.get("id") or "" for each in decisions))


def _refuse_strangers(root: Any, namespace: str, report: Report) -> None:
    """Elements beside the decisions that would change what a table means, or that nobody knows."""
    for each in root:
        home, name = split(each.tag)
        if home != namespace or name in _HARMLESS:
            continue
        known = _FOREIGN.get(name)
        report.error(
            MALFORMED,
            each.get("id"),
            each.sourceline,
            f"决策表文件不能{known.zh}（{name}）。请删去。"
            if known
            else f"决策表文件里不认识元素 {plain(name)}。请删去。",
            f"a decision file may not {known.en} ({name}). Remove it."
            if known
            else f"unknown element {plain(name)} in a decision file. Remove it.",
        )


def _decision(element: Any, report: Report) -> Table | None:
    identifier, line = (element.get("id") or "").strip(), element.sourceline
    what = named("决策", "decision", plain(identifier), plain(element.get("name")))
    if not _IDENTIFIER.fullmatch(identifier) or len(identifier) > MOST_ID:
        report.error(
            MALFORMED,
            identifier or None,
            line,
            f"{what.zh} 的 id 应以字母开头，由字母、数字、下划线组成，最长 {MOST_ID} 个字符。",
            f"{what.en} needs an id of letters, digits and underscores, at most {MOST_ID} long.",
        )
        return None
    tables = list(children(element, "decisionTable"))
    if len(tables) != 1:
        holds = _instead(element, len(tables))
        report.error(
            MALFORMED,
            identifier,
            line,
            f"{what.zh} {holds.zh}；每个决策要有恰好一张决策表。",
            f"{what.en} holds {holds.en}; every decision needs exactly one decision table.",
        )
        return None
    told = report.count
    _refuse_languages(element, what, report)
    rows, columns = (sum(1 for _ in children(tables[0], name)) for name in ("rule", "input"))
    columns += sum(1 for _ in children(tables[0], "output"))
    if columns > MOST_COLUMNS or rows > MOST_RULES:
        report.error(
            TOO_LARGE,
            identifier,
            line,
            f"{what.zh} 有 {columns} 列、{rows:,} 条规则；最多 {MOST_COLUMNS} 列、{MOST_RULES:,} 条。",
            f"{what.en} has {columns} columns and {rows:,} rules; at most {MOST_COLUMNS} and {MOST_RULES:,}.",
        )
        return None
    table = read_table(element, tables[0])
    _check_policy(table, report)
    _check_outputs(table, report)
    _check_rows(table, report)
    return table if report.count == told else None


def _instead(decision: Any, tables: int) -> Named:
    """What a decision without exactly one table holds."""
    if tables:
        return Named(f"里有 {tables} 张表", f"{tables} tables")
    names = (split(each.tag)[1] for each in decision)
    return next((_EXPRESSIONS[name] for name in names if name in _EXPRESSIONS), Named("里没有表", "no table"))


def _refuse_languages(decision: Any, what: Named, report: Report) -> None:
    """Cells in another language than the table's own, and functions of the file's own."""
    for each in decision.iter():
        if split(each.tag)[1] == "requiredKnowledge":
            report.error(
                MALFORMED,
                decision.get("id"),
                each.sourceline,
                f"{what.zh} 引用了业务知识模型（自定义函数），不能用。请删去这条连线。",
                f"{what.en} requires a business knowledge model, which cannot be used. Remove the link.",
            )
        language = (each.get("expressionLanguage") or "").strip()
        if language and "feel" not in language.lower():
            report.error(
                MALFORMED,
                each.get("id"),
                each.sourceline,
                f"{what.zh} 有一格写明用 {plain(language)} 语言；请去掉，决策表只用自己的写法。",
                f"{what.en} has a cell in {plain(language)}; remove expressionLanguage.",
            )


def _check_policy(table: Table, report: Report) -> None:
    what = table.named
    if table.policy not in POLICIES:
        report.error(
            MALFORMED,
            table.id,
            table.line,
            f"{what.zh} 的命中策略 {plain(table.policy)} 不认识；可以用 {'、'.join(POLICIES)}。",
            f"{what.en} has the unknown hit policy {plain(table.policy)}; there are {', '.join(POLICIES)}.",
        )
    elif table.aggregation and (table.aggregation not in AGGREGATIONS or table.policy != "COLLECT"):
        report.error(
            MALFORMED,
            table.id,
            table.line,
            f"{what.zh} 的汇总方式 {plain(table.aggregation)} 用不上；"
            f"只有 COLLECT 可以写，可以写 {'、'.join(AGGREGATIONS)}。",
            f"{what.en} has aggregation {plain(table.aggregation)}; only COLLECT takes one, "
            f"and it is one of {', '.join(AGGREGATIONS)}.",
        )
    elif table.aggregation and len(table.outputs) > 1:
        report.error(
            MALFORMED,
            table.id,
            table.line,
            f"{what.zh} 用 {table.aggregation} 汇总，只能有一个输出，现在有 {len(table.outputs)} 个。",
            f"{what.en} aggregates with {table.aggregation}: one output only, not {len(table.outputs)}.",
        )
    elif table.policy in ("PRIORITY", "OUTPUT ORDER") and not any(each.allowed for each in table.outputs):
        report.error(
            MALFORMED,
            table.id,
            table.line,
            f"{what.zh} 的命中策略 {table.policy} 按输出值的先后排序；请在输出列写上允许的值，优先的在前。",
            f"{what.en} has hit policy {table.policy}, which orders by output values; "
            "list them in the output column, the most important first.",
        )


def _check_outputs(table: Table, report: Report) -> None:
    seen: set[str] = set()
    for output in table.outputs:
        column = f"{table.named.zh} 的输出“{output.label}”"
        column_en = f'{table.named.en}, output "{output.label}"'
        if not _NAME.fullmatch(output.name):
            _malformed_output(
                report,
                output,
                f"{column}要有名称（name），由字母、汉字、数字组成，不以数字开头；"
                f"现在是 {plain(output.name) or '（空）'}。",
                f'{column_en} needs a name of letters and digits; it is "{plain(output.name)}".',
            )
        elif output.name in seen:
            _malformed_output(
                report,
                output,
                f"{column}和另一个输出同名，都叫 {output.name}。",
                f"{column_en} has the name of another output: {output.name}.",
            )
        seen.add(output.name)


def _malformed_output(report: Report, output: Output, zh: str, en: str) -> None:
    report.error(MALFORMED, output.id, output.line, zh, en)


def _check_rows(table: Table, report: Report) -> None:
    what = table.named
    for zh, en, there in (
        ("输入列", "input column", table.inputs),
        ("输出列", "output column", table.outputs),
        ("规则", "rule", table.rules),
    ):
        if not there:
            report.error(MALFORMED, table.id, table.line, f"{what.zh} 没有{zh}。", f"{what.en} has no {en}.")
    wanted = (len(table.inputs), len(table.outputs))
    for rule in table.rules:
        has = (len(rule.tests), len(rule.results))
        if has != wanted:
            report.error(
                MALFORMED,
                rule.id,
                rule.line,
                f"{what.zh} 的{rule.named.zh} 有 {has[0]} 个输入格、{has[1]} 个输出格；"
                f"表头是 {wanted[0]} 个和 {wanted[1]} 个。",
                f"{what.en}: {rule.named.en} has {has[0]} input and {has[1]} output cells; "
                f"the head has {wanted[0]} and {wanted[1]}.",
            )


def _refuse_twice(tables: tuple[Table, ...], report: Report) -> None:
    """Ids of decisions and of rules: a trace that names one must mean one."""
    seen: set[str] = set()
    for table in tables:
        everything: list[tuple[str, int | None, Named]] = [(table.id, table.line, table.named)]
        everything += [(rule.id, rule.line, rule.named) for rule in table.rules]
        for identifier, line, what in everything:
            if identifier in seen:
                report.error(
                    "bpmn-duplicate-id",
                    identifier,
                    line,
                    f"编号 {plain(identifier)} 用了两次；{what.zh} 要有自己的 id。",
                    f"the id {plain(identifier)} is used twice; {what.en} needs its own.",
                )
            seen.add(identifier)
