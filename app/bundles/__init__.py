"""The read side of a published version: files, compiled forms, lanes, data names, clocks."""

from app.bundles.bundle import Bundle
from app.bundles.store import get, install, latest, of, under

__all__ = ["Bundle", "get", "install", "latest", "of", "under"]
