"""The long proofs run, and what they spoil is valid before it is spoilt."""

import subprocess
import sys

from app.engine.check import check
from app.engine.decisions import check_decisions
from app.engine.expressions import HANDED, compile_expression
from app.engine.source import Source
from bench.spoil import EXPRESSIONS, POOL, ROOT, diagrams, names_of, tables
from tests.engine.good_bundle import NAMES


def test_what_is_spoilt_was_valid():
    for diagram in diagrams(7)[: POOL + 1]:
        assert [each for each in check(Source("v", "p", diagram), names_of(7)) if each.level == "error"] == []
    for table in tables(7):
        assert [each for each in check_decisions("t.dmn", table, NAMES) if each.level == "error"] == []
    for text in EXPRESSIONS:
        compile_expression(text, None, HANDED)


def test_the_proofs_hold_for_a_few():
    few = ["--walks", "20", "--returns", "10", "--mutations", "300", "--seed", "7", "--workers", "1"]

    proved = subprocess.run(
        [sys.executable, "-m", "bench.proofs", *few], cwd=ROOT, capture_output=True, text=True, timeout=300
    )

    assert proved.returncode == 0, proved.stdout + proved.stderr
    for told in ("300/300", "20/20", "10/10"):
        assert f"{told} 次，失败 0 次" in proved.stdout
