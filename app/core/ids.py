"""Keys made by us: UUIDv7, so that rows of one time lie together and no database has to number them."""

import secrets
from uuid import UUID

from app.core import clock


def new_id() -> str:
    """A UUIDv7 as text: 48 bits of milliseconds, then randomness. Source: RFC 9562 §5.7."""
    value = clock.wall_milliseconds() << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))
