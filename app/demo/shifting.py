"""A scenario moved to another time, under numbers of its own, so that it can be played beside others."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from app.engine import durations
from app.processes.scenario_file import Scenario, Step

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?[+-]\d{2}:\d{2}")
MARK = "（演示）"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FAR = timedelta(days=400)


def ends_at(scenario: Scenario, steps: int, start: datetime, is_workday: Callable[[date], bool]) -> datetime:
    """When the first steps are over that begin at `start`."""
    at, shift = start, start - scenario.at
    for step in scenario.steps[:steps]:
        if step.kind == "pass":
            at = durations.add(at, durations.parse_duration(step.given), is_workday)
        elif step.kind == "at":
            at = max(at, datetime.fromisoformat(step.given) + shift)
    return at


def begins_at(scenario: Scenario, steps: int, end: datetime, is_workday: Callable[[date], bool]) -> datetime:
    """The latest hour, counted back from `end`, from which the first steps are over by then.

    Where a step waits for the beginning of a day that another one names, whole days are counted back: moved
    by hours, the day and the instant would part.
    """
    unit, start = HOUR, end
    if _waits_for_a_day(scenario, steps):
        unit, start = DAY, end - (end - scenario.at) % DAY
    while start > end - FAR:
        over = ends_at(scenario, steps, start, is_workday) - end
        if over <= timedelta(0):
            return start
        start -= max(unit, unit * (over // unit))
    return start


def _waits_for_a_day(scenario: Scenario, steps: int) -> bool:
    taken = scenario.steps[:steps]
    until = {step.given[:10] for step in taken if step.kind == "at"}
    return any(each in until for step in taken if step.kind != "at" for each in _days(step.given))


def _days(value: Any) -> list[str]:
    """The days that stand in what a step is given, however deep."""
    if isinstance(value, Mapping):
        return [day for each in value.values() for day in _days(each)]
    if isinstance(value, list):
        return [day for each in value for day in _days(each)]
    return [value] if isinstance(value, str) and _DAY.fullmatch(value) else []


def shifted(scenario: Scenario, start: datetime, prefix: str, owner: str) -> Scenario:
    """The same from `start`: its instants and days moved along, its outer numbers begun with a prefix.

    Whoever files without a number from outside gets `owner` as one: by it a play that was killed finds
    what it filed.
    """
    shift = start - scenario.at
    numbers = {str(number): f"{prefix}{number}" for step in scenario.steps for number in _numbers(step)}

    def moved(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: moved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [moved(each) for each in value]
        if not isinstance(value, str):
            return value
        if value in numbers:
            return numbers[value]
        if _INSTANT.fullmatch(value):
            return (datetime.fromisoformat(value) + shift).isoformat()
        if _DAY.fullmatch(value):
            return (datetime.fromisoformat(f"{value}T12:00+08:00") + shift).date().isoformat()
        return value

    steps, filed = [], 0
    for step in scenario.steps:
        given = moved(step.given)
        if step.kind == "start" and "form" in given:
            filed += 1
            form = {"external_no": f"{owner}-{filed}", **given["form"]}
            if "process" not in given:  # what is filed to be chosen from is called by its own name later
                form["title"] = f"{MARK}{form.get('title', scenario.name)}"[:200]
            given = {**given, "form": form}
        steps.append(replace(step, given=given))
    return replace(scenario, file=f"{prefix}{scenario.file}", at=start, steps=tuple(steps))


def _numbers(step: Step) -> list[Any]:
    """Numbers from outside under which a step files, or for which a message comes."""
    if not isinstance(step.given, Mapping):
        return []
    if step.kind == "start" and "form" in step.given:
        number = step.given["form"].get("external_no")
        return [number] if number is not None else []
    if step.kind == "message" and not str(step.given.get("key", "$")).startswith("$"):
        return [step.given["key"]]
    return []
