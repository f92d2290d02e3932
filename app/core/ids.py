"""Keys made by us: UUIDv7, so that rows of one time lie together and no database has to number them."""

import secrets
from threading import Lock
from uuid import UUID

from app.core import clock

_lock = Lock()
_last = (0, 0)
"""The milliseconds and the free bits of the last id of this process."""


def new_id() -> str:
    """A UUIDv7 as text: 48 bits of milliseconds, then 74 free ones. Source: RFC 9562 §5.7.

    Of one process's ids the later one is the greater within a millisecond too (§6.2, method 2): clocks,
    tasks and ledger lines of one act are listed in the order in which they came to be.
    """
    global _last
    now = clock.wall_milliseconds()
    with _lock:
        then, free = _last
        # The first of a millisecond leaves the top bit free, so that what follows has room to rise.
        free = free + 1 + secrets.randbits(32) if now == then else secrets.randbits(73)
        _last = now, free
    high, low = divmod(free, 1 << 62)
    return str(UUID(int=now << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low))
