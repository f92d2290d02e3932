"""A command in a document for those who make and try processes works when it is pasted."""

import re

from app.core.config import REPOSITORY

PASTED = [
    REPOSITORY / "README.md",
    REPOSITORY / "docs/add-a-process.md",
    REPOSITORY / "docs/diagram-guide.md",
    *sorted((REPOSITORY / "bpmn").rglob("*.md")),
]


def test_commands_are_written_so_that_a_pasted_one_is_found() -> None:
    bare = [
        f"{file.relative_to(REPOSITORY)}: {line}"
        for file in PASTED
        for line in file.read_text().splitlines()
        if re.search(r"(?<!\.venv/bin/)\bhuying (process|demo|migrate|audit|up)\b", line)
    ]

    assert bare == []
    assert any(".venv/bin/huying process check" in file.read_text() for file in PASTED)
