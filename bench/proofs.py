"""Long proofs, too long for every test run: `python -m bench.proofs [--walks 20000] [--mutations 20000]`.

Walks: the engine against the token game, an independent reading of BPMN, on random diagrams, saved and loaded
at every step; no difference is allowed. Mutations: valid diagrams spoilt at random go through the linter.
It must answer with findings alone: no exception, no check over two seconds, nothing of the diagram run.
Every case has a seed of its own made from the printed one, so what fails can be walked again alone:
`--seed 7 --only 1234`. Time is bounded (`--minutes`); what was not reached is told, and counts as not proved.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from os import cpu_count
from pathlib import Path
from random import Random
from typing import Any

from lxml import etree

from app.engine.check import check
from app.engine.source import Source
from tests.engine.good_bundle import GOOD, NAMES
from tests.engine.graph_drawing import drawing_of
from tests.engine.random_diagrams import random_graph
from tests.engine.test_token_game import walk

ROOT = Path(__file__).parents[1]
LONGEST = 2.0  # seconds of one check
CHUNK = 20
POOL = 40  # random diagrams among those that are spoilt
MOST_SHOWN = 5
MILLION = 1_000_000
FORBIDDEN = (
    "exec", "import", "open", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove",
    "subprocess.Popen", "socket.connect", "socket.getaddrinfo", "ctypes.dlopen",
)  # fmt: skip
PAYLOADS = (
    '__import__("os").system("id")', 'eval("1")', 'exec("1")', 'open("/etc/passwd").read()', "(lambda: 1)()",
    "[].__class__.__base__.__subclasses__()", "[x for x in range(9**9)]", '"{0.__class__}".format(title)',
    "${title}", "#{title}", "9**9**9", "(" * 400, "not " * 400, "a.b.c", "outcome", 'outcome("nowhere")',
    'due("nothing")', 'tier("resolve", "m9")', "PT0S", "P-1D", "R/PT1S", "P99999999999Y", "R/P1D",
    "1970-01-01", "", " ", "\u202e", "0" * 5000, "1e400", "nan", "visit", "gw_sign", "true",
    "false", "javascript",
)  # fmt: skip
BYTES = (
    b"<",
    b">",
    b"&",
    b"\0",
    b"\xff",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<!DOCTYPE d>",
    b"&x;",
    b'"',
    b"/>",
)
TAGS = (
    "userTask", "serviceTask", "scriptTask", "task", "exclusiveGateway", "parallelGateway",
    "inclusiveGateway", "eventBasedGateway", "complexGateway", "subProcess", "callActivity", "startEvent",
    "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent",
    "timerEventDefinition", "errorEventDefinition",
    "sequenceFlow", "lane", "script", "conditionExpression", "multiInstanceLoopCharacteristics", "dataObject",
)  # fmt: skip

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
    try:
        walk(random_graph(luck, calls=True), luck)
    except Exception:
        return traceback.format_exc(limit=-3)
    return None


def one_mutation(seed: int, number: int) -> str | None:
    """What the linter did wrong with one spoilt diagram, or None."""
    luck = seeded(seed, number)
    diagram = spoil(luck.choice(valid(seed)), luck)
    names = replace(NAMES, messages=NAMES.messages | {"news"})
    watch()
    begin = time.perf_counter()
    try:
        with _Watched() as seen:
            findings = check(Source("v", "p", diagram), names)
    except Exception:
        return traceback.format_exc(limit=-3)
    took = time.perf_counter() - begin
    if seen:
        return f"the check did {', '.join(sorted(set(seen)))}"
    if took > LONGEST:
        return f"the check took {took:.1f} s"
    failed = [each.zh for each in findings if each.rule == "bpmn-check-failed"]
    return failed[0] if failed else None


@cache
def valid(seed: int) -> tuple[bytes, ...]:
    """Diagrams without errors: the small good one, random ones of all elements, those that are shipped."""
    grown = tuple(drawing_of(random_graph(seeded(seed, -each - 1))).bytes() for each in range(POOL))
    shipped = tuple(path.read_bytes() for path in sorted(ROOT.glob("bpmn/*/process.bpmn")))
    return (GOOD.encode(), *grown, *shipped)


def spoil(diagram: bytes, luck: Random) -> bytes:
    """One to four changes: mostly to elements, attributes and texts, sometimes to bare bytes."""
    root = etree.fromstring(diagram)
    for _ in range(luck.choice((1, 1, 2, 4))):
        luck.choice((_set_attribute, _set_text, _drop, _copy, _move, _retag, _swap))(root, luck)
    spoilt = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return _bytes(spoilt, luck) if luck.random() < 0.25 else spoilt


def _any(root: Any, luck: Random) -> Any:
    return luck.choice(list(root.iter("*")))


def _value(root: Any, luck: Random) -> str:
    if luck.random() < 0.5:
        return luck.choice(PAYLOADS)
    other = _any(root, luck)
    return luck.choice([*map(str, other.attrib.values()), str(other.text or "x").strip()])


def _set_attribute(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    if not element.attrib:
        return
    name = luck.choice(list(element.attrib))
    if luck.random() < 0.3:
        del element.attrib[name]
    else:
        element.set(name, _value(root, luck))


def _set_text(root: Any, luck: Random) -> None:
    texts = [each for each in root.iter("*") if (each.text or "").strip()]
    if texts:
        luck.choice(texts).text = _value(root, luck)


def _drop(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    if element.getparent() is not None:
        element.getparent().remove(element)


def _copy(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    if element.getparent() is not None:
        _any(root, luck).append(etree.fromstring(etree.tostring(element, with_tail=False)))


def _move(root: Any, luck: Random) -> None:
    element, target = _any(root, luck), _any(root, luck)
    if element is not root and element not in (target, *target.iterancestors()):
        target.append(element)


def _retag(root: Any, luck: Random) -> None:
    element = _any(root, luck)
    element.tag = f"{{{etree.QName(root).namespace}}}{luck.choice(TAGS)}"


def _swap(root: Any, luck: Random) -> None:
    """The same attribute of two elements changes places: flows lead elsewhere, ids stand twice over."""
    one, other = _any(root, luck), _any(root, luck)
    for name in set(one.attrib) & set(other.attrib):
        one.attrib[name], other.attrib[name] = other.attrib[name], one.attrib[name]


def _bytes(diagram: bytes, luck: Random) -> bytes:
    at = luck.randrange(len(diagram))
    cut = at + luck.choice((0, 0, 1, 5, 200))
    return diagram[:at] + luck.choice((b"", *BYTES)) + diagram[cut:]


_SEEN: list[str] | None = None


class _Watched:
    """While it lasts, everything a check has no business doing is noted."""

    def __enter__(self) -> list[str]:
        global _SEEN
        _SEEN = []
        return _SEEN

    def __exit__(self, *_: object) -> None:
        global _SEEN
        _SEEN = None


@cache
def watch() -> None:
    """Hooks into what the interpreter does; once per process, after everything is loaded."""
    warm = [*sorted(ROOT.glob("tests/bad/*.bpmn")), *sorted(ROOT.glob("bpmn/*/process.bpmn"))]
    for path in warm:  # so that imports made on first use are behind us
        check(Source("v", "p", path.read_bytes()), NAMES)
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _SEEN is not None and event in FORBIDDEN:
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
    parser.add_argument("--mutations", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=10.0, help="for both proofs together")
    parser.add_argument("--seed", type=int, default=None, help="another one each time unless given")
    parser.add_argument("--only", type=int, default=None, help="this number of both proofs and nothing else")
    parser.add_argument("--workers", type=int, default=min(cpu_count() or 1, 4))
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"种子 {seed}（再走一遍：--seed {seed}）", flush=True)
    proofs: list[tuple[str, Trial, int]] = [
        ("改坏的图过检查", one_mutation, given.mutations),
        ("引擎对照记号游戏", one_walk, given.walks),
    ]
    if given.only is not None:
        said = [(what, trial(seed, given.only)) for what, trial, _ in proofs]
        for what, wrong in said:
            print(f"{what}，第 {given.only} 次：{wrong or '没有差错'}")
        return int(any(wrong for _, wrong in said))
    until, good = time.monotonic() + 60 * given.minutes, True
    for place, (what, trial, wanted) in enumerate(proofs):
        left = (until - time.monotonic()) / 60 / (len(proofs) - place)  # what one leaves, the next may use
        tally = prove(trial, wanted, seed, left, given.workers)
        tell(what, tally)
        sys.stdout.flush()
        good = good and tally.proved
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
