"""Long proofs, too long for every test run: `python -m bench.proofs [--walks 20000] [--mutations 20000]`.

Walks: the engine against the token game, an independent reading of BPMN, on random diagrams, saved and loaded
at every step; no difference is allowed. Returns: the same, with people going back. Mutations: so many valid
diagrams, on top of them a quarter as many decision tables and as many expressions again, are spoilt at random
and go through the linter, counted kind by kind. It must answer with findings
alone: no exception, no check over two CPU seconds, nothing of the file run; what it passes the engine reads.
Every case has a seed of its own made from the printed one, so what fails can be walked again alone:
`--seed 7 --only 1234`. Time is bounded (`--minutes`); what was not reached is told, and counts as not proved.
"""

import argparse
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from os import cpu_count
from random import Random
from typing import Any

from app.engine.check import Finding, check
from app.engine.decisions import check_decisions, compile_decisions
from app.engine.expressions import (
    HANDED,
    ExpressionError,
    ExpressionRefused,
    compile_expression,
)
from app.engine.parser import parse
from app.engine.source import Source
from bench.spoil import EXPRESSIONS, ROOT, diagrams, names_of, spoil, spoil_text, tables
from tests.engine.good_bundle import NAMES
from tests.engine.random_diagrams import random_graph
from tests.engine.test_token_game import walk, walk_with_returns

LONGEST = 2.0  # CPU seconds of one check
CHUNK = 20
MOST_SHOWN = 5
MILLION = 1_000_000
FORBIDDEN = (
    "exec", "import", "open", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove",
    "subprocess.Popen", "socket.connect", "socket.getaddrinfo", "ctypes.dlopen",
)  # fmt: skip
DATA: dict[str, Any] = {"level": "突发", "score": 61, "units": ["甲", "乙"], "urgent": True, "title": None}
FUNCTIONS: dict[str, Any] = {
    "outcome": lambda step=None: "同意",
    "round_no": lambda: 2,
    "today": lambda: "2026-03-01",
    "now": lambda: "2026-03-02T10:30:00+08:00",
    "due": lambda clock, tier=None: "2026-03-03T09:00:00+08:00",
    "tier": lambda clock, tier: "2026-03-03T09:00:00+08:00",
}

Trial = Callable[[int, int], str | None]


@dataclass
class Tally:
    """What became of a proof."""

    done: int = 0
    wanted: int = 0
    seconds: float = 0.0
    failures: list[tuple[int, str]] = field(default_factory=list)

    @property
    def proved(self) -> bool:
        """Everything asked for was tried, and nothing failed."""
        return self.done == self.wanted and not self.failures


def seeded(seed: int, number: int) -> Random:
    """The same for the same pair, on every machine."""
    return Random(f"{seed}:{number}")


def one_walk(seed: int, number: int) -> str | None:
    """What differed between engine and token game, or None."""
    luck = seeded(seed, number)
    return _walked(lambda: walk(_grown(luck), luck))


def one_walk_back(seed: int, number: int) -> str | None:
    """The same where people go back."""
    luck = seeded(seed, number)
    return _walked(lambda: walk_with_returns(_grown(luck), luck))


def _grown(luck: Random) -> Any:
    return random_graph(luck, calls=True, many=True, facts=True, letters=True)


def _walked(go: Callable[[], object]) -> str | None:
    try:
        go()
    except Exception:
        return traceback.format_exc(limit=-3)
    return None


def one_diagram(seed: int, number: int) -> str | None:
    """What the linter did wrong with one spoilt diagram, or None."""
    return _judged(_diagram(seed, seeded(seed, number)))


def one_table(seed: int, number: int) -> str | None:
    """The same with a decision table."""
    return _judged(_table(seed, seeded(seed, number)))


def one_expression(seed: int, number: int) -> str | None:
    """The same with an expression."""
    return _judged(_expression(seeded(seed, number)))


def _judged(judge: Callable[[], str | None]) -> str | None:
    watch()
    begin = time.process_time()
    try:
        with _watched() as seen, _not_for_ever():
            wrong = judge()
    except (Exception, TooLong):
        return traceback.format_exc(limit=-3)
    took = time.process_time() - begin
    if seen:
        return f"the check did {', '.join(sorted(set(seen)))}"
    return f"the check took {took:.1f} s" if took > LONGEST else wrong


def _diagram(seed: int, luck: Random) -> Callable[[], str | None]:
    source = Source("v", "p", spoil(luck.choice(diagrams(seed)), luck))

    def judge() -> str | None:
        findings = check(source, names_of(seed))
        if not _is_refused(findings):
            parse(source)
        return _stumbled(findings)

    return judge


def _table(seed: int, luck: Random) -> Callable[[], str | None]:
    data = spoil(luck.choice(tables(seed)), luck)

    def judge() -> str | None:
        findings = check_decisions("t.dmn", data, NAMES)
        if not _is_refused(findings):
            compile_decisions({"t.dmn": data})
        return _stumbled(findings)

    return judge


def _expression(luck: Random) -> Callable[[], str | None]:
    text = spoil_text(luck.choice(EXPRESSIONS), luck)

    def judge() -> str | None:
        try:
            compile_expression(text, None, HANDED).evaluate(DATA, FUNCTIONS)
        except (ExpressionRefused, ExpressionError) as refused:
            return None if refused.zh and refused.en else "refused without a word"
        except TypeError:  # a function handed in got too many or too few: that is its own affair
            return None
        return None

    return judge


def _is_refused(findings: list[Finding]) -> bool:
    return any(each.level == "error" for each in findings)


def _stumbled(findings: list[Finding]) -> str | None:
    return next((each.zh for each in findings if each.rule.endswith("-check-failed")), None)


_SEEN: list[str] | None = None


@contextmanager
def _watched() -> Iterator[list[str]]:
    """While it lasts, everything a check has no business doing is noted."""
    global _SEEN
    seen: list[str] = []
    _SEEN = seen
    try:
        yield seen
    finally:
        _SEEN = None


class TooLong(BaseException):
    """Not an Exception, so that nobody on the way up takes it for a finding."""


@contextmanager
def _not_for_ever() -> Iterator[None]:
    """A check that hangs is a failure, not the end of the proof."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _stop(*_: object) -> None:
    raise TooLong


@cache
def watch() -> None:
    """Hooks into what the interpreter does; once per process, after everything is loaded."""
    warm = [*sorted(ROOT.glob("tests/bad/*.bpmn")), *sorted(ROOT.glob("bpmn/*/process.bpmn"))]
    for path in warm:  # so that imports made on first use are behind us
        check(Source("v", "p", path.read_bytes()), NAMES)
    for table in tables(0):
        check_decisions("t.dmn", table, NAMES)
    signal.signal(signal.SIGVTALRM, _stop)
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _SEEN is not None and event in FORBIDDEN:
        if event == "exec" and arguments[0].co_filename == "<expression>":
            return  # our own code for an expression that was let through
        _SEEN.append(f"{event} {str(arguments[:1])[:80]}")


def _chunk(trial: Trial, seed: int, until: float, numbers: range) -> tuple[int, list[tuple[int, str]]]:
    done, failures = 0, []
    for number in numbers:
        if time.time() > until:
            break
        wrong = trial(seed, number)
        done += 1
        if wrong is not None:
            failures.append((number, wrong))
    return done, failures


def prove(trial: Trial, wanted: int, seed: int, minutes: float, workers: int) -> Tally:
    """Tries every number below `wanted`, until time is up."""
    tally, begin = Tally(wanted=wanted), time.perf_counter()
    chunks = [range(first, min(first + CHUNK, wanted)) for first in range(0, wanted, CHUNK)]
    run = partial(_chunk, trial, seed, time.time() + 60 * minutes)
    for done, failures in _each(run, chunks, workers):
        tally.done += done
        tally.failures += failures
    tally.seconds = time.perf_counter() - begin
    return tally


def _each(run: Callable[[range], Any], chunks: list[range], workers: int) -> Iterator[Any]:
    if workers == 1:
        yield from map(run, chunks)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(run, chunks)


def tell(what: str, tally: Tally) -> None:
    """The figures, and the first few failures with the number that brings them back."""
    rate = tally.done / tally.seconds if tally.seconds else 0.0
    print(
        f"{what}：{tally.done:,}/{tally.wanted:,} 次，失败 {len(tally.failures)} 次，每秒 {rate:,.0f} 次",
        end="",
    )
    print(f"；一百万次约需 {MILLION / rate / 3600:.1f} 小时。" if rate else "。")
    if tally.done < tally.wanted:
        print(f"  时间到，还有 {tally.wanted - tally.done:,} 次没有做，不算通过；可用 --minutes 放宽。")
    for number, wrong in tally.failures[:MOST_SHOWN]:
        print(f"  第 {number} 次：{wrong.strip()}")


def main() -> int:
    """Exit code 0 only when everything asked for was tried and held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--walks", type=int, default=20_000)
    parser.add_argument("--returns", type=int, default=20_000)
    parser.add_argument(
        "--mutations", type=int, default=20_000, help="diagrams; tables and expressions come on top"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, for all proofs together")
    parser.add_argument("--seed", type=int, default=None, help="another one each time unless given")
    parser.add_argument("--only", type=int, default=None, help="this number of each proof and nothing else")
    parser.add_argument("--workers", type=int, default=min(cpu_count() or 1, 4))
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"种子 {seed}（再走一遍：--seed {seed}）", flush=True)
    proofs: list[tuple[str, Trial, int]] = [
        ("改坏的流程图过检查", one_diagram, given.mutations),
        ("改坏的决策表过检查", one_table, -(-given.mutations // 4)),
        ("改坏的表达式过检查", one_expression, -(-given.mutations // 4)),
        ("引擎对照记号游戏", one_walk, given.walks),
        ("带退回的对照", one_walk_back, given.returns),
    ]
    if given.only is not None:
        said = [(what, trial(seed, given.only)) for what, trial, _ in proofs]
        for what, wrong in said:
            print(f"{what}，第 {given.only} 次：{wrong or '没有差错'}")
        return int(any(wrong for _, wrong in said))
    proofs = [each for each in proofs if each[2]]  # what is not asked for takes no share of the time
    until, good = time.monotonic() + 60 * given.minutes, True
    for place, (what, trial, wanted) in enumerate(proofs):
        to_do = sum(each for _, _, each in proofs[place:])  # what one leaves, the next uses
        left = (until - time.monotonic()) / 60 * wanted / to_do
        tally = prove(trial, wanted, seed, left, given.workers)
        tell(what, tally)
        sys.stdout.flush()
        good = good and tally.proved
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
