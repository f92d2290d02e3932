"""What is done in a simulation, one small value per move; and how a bundle's scenario is read as moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.engine.errors import WalkUnreadable

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Start:
    """What the case is filed with. Only at the beginning; a walk without it begins with no data."""

    data: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None


@dataclass(frozen=True)
class Claim:
    """Somebody takes the newest open task of a step; only clocks notice."""

    step: str


@dataclass(frozen=True)
class Complete:
    """Somebody finishes the newest open task of a step; `item` says whose where several sign."""

    step: str
    outcome: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    item: Any = None


@dataclass(frozen=True)
class Deliver:
    """A message or signal comes to whatever has waited for it longest; `data` is what it brings."""

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Return:
    """From the newest open task of `start` back to `step`; without `start` an ended case is reopened."""

    step: str
    start: str | None = None
    scope: str = "auto"
    withdraw: bool = False


@dataclass(frozen=True)
class Pass:
    """Time passes, an ISO duration; whatever falls due meanwhile fires at its instant."""

    duration: str


@dataclass(frozen=True)
class At:
    """As Pass, until an instant; an earlier one is an error."""

    instant: datetime


@dataclass(frozen=True)
class Cancel:
    """The case is terminated."""


@dataclass(frozen=True)
class Play:
    """The case goes on by the canned answers and its timers until nothing moves, or time is up."""

    longest: str = "P2Y"
    most: int = 1_000


@dataclass(frozen=True)
class Expect:
    """What must be so now; None: not looked at. `log` are the steps completed so far, in order."""

    status: str | None = None
    tasks: tuple[str, ...] | None = None
    ended: bool | None = None
    end: str | None = None
    log: tuple[str, ...] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


Move = Start | Claim | Complete | Deliver | Return | Pass | At | Cancel | Play | Expect


@dataclass(frozen=True)
class Walk:
    """Moves, and what a scenario says that is not the engine's to play, by place and word."""

    moves: tuple[Move, ...]
    skipped: tuple[str, ...] = ()
    at: datetime | None = None


def walk_of(scenario: Mapping[str, Any]) -> Walk:
    """A scenario of a bundle (`at`, `steps`) as moves. People, forms' rules, clocks and pools are not the
    engine's: such steps and expectations are skipped and listed. Raises WalkUnreadable.
    """
    steps = scenario.get("steps")
    if not isinstance(steps, Sequence) or isinstance(steps, str):
        raise WalkUnreadable("（没有 steps）")
    moves: list[Move] = []
    skipped: list[str] = []
    for place, step in enumerate(steps, 1):
        if not isinstance(step, Mapping) or len(step) != 1:
            raise WalkUnreadable(f"（第 {place} 步须是一个动作）")
        ((word, said),) = step.items()
        try:
            move, left = _move(str(word), said)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WalkUnreadable(f"（第 {place} 步 {word}）") from error
        if move is not None:
            moves.append(move)
        skipped += [f"{place}. {each}" for each in left]
    return Walk(tuple(moves), tuple(skipped), _instant(scenario["at"]) if scenario.get("at") else None)


def _move(word: str, said: Any) -> tuple[Move | None, list[str]]:
    if word == "start":
        return Start(dict(said.get("form") or {}), said.get("start")), []
    if word == "claim":
        return Claim(said["step"]), []
    if word == "complete":
        answers = dict(said.get("answers") or {})
        return Complete(said["step"], said.get("outcome"), answers, said.get("item")), []
    if word == "message":
        return Deliver(said["name"], dict(said.get("payload") or {})), []
    if word == "pass":
        return Pass(str(said)), []
    if word == "at":
        return At(_instant(said)), []
    if word == "do" and said.get("verb") in ("return", "withdraw") and "to" in said:
        scope, withdraw = said.get("scope", "auto"), said["verb"] == "withdraw"
        return Return(said["to"], said.get("step"), scope, withdraw), []
    if word == "do" and said.get("verb") == "terminate":
        return Cancel(), []
    if word == "expect":
        return _expect(said)
    return None, [] if word == "note" else [word]


def _expect(said: Mapping[str, Any]) -> tuple[Expect, list[str]]:
    tasks = said.get("tasks")
    known = ("status", "tasks", "ended", "end", "log", "data")
    return Expect(
        status=said.get("status"),
        tasks=None if tasks is None else tuple(str(each).partition("@")[0] for each in tasks),
        ended=said.get("ended"),
        end=said.get("end"),
        log=tuple(said["log"]) if "log" in said else None,
        data=dict(said.get("data") or {}),
    ), [f"expect {key}" for key in said if key not in known]


def _instant(said: Any) -> datetime:
    moment = said if isinstance(said, datetime) else datetime.fromisoformat(str(said))
    if moment.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return moment
