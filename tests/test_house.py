"""The rules of the house, run as tests: imports go down, one place commits, docs name what code names."""

import ast
import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from app.cli import COMMANDS, main
from app.core.config import REPOSITORY, Settings

PYTHON = sorted(
    file
    for folder in ("app", "workflows", "migrations", "bench")
    for file in (REPOSITORY / folder).rglob("*.py")
)
DOCS = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")])


def tool(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def documented() -> str:
    return "\n".join(file.read_text() for file in DOCS)


def test_imports_only_go_down_and_only_the_engine_imports_its_library() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr


def test_ruff_has_nothing_to_say() -> None:
    done = tool("ruff", "check", ".")

    assert done.returncode == 0, done.stdout[-6000:]


@pytest.mark.long
def test_types_agree() -> None:
    done = tool("mypy")

    assert done.returncode == 0, done.stdout[-6000:]


def test_the_first_line_of_a_file_says_what_it_is_for() -> None:
    silent = [str(file) for file in PYTHON if not (ast.get_docstring(tree(file)) or "").strip()]

    assert silent == []


def test_no_file_is_called_after_what_it_is_not() -> None:
    vague = {"utils.py", "helpers.py", "util.py", "misc.py", "common.py", "manager.py"}

    assert [str(file) for file in PYTHON if file.name in vague] == []


def test_only_one_place_commits() -> None:
    committing = [
        f"{file.relative_to(REPOSITORY)}:{call.lineno}"
        for file in PYTHON
        for call in calls(file)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("commit", "begin_nested")
        if file != REPOSITORY / "app/core/db.py"
    ]

    assert committing == []


def test_no_text_is_run_but_the_expressions_that_passed_their_own_gate() -> None:
    forbidden = {"eval", "exec", "compile", "__import__"}
    gate = REPOSITORY / "app/engine/expressions.py"  # compiles a tree of allowed nodes, never what was typed
    found = [
        f"{file.relative_to(REPOSITORY)}:{call.lineno}"
        for file in PYTHON
        for call in calls(file)
        if isinstance(call.func, ast.Name) and call.func.id in forbidden and file != gate
    ]

    assert found == []


@cache
def calls(file: Path) -> list[ast.Call]:
    return [node for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def test_every_setting_is_documented_with_its_variable() -> None:
    docs = documented()
    source = (REPOSITORY / "app/core/config.py").read_text()
    named = set(re.findall(r"\b(?:HUYING_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", source)) | {"HUYING_DATA"}

    assert len(named) >= len(dataclasses.fields(Settings))
    assert sorted(name for name in named if f"`{name}`" not in docs) == []


def commands(group: click.Group, before: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}"


def test_every_command_is_documented() -> None:
    docs = documented()

    assert isinstance(main, click.Group)
    assert [name for name in commands(main, "huying") if f"{name}" not in docs] == []


def test_every_command_says_in_chinese_what_it_does() -> None:
    assert isinstance(main, click.Group)
    context = click.Context(main)

    silent = [
        name
        for name in COMMANDS
        if not re.search("[\u4e00-\u9fff]", (main.get_command(context, name) or click.Command("")).help or "")
    ]

    assert silent == []


def test_documents_point_only_to_files_that_exist() -> None:
    broken = [
        f"{file.relative_to(REPOSITORY)}: {target}"
        for file in [*DOCS, *sorted((REPOSITORY / "bpmn").rglob("*.md"))]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", file.read_text())
        if "://" not in target and not target.startswith("mailto:") and not (file.parent / target).exists()
    ]

    assert broken == []


def test_nothing_committed_names_a_place_of_somebodys_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    own = re.compile(r"/(?:home|Users)/\w+/")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        file = REPOSITORY / name
        if file.suffix in {".png", ".bin", ".gz"} or not file.is_file() or file == Path(__file__):
            continue
        if own.search(file.read_text(errors="replace")):
            found.append(name)

    assert found == []
