"""The allow-list of expressions: walks a syntax tree once, refuses, and builds the guarded tree beside it."""

from __future__ import annotations

import ast
import builtins
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.engine import operators
from app.engine.functions import BUILTIN, HANDED_DOC, Arity
from app.engine.wording import FORBIDDEN, MOST_DEPTH, SYNTAX, UNKNOWN, ExpressionRefused

MOST_NODES = 200

_ORDERING: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operators.less,
    ast.LtE: operators.less_or_equal,
    ast.Gt: operators.greater,
    ast.GtE: operators.greater_or_equal,
    ast.In: operators.is_in,
    ast.NotIn: operators.is_not_in,
}
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operators.plus,
    ast.Sub: operators.minus,
    ast.Mult: operators.multiply,
    ast.Div: operators.divide,
    ast.FloorDiv: operators.floor_divide,
    ast.Mod: operators.modulo,
}
GUARDS: Mapping[type, Callable[..., Any]] = {
    **_ORDERING,
    **_ARITHMETIC,
    ast.USub: operators.negative,
    ast.Subscript: operators.item,
}
_FOREIGN_WORDS = {"null": "None", "nil": "None", "true": "True", "false": "False", "undefined": "None"}
_KIND = {
    ast.Attribute: ("不能用点号取属性或方法。", "attributes and methods (.) are not allowed."),
    ast.Lambda: ("不能写 lambda。", "lambda is not allowed."),
    ast.JoinedStr: ("不能写 f 字符串。", "f-strings are not allowed."),
    ast.Dict: ("不能写花括号。", "braces are not allowed."),
    ast.Set: ("不能写花括号。", "braces are not allowed."),
    ast.Tuple: ("列表请写方括号，如 [a, b]。", "write a list in square brackets: [a, b]."),
    ast.Starred: ("不能用星号展开参数。", "star arguments are not allowed."),
}
_LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Call:
    """One call in an expression: its literal arguments (None for any other) and 1-based position."""

    name: str
    literals: tuple[Any, ...]
    position: int


class Reader:
    """Walks the tree once: refuses what is not on the list, and builds the guarded tree beside it."""

    def __init__(
        self,
        source: str,
        cut: int,
        known: frozenset[str] | None,
        functions: Mapping[str, Arity],
        outcome_of: str | None,
    ) -> None:
        self.source, self.cut, self.known = source, cut, known
        self.arities = {**functions, **{name: builtin.arity for name, builtin in BUILTIN.items()}}
        self.outcome_of = outcome_of
        self.names: set[str] = set()
        self.calls: list[Call] = []
        self.nodes = 0

    def expression(self, node: ast.expr, depth: int) -> ast.expr:
        self.nodes += 1
        if depth > MOST_DEPTH:
            raise self.refused(
                FORBIDDEN,
                node,
                f"表达式嵌套超过 {MOST_DEPTH} 层。",
                f"nested more than {MOST_DEPTH} levels deep.",
            )
        if self.nodes > MOST_NODES:
            raise self.refused(
                FORBIDDEN, node, f"表达式超过 {MOST_NODES} 个部分。", f"more than {MOST_NODES} parts."
            )
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Name():
                return self.name(node)
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op, [self.expression(value, depth + 1) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ast.UnaryOp(ast.Not(), self.expression(operand, depth + 1))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _guarded(ast.USub, self.expression(operand, depth + 1))
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _ARITHMETIC:
                return _guarded(type(op), self.expression(left, depth + 1), self.expression(right, depth + 1))
            case ast.Compare():
                return self.comparison(node, depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return ast.IfExp(*(self.expression(part, depth + 1) for part in (test, body, orelse)))
            case ast.List(elts=elements):
                return ast.List([self.expression(element, depth + 1) for element in elements], ast.Load())
            case ast.Call():
                return self.call(node, depth)
            case ast.Subscript():
                return self.subscript(node, depth)
        raise self.not_allowed(node)

    def constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if value is None or isinstance(value, bool | str):
            return ast.Constant(value)
        if isinstance(value, int) and value.bit_length() <= operators.MOST_BITS:
            return ast.Constant(value)
        if isinstance(value, float) and value - value == 0:
            return ast.Constant(value)
        if isinstance(value, int | float):
            raise self.refused(FORBIDDEN, node, "数字太大。", "the number is too big.")
        raise self.refused(
            FORBIDDEN, node, "只能写文字、数字、True、False、None。", "only text, numbers, True, False, None."
        )

    def name(self, node: ast.Name) -> ast.expr:
        name = node.id
        self.refuse_underscore(node, name)
        if (self.known is not None and name not in self.known) or (self.known is None and name == "outcome"):
            if name == "outcome" and name in self.arities:
                self.calls.append(Call("outcome", (), self.at(node)))
                return self.outcome()
            raise self.unknown_name(node)
        self.names.add(name)
        return ast.Call(ast.Name("_data", ast.Load()), [ast.Constant(name)], [])

    def comparison(self, node: ast.Compare, depth: int) -> ast.expr:
        operands = [node.left, *node.comparators]
        for middle in operands[1:-1]:
            if not isinstance(middle, ast.Name | ast.Constant):
                raise self.refused(
                    SYNTAX,
                    middle,
                    "连写的比较请拆开，如 a < b and b < c。",
                    "split a chained comparison: a < b and b < c.",
                )
        parts = [
            self.compared(op, left, right, depth)
            for op, left, right in zip(node.ops, operands, operands[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def compared(self, op: ast.cmpop, left: ast.expr, right: ast.expr, depth: int) -> ast.expr:
        first, second = self.expression(left, depth + 1), self.expression(right, depth + 1)
        if isinstance(op, ast.Is | ast.IsNot) and not (
            isinstance(right, ast.Constant) and right.value is None
        ):
            raise self.refused(
                SYNTAX,
                right,
                "is 后面只能写 None；比较请写 ==。",
                "only None may follow is; write == to compare.",
            )
        if type(op) in _ORDERING:
            return _guarded(type(op), first, second)
        return ast.Compare(first, [op], [second])

    def call(self, node: ast.Call, depth: int) -> ast.expr:
        function = node.func
        if not isinstance(function, ast.Name):
            raise (
                self.not_allowed(function)
                if isinstance(function, ast.Attribute)
                else self.refused(
                    FORBIDDEN, function, "只能调用有名字的函数。", "only named functions may be called."
                )
            )
        name = function.id
        self.refuse_underscore(function, name)
        if name not in self.arities:
            raise self.unknown_function(function)
        if node.keywords:
            raise self.refused(
                FORBIDDEN,
                node.keywords[0].value,
                "函数的参数不能写名字。",
                "keyword arguments are not allowed.",
            )
        given = [self.expression(argument, depth + 1) for argument in node.args]
        self.check_arity(function, name, len(given))
        literals = tuple(
            argument.value if isinstance(argument, ast.Constant) else None for argument in node.args
        )
        self.calls.append(Call(name, literals, self.at(function)))
        if name == "outcome" and not given:
            return self.outcome()
        if name == "age":
            given.append(_handed("today", []))
        if name in BUILTIN:
            return ast.Call(ast.Name(f"_fn_{name}", ast.Load()), given, [])
        return _handed(name, given)

    def check_arity(self, node: ast.Name, name: str, given: int) -> None:
        least, most = self.arities[name]
        if least <= given and (most is None or given <= most):
            return
        wanted = str(least) if least == most else f"至少 {least}" if most is None else f"{least} 到 {most}"
        wanted_en = (
            str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        )
        raise self.refused(
            SYNTAX,
            node,
            f"函数 {name} 要 {wanted} 个参数，这里写了 {given} 个。",
            f"function {name} takes {wanted_en} argument(s), {given} given.",
        )

    def subscript(self, node: ast.Subscript, depth: int) -> ast.expr:
        key: ast.expr = node.slice
        if isinstance(key, ast.UnaryOp) and isinstance(key.op, ast.USub):
            key = key.operand
        fits = (
            isinstance(key, ast.Constant)
            and isinstance(key.value, str | int)
            and not isinstance(key.value, bool)
        )
        if not (isinstance(node.value, ast.Name) and fits):
            raise self.refused(
                FORBIDDEN,
                node,
                '方括号只能写成 名称[0] 或 名称["键"]。',
                'brackets only as name[0] or name["key"].',
            )
        return _guarded(
            ast.Subscript, self.expression(node.value, depth + 1), self.expression(node.slice, depth + 1)
        )

    def outcome(self) -> ast.expr:
        return _handed("outcome", [] if self.outcome_of is None else [ast.Constant(self.outcome_of)])

    def refuse_underscore(self, node: ast.Name, name: str) -> None:
        if name.startswith("_"):
            raise self.refused(
                FORBIDDEN, node, "名称不能以下划线开头。", "a name may not begin with an underscore."
            )

    def unknown_name(self, node: ast.Name) -> ExpressionRefused:
        name, known = node.id, sorted(self.known or ())
        if name in _FOREIGN_WORDS:
            right = _FOREIGN_WORDS[name]
            return self.refused(SYNTAX, node, f"{name} 请写 {right}。", f"write {right} for {name}.")
        if name in self.arities:
            return self.refused(
                SYNTAX,
                node,
                f"{name} 是函数，请加括号，如 {self.usage(name)}。",
                f"{name} is a function: {name}(…).",
            )
        zh, en = f"没有名为“{name}”的数据", f'there is no data named "{name}"'
        near = difflib.get_close_matches(name, known, 1, 0.6)
        if near:
            zh, en = f"{zh}；是不是 {near[0]}？", f"{en}; did you mean {near[0]}?"
        elif not name.isascii():
            zh, en = f'{zh}；如果是文字请加引号，写成 "{name}"。', f'{en}; if it is text, quote it: "{name}".'
        else:
            zh, en = (
                f"{zh}；process.yaml 的 data 中有 {_listed(known)}。",
                f"{en}; process.yaml's data has {_listed(known, ', ')}.",
            )
        return self.refused(UNKNOWN, node, zh, en)

    def unknown_function(self, node: ast.Name) -> ExpressionRefused:
        name = node.id
        if hasattr(builtins, name):
            return self.refused(FORBIDDEN, node, f"不能调用 {name}。", f"{name} may not be called.")
        near = difflib.get_close_matches(name, sorted(self.arities), 1, 0.6)
        hint = f"是不是 {near[0]}？" if near else f"可用的有 {'、'.join(sorted(self.arities))}。"
        hint_en = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(self.arities))}."
        return self.refused(
            UNKNOWN, node, f"没有名为“{name}”的函数；{hint}", f'there is no function "{name}"; {hint_en}'
        )

    def usage(self, name: str) -> str:
        doc = BUILTIN[name].doc if name in BUILTIN else HANDED_DOC.get(name, f"{name}()：")
        return doc.split("：", 1)[0]

    def not_allowed(self, node: ast.expr) -> ExpressionRefused:
        if isinstance(node, _LOOPS):
            return self.refused(FORBIDDEN, node, "不能写循环。", "comprehensions are not allowed.")
        if isinstance(node, ast.BinOp):
            return self.refused(
                FORBIDDEN, node, "只能用 + - * / // % 运算。", "only + - * / // % are allowed."
            )
        zh, en = _KIND.get(type(node), ("这种写法不允许。", "this is not allowed."))
        return self.refused(SYNTAX if isinstance(node, ast.Tuple) else FORBIDDEN, node, zh, en)

    def refused(self, rule: str, node: ast.expr, zh: str, en: str) -> ExpressionRefused:
        return ExpressionRefused(rule, zh, en, self.at(node))

    def at(self, node: ast.expr) -> int:
        return offset(self.source, node) + self.cut + 1


def offset(source: str, node: ast.expr) -> int:
    return len(
        source.encode()[: node.col_offset].decode("utf-8", "ignore")
    )  # ast counts bytes, people characters


def _guarded(kind: type, *operands: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(f"_{kind.__name__}", ast.Load()), list(operands), [])


def _handed(name: str, arguments: list[ast.expr]) -> ast.expr:
    return ast.Call(
        ast.Subscript(ast.Name("_call", ast.Load()), ast.Constant(name), ast.Load()), arguments, []
    )


def _listed(names: list[str], comma: str = "、") -> str:
    return comma.join(names[:12]) + ("…" if len(names) > 12 else "") if names else "—"
