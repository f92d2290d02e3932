"""What residents are shown, as forms offer it: the room that shows it says what there is."""

from collections.abc import Callable, Collection, Mapping

from app.bundles.lookups import ShownFact
from app.core.db import Session
from app.identity.actor import Actor

Finder = Callable[[Session, Actor, Collection[str]], Mapping[str, ShownFact]]
"""By number, of what this person may see."""

_finders: list[Finder] = []


def offer(finder: Finder) -> None:
    """Registers who knows what is shown, once."""
    if finder not in _finders:
        _finders.append(finder)


def find(session: Session, actor: Actor, numbers: Collection[str]) -> dict[str, ShownFact]:
    """What is shown under these numbers; nothing where nobody shows anything."""
    return {number: fact for finder in _finders for number, fact in finder(session, actor, numbers).items()}
