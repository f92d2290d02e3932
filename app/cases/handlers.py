"""The names a service task may call: registered once, found by name, each a function of a Context."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import workflows
from app.cases.motion import Motion
from app.engine.errors import HandlerFailed
from app.engine.source import Signature

Results = Mapping[str, Any] | None


@dataclass(frozen=True)
class Context:
    """What a handler is given: the case under its lock, and the inputs that the diagram names.

    It changes rows through the motion (`write`, `tell`, `ask`); it opens no file and no socket.
    """

    motion: Motion
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Handler:
    """A registered handler: what it takes and gives, and a Chinese line that says what it does."""

    name: str
    says: str
    signature: Signature
    function: Callable[[Context], Results]


_handlers: dict[str, Handler] = {}
OURS = (
    "app.cases.counting",
    "app.cases.feeding",
    "app.cases.filer",
    "app.cases.gathering",
    "app.cases.holding",
    "app.cases.linking",
    "app.cases.noting",
    "app.cases.places",
    "app.cases.rejections",
    "app.cases.remarks",
    "app.cases.requests.effects",
    "app.cases.suggesting",
    "app.cases.taking_on",
)
"""Where this room writes its own. Another room writes them in its handlers.py, a process in
workflows/<its key>/handlers.py; both are found there."""


class HandlerTwice(RuntimeError):
    """Two handlers of one name: a diagram could not know which it calls."""


def handler(
    name: str,
    says: str,
    *,
    needs: tuple[str, ...] = (),
    takes: tuple[str, ...] = (),
    gives: tuple[str, ...] = (),
) -> Callable[[Callable[[Context], Results]], Callable[[Context], Results]]:
    """Registers a function under a name such as `orders.returnGranted`. Raises HandlerTwice."""

    def register(function: Callable[[Context], Results]) -> Callable[[Context], Results]:
        if name in _handlers and _handlers[name].function.__qualname__ != function.__qualname__:
            raise HandlerTwice(name)
        signature = Signature(frozenset(needs), frozenset(takes), frozenset(gives))
        _handlers[name] = Handler(name, says, signature, function)
        return function

    return register


def registered(name: str) -> Handler:
    """The handler of that name. Raises HandlerFailed: a version may outlive a handler only by our fault."""
    _load()
    found = _handlers.get(name)
    if found is None:
        raise HandlerFailed(f"（没有登记名为 {name} 的处理程序）")
    return found


def every() -> Mapping[str, Handler]:
    """All of them, by name."""
    _load()
    return dict(_handlers)


@cache
def _load() -> None:
    """Imports every place where handlers are written, once; whoever is imported registers itself."""
    house = [str(Path(__file__).parents[1])]  # looked through, not imported: the rooms above know this one
    rooms = [*iter_modules(house, "app."), *iter_modules(workflows.__path__, "workflows.")]
    written = [f"{each.name}.handlers" for each in rooms if each.ispkg]
    for name in (*OURS, *(each for each in written if find_spec(each))):
        import_module(name)
