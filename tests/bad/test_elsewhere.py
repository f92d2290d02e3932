"""Rows of bad input that no file can play are shown by the tests that elsewhere.yaml names."""

from pathlib import Path

import yaml

from tests.engine.test_promised import kept_in

TESTS = Path(__file__).parents[1]
ROWS = yaml.load(
    (Path(__file__).parent / "elsewhere.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
)


def test_every_test_named_elsewhere_exists() -> None:
    named = [each.partition("::") for row in ROWS for each in row["tests"]]

    assert named
    assert [f"{file}::{name}" for file, _, name in named if name not in kept_in(TESTS / file)] == []
