"""docs/add-a-process.md, followed to the letter in a copy: whoever knows BPMN adds a process without Python."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from app.bundles import keys, message_file, process_file
from app.bundles.bundle import open_file
from app.bundles.files import read_folder
from app.bundles.keys import Found, Record
from app.cli import db as migrations
from app.core.config import REPOSITORY
from app.engine.check.finding import Finding
from app.processes import scenario_shape
from tests.docs.literal import Block, Edit, Modeller, in_a_shell, matches, parts, run

DOCUMENT = REPOSITORY / "docs" / "add-a-process.md"
EXAMPLES = ("messages", "process", "scenario")
"""Blocks of the reference below the tutorial: read by the reader of their kind."""


def everything() -> list[Block | Edit]:
    return list(parts(DOCUMENT.read_text("utf-8")))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What a newcomer has: the folder of the project, and a house that runs."""
    shutil.copytree(REPOSITORY / "bpmn", tmp_path / "bpmn")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "huying").symlink_to(Path(sys.executable).parent / "huying")
    return tmp_path


@pytest.mark.launcher
def test_the_tutorial_works_as_it_is_written(copy: Path) -> None:
    url = f"sqlite:///{copy}/house.db"
    migrations.upgrade(url)
    environ = {
        **os.environ,
        "HUYING_BPMN": str(copy / "bpmn"),
        "DATABASE_URL": url,
        "HUYING_PROFILE": "trial",
    }
    run(Block("sh", "", ".venv/bin/huying demo load", 0), copy, environ)
    said, compared, began = "", 0, time.monotonic()

    for part in everything():
        match part:
            case Edit():
                modeller = Modeller(copy / "bpmn/lamp_repair/process.bpmn")
                modeller.apply(part)
                modeller.save()
            case Block("sh"):
                said = run(part, copy, environ)
            case Block("text"):
                assert matches(part.text, said), f"line {part.line}: the document shows other than\n{said}"
                compared += 1
            case Block("yaml") if part.about.startswith("bpmn/"):
                (copy / part.about).write_text(part.text, "utf-8")

    assert compared >= 6
    assert time.monotonic() - began < 180
    code, listed = in_a_shell(Block("sh", "", ".venv/bin/huying process list", 0), copy, environ)
    assert code == 0, listed
    assert "* lamp_repair 第 1 版" in listed


def test_every_block_of_the_document_is_run_written_or_compared() -> None:
    idle = [
        f"line {part.line}: ```{part.language} {part.about}"
        for part in everything()
        if isinstance(part, Block)
        and not (
            (part.language == "sh" and part.about in ("", "fails"))
            or (part.language == "text" and not part.about)
            or (part.language == "yaml" and (part.about.startswith("bpmn/") or part.about in EXAMPLES))
        )
    ]

    assert idle == []
    assert len([part for part in everything() if isinstance(part, Edit)]) > 10


@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_of_the_reference_have_the_shape_of_their_file(kind: str) -> None:
    blocks = [part for part in everything() if isinstance(part, Block) and part.about == kind]

    assert blocks
    for block in blocks:
        findings: list[Finding] = []
        found = open_file(f"{kind}.yaml", block.text.encode(), findings)
        assert found is not None, findings
        keys.check(shape_of(kind, found), found.doc.value, found, ())
        assert [each.zh for each in found.findings] == [], f"line {block.line}"


def shape_of(kind: str, found: Found) -> keys.Shape:
    if kind != "process":
        return {"messages": message_file.SHAPE, "scenario": scenario_shape.SHAPE}[kind]
    known = process_file.SHAPE.keys  # an excerpt: the keys it has
    return Record({name: known[name] for name in found.doc.value if name in known})


def test_the_list_of_files_in_the_folders_readme_is_what_a_folder_may_hold(tmp_path: Path) -> None:
    listing = next(
        part for part in parts((REPOSITORY / "bpmn/README.md").read_text("utf-8")) if isinstance(part, Block)
    )
    folder = tmp_path / "some_process"
    for line in listing.text.splitlines():
        file = folder / line.split()[0].replace("*", "one")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")

    _, findings = read_folder(folder)

    assert len(listing.text.splitlines()) >= 6
    assert findings == []
