"""How CPU time is measured: medians of nine runs, ratios of work taken in turn; the table they go into."""

import gc
from collections.abc import Callable
from statistics import median
from time import process_time

ROUNDS = 9


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
