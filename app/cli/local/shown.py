"""What the console channel would send to people, shown on the terminal of `huying up`."""

from pathlib import Path

import click
import orjson

CONSOLE = "huying.notices.console"
MOST = 20
"""Lines at a time: after a leap of the demo's clock many people are told at once."""


class Shown:
    """Follows the log of the worker, whose lines are JSON, from where it ends now."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size if log.exists() else 0

    def look(self) -> None:
        """Shows what was sent since the last look."""
        try:
            size = self._log.stat().st_size
            if size < self._at:  # the worker was started again, and writes anew
                self._at = 0
            if size == self._at:
                return
            with self._log.open("rb") as lines:
                lines.seek(self._at)
                new = lines.read()
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        found = [text for line in whole.splitlines() if (text := _said(line))]
        for text in found[:MOST]:
            click.echo(text)
        if len(found) > MOST:
            click.echo(f"……还有 {len(found) - MOST} 条通知，见 {self._log}")


def _said(line: bytes) -> str | None:
    if CONSOLE.encode() not in line:
        return None
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return str(told.get("text")) if told.get("logger") == CONSOLE else None
