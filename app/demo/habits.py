"""How people of the demo deal with things: how long a step takes, which outcome, what they write.

Everything is a function of (seed, order, step, visit) and of what the step offers: a process may grow steps,
outcomes and fields without a word here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cache
from math import exp
from random import Random
from typing import Any

from app.bundles.choices import FixedChoices, UnitQuery
from app.bundles.data_fields import DataField
from app.bundles.forms import Form, FormField
from app.core.clock import BEIJING
from app.demo.chance import below, pick
from app.demo.vocabulary import words

Units = Callable[[UnitQuery | None], Sequence[tuple[str, str]]]

SOON = timedelta(minutes=7)
URGENT = ("突发", "紧急")
"""Dealt with at any hour."""
MORNING, EVENING = time(9, 0), time(17, 30)


@cache
def habits() -> Mapping[str, Any]:
    found: Mapping[str, Any] = words("habits")
    return found


@dataclass(frozen=True)
class Pace:
    """When a step is begun and done; None for never."""

    claimed: datetime | None
    done: datetime | None


@dataclass(frozen=True)
class Fate:
    """Where an order stops, and which outcomes lead it there, by the names of steps."""

    at: str | None = None
    claimed: bool = False
    choose: Mapping[str, str] = field(default_factory=dict)


NO_FATE = Fate()
STUBBORN = 3
"""How often a step is ended as its order's fate says: then it goes on as with anybody."""


def fate(number: int, age: timedelta) -> Fate:
    """What becomes of the order of this number, that came so long before the end of the play."""
    known = habits()
    turn, rest = divmod(number, known["every"])
    here = [each for each in known["fates"] if age <= timedelta(days=each["within"])]
    if rest or not here:
        return NO_FATE
    found = here[turn % len(here)]
    return Fate(found.get("at"), found.get("claimed", False), found.get("choose", {}))


def pace(name: str, level: str, opened: datetime, recent: bool, dice: Random, fate: Fate = NO_FATE) -> Pace:
    """How fast a step called `name` goes for an order of this urgency; `recent` ones may still lie there."""
    known = habits()
    step = habit(name)
    limit = timedelta(hours=known["hours"].get(level, 168))
    hasty = timedelta(minutes=step.get("minutes", 0)) * known["haste"].get(level, 1)
    median = limit * step["share"] if "share" in step else hasty
    length = median * _lognormal(known["spread"], dice)
    claimed, done = opened + length * 0.2, opened + length
    if not step.get("always") and level not in URGENT:
        claimed, done = office(claimed), office(done)
    if fate.at == name:
        return Pace(opened + SOON if fate.claimed else None, None)
    if fate is not NO_FATE:  # on its way there, without delay
        return Pace(opened + SOON, opened + 2 * SOON)
    if "share" in step and dice.random() < known["forgotten"]:
        return Pace(claimed, None)
    if recent and dice.random() < known["lying"]:
        return Pace(claimed if dice.random() < 0.5 else None, None)
    return Pace(claimed, max(done, claimed))


def habit(name: str) -> Mapping[str, Any]:
    """What is known of a step by a word in its name."""
    found: Mapping[str, Any] = next(each for each in habits()["steps"] if each["word"] in name)
    return found


def origin(options: Sequence[str], dice: Random) -> str:
    """Where an order comes from: the first of what the form offers as a rule, here the city."""
    return options[0] if dice.random() < float(habits()["city"]) else options[-1]


def takes_photo(dice: Random) -> bool:
    return dice.random() < float(habits()["photos"])


def comes(message: str, dice: Random) -> bool:
    """Whether another system sends what a case would take: a reply as a rule, an urging now and then."""
    share = next((part for word, part in habits()["messages"].items() if word in message), 1)
    return dice.random() < float(share)


def reply_after(opened: datetime, dice: Random) -> datetime:
    """When it sends it."""
    return opened + timedelta(minutes=habits()["message"]) * _lognormal(habits()["spread"], dice)


def office(at: datetime) -> datetime:
    """The same instant in office hours; otherwise as far into the next working morning."""
    local = at.astimezone(BEIJING)
    if MORNING <= local.time() < EVENING and local.weekday() < 5:
        return at
    after = local.time() >= EVENING or local.weekday() >= 5
    day = local.date() + timedelta(days=1 if after else 0)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime.combine(day, MORNING, BEIJING) + timedelta(minutes=local.minute, seconds=local.second)


def _lognormal(sigma: float, dice: Random) -> float:
    """exp of a normal of mean 0; the sum of twelve dice is normal enough and the same everywhere."""
    return exp(sigma * (sum(dice.random() for _ in range(12)) - 6))


def outcome(offered: Sequence[str], dice: Random) -> str:
    """The first as a rule; another by the share of the word in its name."""
    share = dice.random()
    for name in offered[1:]:
        share -= next((part for word, part in habits()["outcomes"].items() if word in name), 0)
        if share < 0:
            return name
    return offered[0]


def opinion(dice: Random) -> str:
    return str(pick(dice, habits()["opinions"]))


@dataclass
class Pen:
    """Fills one form for one order; told what was wrong, it tries again."""

    order: Mapping[str, Any]
    units: Units
    now: datetime
    dice: Random
    refusing: bool = False
    refused: int = 0
    """How many units were turned down so far: the next best one is tried."""

    def first(self, form: Form) -> dict[str, Any]:
        """What is required, and what one fills in anyway."""
        return {each.name: self.value(each.data, each.choices) for each in form.fields if self._wants(each)}

    def mend(self, form: Form, answers: dict[str, Any], errors: Sequence[tuple[str, str]]) -> bool:
        """Changes what was refused, (name, code) each; False when nothing can be done about it."""
        fields = {each.name: each for each in form.fields}
        for name, code in errors:
            if name not in fields:
                return False
            if code == "unit-not-selectable":
                self.refused += 1
            if code == "field-not-applicable" or (name in answers and not fields[name].required):
                answers.pop(name, None)
            else:
                answers[name] = self.value(fields[name].data, fields[name].choices)
                if answers[name] is None:
                    return False
        return bool(errors)

    def _wants(self, field: FormField) -> bool:
        if field.readonly:
            return False
        known = habits()
        reason = any(word in field.label for word in ("原因", "理由", "建议单位"))
        if field.required:
            return True
        if field.show_if is not None and not reason:
            return False  # asked for by the form itself once it applies
        if reason:
            return self.refusing
        if field.data.type == "list":
            return self.dice.random() < float(known["assist"])
        return field.asks in ("bool", "date", "choice") or self.dice.random() < 0.5

    def value(self, data: DataField, choices: Any = None) -> Any:
        """A value of the field's type; None where the demo has none to give (files, points)."""
        one = self._one(data, data.item or data.type, choices)
        return [one] if data.type == "list" and one is not None else one

    def _one(self, data: DataField, kind: str, choices: Any) -> Any:
        dice = self.dice
        told = {"appeal": "type", "level": "level", "category": "categoryCode", "content": "content"}
        if data.name in told:
            return self.order[told[data.name]]
        options = choices.options if isinstance(choices, FixedChoices) else data.options
        if options:
            return pick(dice, options)
        match kind:
            case "bool":
                return dice.random() < habits()["truths"].get(data.name, 0.8)
            case "unit":
                return self._unit(choices if isinstance(choices, UnitQuery) else None)
            case "date":
                return self.now.astimezone(BEIJING).date().isoformat()
            case "datetime":
                return self.now.astimezone(BEIJING).isoformat(timespec="seconds")
            case "int" | "decimal":
                return int(data.low if isinstance(data.low, int | float) else 1)
            case "text" if data.format is None:
                known = habits()["texts"]
                return str(pick(dice, next(each["say"] for each in known if each["word"] in data.label)))
            case "category":
                return self.order["categoryCode"]
        return None

    def _unit(self, query: UnitQuery | None) -> str | None:
        """The unit whose business it is, if it is there; then the others."""
        offered = self.units(query)
        if not offered:
            return None
        right = [code for code, name in offered if name == self.order["dispatch"]["mainOrg"]]
        start = below(self.dice, len(offered)) if not right and not self.refused else 0
        others = [code for code, _ in [*offered[start:], *offered[:start]] if code not in right]
        ranked = right + others
        return ranked[self.refused % len(ranked)]
