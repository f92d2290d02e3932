"""Who keeps rows beside a case, from all that is known of it while it moves, in the same transaction.

Listeners hear what happened (core/events); a follower sees the case itself, and reads nothing anew.
"""

from collections.abc import Callable, Sequence

from app.cases.motion import Motion

Follower = Callable[[Sequence[Motion]], None]
"""Gets the motions of one transaction that are being saved; it may only add and change rows of its own."""

_followers: list[Follower] = []


def follow(follower: Follower) -> Follower:
    """Registers a follower, once."""
    if follower not in _followers:
        _followers.append(follower)
    return follower


def tell(motions: Sequence[Motion]) -> None:
    """These cases are written down now."""
    for follower in _followers:
        follower(motions)
