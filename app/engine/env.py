"""What the engine is handed for one transaction: the instant, the case's data, the clocks' functions."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Protocol


class Env(Protocol):
    """What the caller hands in: the transaction's instant, the case's data, the clocks' functions."""

    @property
    def now(self) -> datetime:
        """Aware, UTC: the transaction's instant by the database clock."""

    @property
    def data(self) -> Mapping[str, Any]:
        """Read-only, no secret fields; a declared name without value is None."""

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """tier, due, workdays, workhours … bound to this case by clocks/."""

    def call(self, handler: str, params: dict[str, Any]) -> Mapping[str, Any] | None:
        """Runs a registered handler, which adds rows only; its results by name."""

    def write(self, values: dict[str, Any]) -> None:
        """Keeps outputs in the case's data, by assignment; `data` shows them at once."""

    def is_workday(self, day: date) -> bool:
        """Whether people work that day."""

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """A message leaves the case; `message` is its key in messages.yaml. The caller only adds a row."""
