"""What the engine may ask of a case while it settles (engine.md §1.1), and a case woken with it."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import orjson

from app.cases import handlers
from app.cases.items import lists_of
from app.cases.motion import Motion, expression_data
from app.crypto.sm3 import sm3_hex
from app.engine.errors import HandlerFailed
from app.engine.run import Run


def awake(motion: Motion) -> Run:
    """The engine with this case, and in the motion what it waited for before anything happened."""
    run = Run.load(motion.case["engine"], motion.bundle.engine, CaseEnv(motion))
    motion.awaited = run.waiting()
    return run


class CaseEnv:
    """The transaction's instant, the case's data, the clocks' functions, and the doors out of the engine."""

    def __init__(self, motion: Motion) -> None:
        self._motion = motion
        self.now = motion.now
        self.functions: Mapping[str, Callable[..., Any]] = {"due": self._due, "tier": self._tier}
        self._data: Mapping[str, Any] | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        """Every name an expression may use; what is filled per item is a list in the items' order."""
        if self._data is None:
            self._data = {**expression_data(self._motion.bundle, self._motion.case), **lists_of(self._motion)}
        return self._data

    def is_workday(self, day: date) -> bool:
        return True  # working days are refused at publish until there is a calendar

    def call(self, handler: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Runs a registered handler; it changes this motion and adds rows, and does nothing else."""
        results = handlers.registered(handler).function(handlers.Context(self._motion, params))
        self._data = None  # it may have written
        return results

    def write(self, values: Mapping[str, Any]) -> None:
        """Keeps outputs as case data. Raises HandlerFailed for a name or a value that does not fit."""
        declared = self._motion.bundle.process.data
        for name, value in values.items():
            if name not in declared:
                raise HandlerFailed(f"（结果“{name}”不是声明过的名字）")
            if not _fits(value):
                raise HandlerFailed(f"（“{declared[name].label}”的结果不是文字、数字、是否或它们的列表）")
        self._motion.write(values)
        self._data = None

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """A message leaves the case: told in this transaction, sent later by whoever listens."""
        motion = self._motion
        drawn = motion.bundle.messages[message]
        body = drawn.render(self.data)
        told = {"message": message, "to": drawn.to, "hash": sm3_hex(orjson.dumps(body))}
        motion.tell_outside("message.sent", told, body)

    def _due(self, clock: str) -> str | None:
        due = self._motion.board.due_of(clock)
        return due.isoformat() if due else None

    def _tier(self, clock: str, tier: str) -> str | None:
        reached = self._motion.board.tier_of(clock, tier)
        return reached.isoformat() if reached else None


def _fits(value: Any) -> bool:
    if isinstance(value, list):
        return all(_fits(each) and not isinstance(each, list) for each in value)
    return value is None or isinstance(value, str | int | float | bool)
