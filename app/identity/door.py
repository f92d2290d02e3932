"""Who sends this request, for a view: the actor the gate has let in."""

from typing import cast

from app.core.http import gate
from app.identity.actor import Actor


def actor() -> Actor:
    """The signed-in actor of this request. Raises NotSignedIn or TokenInvalid (401)."""
    return cast(Actor, gate.sign_in())
