"""The expression language of diagrams: Python's syntax for one expression, with no Python behind it."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

from app.engine.functions import BUILTIN, HANDED, HANDED_DOC, Arity
from app.engine.grammar import GUARDS, Call, Reader, offset
from app.engine.operators import Clash
from app.engine.wording import FORBIDDEN, ExpressionRefused, misspelt, screened, unwrapped

__all__ = [
    "BUILTIN",
    "HANDED",
    "HANDED_DOC",
    "Arity",
    "Call",
    "Expression",
    "ExpressionError",
    "ExpressionRefused",
    "compile_expression",
    "position",
]

# Everything a compiled expression can reach. Names a person writes may not begin with "_", so none of these
# can be named; data comes only through `_data`, functions handed in only through `_call`.
_GLOBALS: dict[str, Any] = {
    "__builtins__": {},
    **{f"_{kind.__name__}": guard for kind, guard in GUARDS.items()},
    **{f"_fn_{name}": builtin.call for name, builtin in BUILTIN.items()},
}


_NO_TREE = ast.Constant(None)


class ExpressionError(Exception):
    """表达式计算出错。

    zh and en are whole sentences: the expression's text and the *types* of the values, never the values.
    """

    def __init__(self, text: str, zh: str, en: str) -> None:
        self.text = text
        self.zh = f"表达式“{text}”计算出错：{zh}。"
        self.en = f'Expression "{text}" failed: {en}.'
        super().__init__(self.zh)


@dataclass(frozen=True)
class Expression:
    """A compiled expression; shared by threads, evaluated with nothing but what is handed in.

    `names` are the data names it reads, `calls` the functions it calls in the order written; `bound` is
    (clock, tier or None) when the whole is exactly `due("clock")` or `tier("clock", "tier")`; `tree` is
    the checked syntax tree for the linter, `cut` what to add to its offsets for a position.
    """

    text: str
    names: frozenset[str]
    calls: tuple[Call, ...]
    bound: tuple[str, str | None] | None
    tree: ast.expr = field(repr=False, compare=False)
    cut: int = field(repr=False, compare=False)
    _code: CodeType = field(repr=False, compare=False)

    def pruned(self) -> Expression:
        """Without its tree, which only the linter reads, and which is ten times the rest."""
        return replace(self, tree=_NO_TREE)

    def evaluate(self, data: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Any:
        """The value now; a name without value is None. Raises ExpressionError.

        An exception of another kind out of a function handed in is that function's own and goes through.
        """
        try:
            return eval(self._code, _GLOBALS, {"_data": data.get, "_call": functions})
        except Clash as clash:
            raise ExpressionError(self.text, clash.zh, clash.en) from None
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            # The message of the cause may hold a value of the case; its type does not.
            kind = type(error).__name__
            raise ExpressionError(
                self.text, f"值的类型或范围不合适（{kind}）", f"unsuitable value ({kind})"
            ) from None


def compile_expression(
    text: str,
    names: Collection[str] | None,
    functions: Mapping[str, Arity],
    outcome_of: str | None = None,
) -> Expression:
    """Checks `text` against the allow-list and compiles it once. Raises ExpressionRefused.

    `names` are the declared data names (None: any), `functions` those handed in besides BUILTIN. A bare
    `outcome` becomes `outcome("<outcome_of>")`, or `outcome()` when that is None.
    """
    inner, cut = unwrapped(text)
    source = screened(inner, cut)
    try:
        body = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise misspelt(source, error, cut) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionRefused(
            FORBIDDEN, "表达式嵌套太深。", "the expression is nested too deeply.", cut + 1
        ) from None
    known = None if names is None else frozenset(unicodedata.normalize("NFKC", name) for name in names)
    reader = Reader(source, cut, known, functions, outcome_of)
    compiled = ast.fix_missing_locations(ast.Expression(reader.expression(body, 1)))
    return Expression(
        text=inner,
        names=frozenset(reader.names),
        calls=tuple(sorted(reader.calls, key=lambda call: call.position)),
        bound=_bound(body),
        tree=body,
        cut=cut,
        _code=compile(compiled, "<expression>", "eval"),
    )


def position(expression: Expression, node: ast.expr) -> int:
    """The 1-based character of a node of `expression.tree` in the diagram's text."""
    return offset(expression.text, node) + expression.cut + 1


def _bound(body: ast.expr) -> tuple[str, str | None] | None:
    match body:
        case ast.Call(func=ast.Name(id="due"), args=[ast.Constant(value=str(clock))], keywords=[]):
            return clock, None
        case ast.Call(
            func=ast.Name(id="tier"),
            args=[ast.Constant(value=str(clock)), ast.Constant(value=str(tier))],
            keywords=[],
        ):
            return clock, tier
    return None
