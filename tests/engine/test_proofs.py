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
    few = ["--walks", "20", "--returns", "10", "--mutations", "200", "--seed", "7", "--workers", "1"]

    proved = subprocess.run(
        [sys.executable, "-m", "bench.proofs", *few], cwd=ROOT, capture_output=True, text=True, timeout=300
    )

    assert proved.returncode == 0, proved.stdout + proved.stderr
    for told in (
        "流程图过检查：200/200", "决策表过检查：50/50", "表达式过检查：50/50", "记号游戏：20/20", "对照：10/10",
    ):  # fmt: skip
        assert f"{told} 次，失败 0 次" in proved.stdout


def test_what_time_did_not_reach_is_not_proved():
    none = ["--walks", "20", "--returns", "0", "--mutations", "0", "--minutes", "0", "--workers", "1"]

    proved = subprocess.run(
        [sys.executable, "-m", "bench.proofs", *none], cwd=ROOT, capture_output=True, text=True, timeout=300
    )

    assert proved.returncode == 1
    assert "记号游戏：0/20 次，失败 0 次" in proved.stdout
    assert "还有 20 次没有做，不算通过" in proved.stdout
