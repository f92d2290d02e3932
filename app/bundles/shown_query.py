"""`publications(process="…")`: what is shown to residents and can still be had, as choices by its number."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles.keys import Found
from app.bundles.lookups import ShownFact
from app.bundles.yaml_file import Path

EXAMPLE = 'publications(process="civic_activity")'
KEYS = (("process",), ())
_IN_FORM = re.compile(rb"\bpublications\(\s*process=\\?\"([a-z][a-z0-9_]*)\\?\"")


@dataclass(frozen=True)
class ShownQuery:
    """What one process shows and whoever answers may see, while it is open and has room."""

    process: str

    def why_not(self, number: str, shown: ShownFact | None) -> str | None:
        """What forbids the choice, in Chinese, or None."""
        if shown is None:
            return f"没有编号为“{number}”的，或已经不再公开，请从清单里选。"
        if shown.process != self.process:
            return f"“{shown.title}”（{number}）不在可选的清单里。"
        if shown.closed:
            return f"“{shown.title}”已经结束，不能再选，请选别的。"
        if shown.over:
            return f"“{shown.title}”的报名已经截止，不能再选，请选别的。"
        if shown.full:
            return f"“{shown.title}”已经报满，请选别的。"
        return None

    def shown(self) -> dict[str, Any]:
        """The query as clients see it: what they ask `GET /publications` for."""
        return {"publications": {"process": self.process, "offered": True}}


def read_shown(values: Mapping[str, str], found: Found, path: Path) -> ShownQuery | None:
    """The query of its arguments, or None when a finding says why not."""
    if "process" not in values:
        zh = f"publications(…) 要写哪个流程，例如 {EXAMPLE}。"
        found.error("choices-invalid", path, zh, "Which process?")
        return None
    return ShownQuery(values["process"])


def named_in(form: bytes) -> set[str]:
    """The processes whose publications a form file offers, as far as its text shows."""
    return {each.decode() for each in _IN_FORM.findall(form)}
