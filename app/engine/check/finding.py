"""What the linter says: one frozen finding per element and rule, in both languages, in the file's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

FILE = "process.bpmn"
Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a bundle.

    `level` error stops publishing, warning does not; `element` is the diagram's id or None; zh and en are
    whole sentences without the file's name, which a printer puts before them.
    """

    level: Level
    rule: str
    file: str
    line: int | None
    element: str | None
    zh: str
    en: str

    @property
    def told(self) -> str:
        """The Chinese sentence with its place before it: process.bpmn 第 42 行：…"""
        line = f"第 {self.line} 行："
        if self.line is None:
            return f"{self.file}：{self.zh}"
        return f"{self.file} {self.zh if self.zh.startswith(line) else line + self.zh}"


class Place(Protocol):
    """Anything in the diagram that a finding can point at."""

    @property
    def id(self) -> str: ...

    @property
    def line(self) -> int | None: ...


class Report:
    """Collects findings; the first of a rule about an element stands, later ones are its echo."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, object], Finding] = {}

    def error(self, rule: str, at: Place | None, zh: str, en: str) -> None:
        """A finding that makes publishing impossible."""
        self._add("error", rule, at, zh, en)

    def warning(self, rule: str, at: Place | None, zh: str, en: str) -> None:
        """A finding that a person should see and may accept."""
        self._add("warning", rule, at, zh, en)

    @property
    def has_errors(self) -> bool:
        """Whether anything so far makes publishing impossible."""
        return any(found.level == "error" for found in self._found.values())

    def findings(self) -> list[Finding]:
        """Everything found, top of the file first; in one place errors before warnings."""
        return sorted(self._found.values(), key=lambda found: (found.line or 0, found.level))

    def _add(self, level: Level, rule: str, at: Place | None, zh: str, en: str) -> None:
        element = (at.id or None) if at is not None else None
        line = at.line if at is not None else None
        # A Chinese bracket brings its own space.
        finding = Finding(level, rule, FILE, line, element, zh.replace("） ", "）"), capitalised(en))
        self._found.setdefault((rule, element or line), finding)


def capitalised(sentence: str) -> str:
    """The sentence with a capital first letter; the rest as it is."""
    return sentence[:1].upper() + sentence[1:]
