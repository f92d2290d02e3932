"""The example orders: what the generator makes, nobody in them, and all of them can be filed."""

import json
from pathlib import Path

from click.testing import CliRunner

from app.cases import filing
from app.cases.advance import Moved
from app.cases.commands import NewCase
from app.cases.schemas import NewCaseIn
from app.cli import main
from app.core.config import REPOSITORY
from tests.world import World

FILE = REPOSITORY / "examples" / "work-orders.jsonl"
NOBODYS = ("10", "11", "12")
"""How no telephone number of a network begins."""
MADE_BY = "demo generate --count 50 --seed huying-examples --now 2026-03-02T09:00+08:00 --bodies --out"


def test_the_file_is_what_the_generator_makes(tmp_path: Path) -> None:
    made = CliRunner().invoke(main, [*MADE_BY.split(), str(tmp_path)])

    assert made.exit_code == 0, made.output
    assert (tmp_path / FILE.name).read_bytes() == FILE.read_bytes(), f"run: huying {MADE_BY} examples"


def test_there_are_fifty_and_nobody_can_be_found_in_them() -> None:
    bodies = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]

    assert len({body["externalNo"] for body in bodies}) == 50
    assert all(body["answers"]["caller_phone"].startswith(NOBODYS) for body in bodies)
    assert not any("caller_id" in body["answers"] for body in bodies)


def test_every_order_can_be_filed(world: World) -> None:
    for line in FILE.read_text("utf-8").splitlines():
        new = NewCase(**NewCaseIn().load(json.loads(line)))
        filed = filing.file_case(world.actor("paiqian1"), new)

        assert isinstance(filed, Moved)
        assert filed.case["status"] == "待区签收"
