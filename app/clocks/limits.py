"""How long a clock may run: the limit that sla.yaml writes, or what its decision table says of this case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles import Bundle
from app.bundles.limit_text import duration_error
from app.bundles.sla import ClockDef
from app.engine.decisions import ResultDoesNotFit, map_result


@dataclass(frozen=True)
class Limit:
    """`text` is an ISO duration, None for no limit; `table` and the numbers of its `rules` say whence."""

    text: str | None
    table: str = ""
    rules: tuple[int, ...] = ()

    @property
    def decided(self) -> dict[str, Any]:
        """What the ledger says of the table; nothing for a limit as written."""
        return {"table": self.table, "rules": list(self.rules)} if self.table else {}


def fixed(clock: ClockDef) -> Limit:
    """The limit as written."""
    return Limit(clock.limit or None)


def limit_of(
    bundle: Bundle, clock: ClockDef, values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Limit:
    """How long a clock may run by what the case says now; its own version of the table is asked.

    Raises NoRuleMatches, NotUnique, DecisionFailed, ResultDoesNotFit.
    """
    if clock.until:
        day = values.get(clock.until)
        return Limit(str(day)[:10] if day else None)
    return _asked(bundle, clock, clock.table, "时限", values, functions) if clock.table else fixed(clock)


def extended(clock: ClockDef) -> str:
    """By how much it may be extended, as written."""
    return clock.extends


def extension_of(
    bundle: Bundle, clock: ClockDef, values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> str:
    """The same, by what its table says of the case now; empty when that says nothing. Raises as limit_of."""
    if not clock.extends_table:
        return clock.extends
    return _asked(bundle, clock, clock.extends_table, "延期", values, functions).text or ""


def _asked(
    bundle: Bundle,
    clock: ClockDef,
    named: str,
    what: str,
    values: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]],
) -> Limit:
    table = bundle.limit_table(named)
    decision = bundle.limit_tables.decide(table, values, functions, bundle.no_limit)
    text = map_result(decision, "singleEntry")
    if text is not None:
        wrong = duration_error(text) if isinstance(text, str) else ("", "应为时长，例如 P7D。", "")
        if wrong is not None:
            told = f"（时钟“{clock.label}”的{what}：{wrong[1].rstrip('。')}）"
            raise ResultDoesNotFit(told, element=table)
    return Limit(text, table, tuple(hit.number for hit in decision.rules))
