"""How CPU time is measured: medians of nine runs, ratios of work taken in turn; the table they go into."""

import gc
from collections.abc import Callable
from statistics import median
from time import process_time

ROUNDS = 9
SLACK = 2.0
"""How many times its pinned count of calibration loops a line may cost: machines differ."""


class Report:
    """A plain table, and whether a ratio that must hold did not."""

    def __init__(self) -> None:
        self.failed = False
        print(f"{'what':<58}{'measured':>14}  must hold")

    def line(self, what: str, measured: str, wanted: str = "", held: bool = True) -> None:
        """One row; a ratio that did not hold is marked."""
        self.failed = self.failed or not held
        print(f"{what:<58}{measured:>14}  {wanted}{'' if held else '   ← not held'}", flush=True)

    def ratio(self, what: str, measured: float, most: float) -> None:
        """One row about how much dearer something is."""
        self.line(what, f"{measured:.2f} ×", f"≤ {most:g} ×", measured <= most)

    def cost(self, what: str, work: Callable[[], object], times: int, most: float, pinned: float) -> float:
        """Two rows about one piece of work: its CPU time beside the reference figure of `most` seconds, and
        what it costs in thousandths of the calibration loop, held against a pinned count. The seconds."""
        spent, loops = in_loops(work, times)
        unit, factor = ("ms", 1e3) if most > 1e-4 else ("µs", 1e6)
        digits = 3 if spent * factor < 1 else 2 if spent * factor < 10 else 0
        reference = f"≤ {most * factor:g} {unit} (reference)"
        self.line(what, f"{spent * factor:.{digits}f} {unit}", reference)
        counted, most_loops = 1_000 * loops, SLACK * pinned
        shown = [f"{each:,.0f}" if each >= 100 else f"{each:.2g}" for each in (counted, most_loops)]
        self.line("  in thousandths of a calibration loop", shown[0], f"≤ {shown[1]}", counted <= most_loops)
        return spent


def calibrated(report: Report) -> float:
    """Seconds of the calibration loop on this machine now, told."""
    loop = median(calibrate() for _ in range(ROUNDS))
    report.line("calibration loop of plain Python", f"{loop * 1e3:.2f} ms")
    return loop


def calibrate() -> float:
    """Seconds for a fixed piece of plain Python: dicts, attribute-free calls, small strings."""
    begun = process_time()
    seen: dict[str, int] = {}
    for number in range(60_000):
        key = str(number % 997)
        seen[key] = seen.get(key, 0) + (number & 7)
    return process_time() - begun


def seconds(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one call: the median of nine runs of `times` calls."""
    work()
    found = []
    for _ in range(ROUNDS):
        gc.collect()
        begun = process_time()
        for _ in range(times):
            work()
        found.append((process_time() - begun) / times)
    return median(found)


def in_loops(work: Callable[[], object], times: int) -> tuple[float, float]:
    """CPU seconds of one call, and the same in calibration loops taken in turn with it; medians of nine."""
    work()
    spent, loops = [], []
    for _ in range(ROUNDS):
        gc.collect()
        loop = calibrate()
        begun = process_time()
        for _ in range(times):
            work()
        spent.append((process_time() - begun) / times)
        loops.append(spent[-1] / loop)
    return median(spent), median(loops)


def side_by_side(first: Callable[[], object], second: Callable[[], object], times: int) -> float:
    """How much dearer the second is than the first: the median ratio of runs taken in turn."""
    first(), second()
    ratios = []
    for _ in range(ROUNDS):
        spent = []
        for work in (first, second):
            gc.collect()
            begun = process_time()
            for _ in range(times):
                work()
            spent.append(process_time() - begun)
        ratios.append(spent[1] / spent[0])
    return median(ratios)
