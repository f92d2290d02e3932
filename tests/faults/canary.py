"""Looks for seeded values wherever an installation leaves bytes: tables, data files, WAL, queue, logs, answers."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import orjson
from redis import Redis

from app.core import db


def forms_of(value: str) -> set[bytes]:
    """A value as it may stand in bytes: plain, in another coding, escaped, in hexadecimal."""
    plain = value.encode()
    made = {
        plain,
        value.encode("gb18030"),
        value.encode("utf-16-le"),
        quote(value).encode(),
        plain.hex().encode(),
    }
    return made | {orjson.dumps(value)[1:-1], value.encode("unicode_escape"), plain.hex().upper().encode()}


def hits(values: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """ "phone in table cases.title" for every value found at a place, in any of its forms."""
    wanted = {name: forms_of(value) for name, value in values.items()}
    return sorted(
        {
            f"{name} in {place}"
            for place, data in places
            for name, forms in wanted.items()
            if any(form in data for form in forms)
        }
    )


def tables() -> Iterator[tuple[str, bytes]]:
    """Every column of every row of every table, whoever made it."""
    with db.reading() as session:
        raw = session.connection
        named = raw.exec_driver_sql("select tablename from pg_tables where schemaname = 'public'").all()
        for (table,) in named:
            rows = raw.exec_driver_sql(f'select * from "{table}"')
            columns = list(rows.keys())
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    data = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    yield f"table {table}.{column}", data


def files(folder: Path, what: str) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_socket():
            try:
                yield f"{what} {file.relative_to(folder)}", file.read_bytes()
            except FileNotFoundError:  # gone meanwhile
                continue


def queue(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key of the queue with all it holds."""
    with Redis.from_url(url) as redis:
        for key in redis.scan_iter("*"):
            yield "queue, a key", key
            kind = redis.type(key).decode()
            held: object = {
                "string": lambda k: redis.get(k),
                "list": lambda k: redis.lrange(k, 0, -1),
                "set": lambda k: redis.smembers(k),
                "hash": lambda k: redis.hgetall(k),
                "zset": lambda k: redis.zrange(k, 0, -1),
                "stream": lambda k: redis.xrange(k),
            }[kind](key)
            yield f"queue, a {kind}", b"\n".join(_flat(held))


def _flat(held: object) -> Iterator[bytes]:
    if isinstance(held, bytes):
        yield held
    elif isinstance(held, Mapping):
        for name, value in held.items():
            yield from _flat(name)
            yield from _flat(value)
    elif isinstance(held, list | tuple | set):
        for each in held:
            yield from _flat(each)


def context(values: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> str:
    """What stands round each hit, to see how it got there."""
    lines = []
    for place, data in places:
        for name, value in values.items():
            for form in forms_of(value):
                at = data.find(form)
                if at >= 0:
                    lines.append(f"{name} in {place}: {data[max(0, at - 120) : at + 60]!r}")
    return "\n".join(lines[:20])
