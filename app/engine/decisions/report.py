"""Collects what is wrong with a decision file: at most a hundred findings, none twice."""

from __future__ import annotations

from app.engine.check.finding import Finding, Level, capitalised

MOST_FINDINGS = 100


class Report:
    """The first of equal findings stands; what comes after the hundredth is only counted."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0
        self._found: dict[tuple[str, str | None, str], Finding] = {}
        self._dropped = 0

    def error(self, rule: str, element: str | None, line: int | None, zh: str, en: str) -> None:
        """A finding that makes publishing impossible."""
        self.count += 1
        self._add("error", rule, element, line, zh, en)

    def warning(self, rule: str, element: str | None, line: int | None, zh: str, en: str) -> None:
        """A finding that a person should see and may accept."""
        self._add("warning", rule, element, line, zh, en)

    def findings(self) -> list[Finding]:
        """Top of the file first; in one place errors before warnings."""
        found = sorted(self._found.values(), key=lambda each: (each.line or 0, each.level))
        if self._dropped:
            found.append(
                Finding(
                    "error" if self.count else "warning",
                    "dmn-more",
                    self.file,
                    None,
                    None,
                    f"另有 {self._dropped} 处问题没有列出。请先改好以上各处。",
                    f"{self._dropped} more problems are not listed. Mend those above first.",
                )
            )
        return found

    def _add(self, level: Level, rule: str, element: str | None, line: int | None, zh: str, en: str) -> None:
        place = (rule, element, zh)
        if place in self._found:
            return
        if len(self._found) >= MOST_FINDINGS:
            self._dropped += 1
            return
        # Chinese brackets and quotes bring their own space.
        self._found[place] = Finding(
            level, rule, self.file, line, element, zh.replace("） ", "）").replace("” ", "”"), capitalised(en)
        )
