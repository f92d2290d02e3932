"""One event, one JSON line; what people typed and what a statement carried never stand in it."""

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from app.core.config import REPOSITORY

_OURS = (f"{REPOSITORY}/app/", f"{REPOSITORY}/workflows/", f"{REPOSITORY}/worker.py")


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; control characters are escaped by JSON itself."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "text": _text(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # The class and the place, never the message: it may carry what a person typed.
            line["error"] = record.exc_info[0].__name__
            if (cause := _cause(record.exc_info[1])) is not None:
                line["cause"] = cause
            line["where"] = _where(record.exc_info[2])
        return orjson.dumps(line, default=str).decode()


def _where(traceback: Any) -> list[str]:
    """Our own frames, six at most, and the innermost one whoever wrote it."""
    places: list[tuple[bool, str]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        file = "/".join(code.co_filename.rsplit("/", 2)[-2:])
        name = f"{file}:{traceback.tb_lineno}:{code.co_name}"
        places.append((code.co_filename.startswith(_OURS), name))
        traceback = traceback.tb_next
    ours = [name for own, name in places if own][-6:]
    return ours + [name for own, name in places[-1:] if not own]


def _text(record: logging.LogRecord) -> str:
    """Ours as written; of a library's only the first line: the others are a traceback, with its message."""
    text = record.getMessage()
    return text if record.name.startswith("huying") else text.split("\n", 1)[0]


def _cause(error: BaseException | None) -> str | None:
    """What a database's driver called its refusal, such as `UniqueViolation 23505`: names, no values."""
    original = getattr(error, "orig", None)
    if original is None:
        return None
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return " ".join(filter(None, (type(original).__name__, code)))


SERVER = ("_granian", "granian.access")
"""Loggers of the web server, which come with handlers of their own."""


def to_stderr(threshold: int = logging.INFO) -> None:
    """Sends everything of this process to standard error as JSON lines, what nobody caught included.

    Without it, Python's handler of last resort prints whole tracebacks, and the message of a database error
    is the statement with its parameters. The libraries of engine and queue stay silent below WARNING.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=threshold, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in SERVER:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for noisy in ("spiff", "rq.worker", "rq.queue"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def _uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger("huying").critical("nobody caught this", exc_info=(kind, error, traceback))
