"""Notices: what people are told, in their mailbox and over channels, once, and when they work."""

from app.notices.telling import Notice, tell

__all__ = ["Notice", "install", "tell"]


def install() -> None:
    """Listens to what happens to cases."""
    from app.core import events
    from app.notices import listening

    events.listen(listening.listen)
