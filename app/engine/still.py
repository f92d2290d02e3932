"""What a run is handed that only looks: nothing is evaluated, called, written or sent."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, NoReturn

from app.engine.errors import NotSettled


class Still:
    """An Env for reading a case's marking; whoever acts with it has made a mistake."""

    now = datetime.fromtimestamp(0, UTC)
    data: Mapping[str, Any] = MappingProxyType({})
    functions: Mapping[str, Callable[..., Any]] = MappingProxyType({})

    def call(self, handler: str, params: Mapping[str, Any]) -> NoReturn:
        """Nothing is called."""
        raise NotSettled

    def write(self, values: Mapping[str, Any]) -> NoReturn:
        """Nothing is written."""
        raise NotSettled

    def is_workday(self, day: date) -> bool:
        """Nobody asks."""
        raise NotSettled

    def send(self, message: str, params: Mapping[str, Any]) -> NoReturn:
        """Nothing is sent."""
        raise NotSettled
