"""Where a process can stand, and how far one of its own scenarios has to be played to stand there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles.bundle import Bundle
from app.bundles.ratings import RATED
from app.processes.scenario_file import FIRST, Scenario, about

SHOWN = frozenset({"start", "filed", "claim", "complete", "do", "message", "external", "pass", "at"})
"""Steps in which something happens; the others look at what there is."""


@dataclass(frozen=True)
class Beginning:
    """The first steps of a scenario: those before the step of this number."""

    scenario: str
    steps: int


def statuses(bundle: Bundle) -> frozenset[str]:
    """Every status word that is drawn."""
    drawn = {step.status for step in bundle.drawn.steps.values()}
    waits = (bundle.drawn.events, bundle.drawn.timers, bundle.drawn.services)
    drawn |= {each.extensions.get("status") for kind in waits for each in kind.values()}
    drawn |= {end.status for end in bundle.engine.ends.values()}
    return frozenset(word for word in drawn if word)


def beginnings(bundle: Bundle, scenarios: Mapping[str, Scenario]) -> dict[str, list[Beginning]]:
    """What gets to each state (`status:待签收`, `open:sign`, `end:archived`), the shortest first."""
    found: dict[str, list[Beginning]] = {}
    for name, scenario in scenarios.items():
        for i, step in enumerate(scenario.steps):
            for target in _seen(bundle, step.kind, step.given, about(step) == FIRST):
                found.setdefault(target, []).append(Beginning(name, i))
    wanted = {f"status:{word}" for word in statuses(bundle)}
    wanted |= {f"end:{end}" for end in bundle.engine.ends}
    kept = {target: each for target, each in found.items() if target.startswith("open:") or target in wanted}
    return {target: sorted(each, key=lambda one: one.steps) for target, each in sorted(kept.items())}


def _seen(bundle: Bundle, kind: str, given: object, first: bool) -> Iterator[str]:
    """What holds when a step of a scenario is about to be taken."""
    if not isinstance(given, Mapping) or not first:
        return
    if kind in ("claim", "complete", "do"):
        for step in _steps(bundle, given):
            yield f"open:{step}"
            drawn = bundle.drawn.steps.get(step)
            if drawn is not None and drawn.status:
                yield f"status:{drawn.status}"
    elif kind == "expect":
        if "status" in given:
            yield f"status:{given['status']}"
        if "end" in given:
            yield f"end:{given['end']}"
            end = bundle.engine.ends.get(given["end"])
            if end is not None and end.status:
                yield f"status:{end.status}"


def _steps(bundle: Bundle, given: Mapping[str, Any]) -> list[str]:
    """The step that is open before an act: the one it names, or the one at which a case is rated."""
    if given.get("verb") == "withdraw":  # of a step that is done
        return []
    if given.get("verb") == "rate":
        return [name for name, step in bundle.drawn.steps.items() if step.event == RATED]
    return [given["step"]] if "step" in given else []
