"""`cases(process="…", closed=month)`: other cases by their numbers, as choices of a form."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles import keys
from app.bundles.keys import Found
from app.bundles.lookups import CaseFact
from app.bundles.values import BEIJING
from app.bundles.yaml_file import Path

EXAMPLE = 'cases(process="snap_report", closed=period)'
KEYS = (("process",), ("closed",))
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class CaseQuery:
    """Cases of one process that the one who answers may see; with `closed`, those that were closed in the
    month (2026-03) that this data name holds."""

    process: str
    closed: str | None = None

    def why_not(self, case: CaseFact, data: Mapping[str, Any]) -> str | None:
        """What forbids the choice of a case, in Chinese, or None."""
        if case.process != self.process:
            return f"{case.number} 不是这个流程的办件。"
        if self.closed is None:
            return None
        month = data.get(self.closed)
        if case.closed_at is None:
            return f"{case.number} 还没有办结。"
        if isinstance(month, str) and _MONTH.fullmatch(month):
            was = case.closed_at.astimezone(BEIJING)
            return None if f"{was:%Y-%m}" == month else f"{case.number} 不是 {month} 办结的。"
        return None

    def shown(self) -> dict[str, Any]:
        """The query as clients see it."""
        return {"cases": {"process": self.process, **({"closed": self.closed} if self.closed else {})}}


def read_cases(
    values: Mapping[str, str], names: Collection[str], found: Found, path: Path
) -> CaseQuery | None:
    """The query of its arguments, or None when a finding says why not."""
    process, closed = values.get("process"), values.get("closed")
    if process is None:
        found.error("choices-invalid", path, f"cases(…) 要写哪个流程，例如 {EXAMPLE}。", "Which process?")
        return None
    if closed is not None and closed not in names:
        zh = f"closed= 里的“{closed}”没有声明；有{keys.nearest(closed, names)}。"
        found.error("name-undeclared", path, zh, f'"{closed}" is not declared.')
        return None
    return CaseQuery(process, closed)
