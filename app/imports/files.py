"""Opening a file of work orders: JSON lines or CSV, UTF-8 or GBK, at most 20 MB; anything else is named."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.core.errors import Problem, TooLarge, Unprocessable
from app.core.http import strict_json
from app.exchange.work_orders import flat

MOST_BYTES = 20 * 1024 * 1024
"""Source: trust.md §5 row 15."""
MOST_CELL = 100_000
NEEDED = ("externalNo", "title")
_ZIPPED = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"


class FileRefused(Unprocessable):
    """这个文件不能导入。"""


class FileTooLarge(TooLarge):
    """文件太大，最多 20 MB；请分成几个文件导入。"""


@dataclass(frozen=True)
class Line:
    """One order of a file as it was written; `wrong` says why it cannot even be read."""

    number: int
    order: dict[str, Any]
    wrong: str | None = None


@dataclass(frozen=True)
class Opened:
    """A file's text, what it is, and what its reader should know."""

    kind: str
    text: str
    notes: tuple[str, ...]


def open_file(file: Path) -> Opened:
    """Raises FileTooLarge, FileRefused."""
    if file.stat().st_size > MOST_BYTES:
        raise FileTooLarge
    data = file.read_bytes()
    if data.startswith((_ZIPPED, _OLE)) or file.suffix.lower() in (".xlsx", ".xls", ".et"):
        raise FileRefused("电子表格尚不能直接导入；请在表格软件里另存为“CSV UTF-8（逗号分隔）”。")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRefused("文件是 UTF-16 编码；请另存为“CSV UTF-8（逗号分隔）”。")
    text, notes = _decoded(data)
    if "\0" in text:
        raise FileRefused("文件里有空字符，不是文字文件。")
    if not text.strip():
        raise FileRefused("文件是空的。")
    kind = "jsonl" if text.lstrip()[:1] == "{" else "csv"
    return Opened(kind, text, notes)


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        wrong = error
    try:
        return data.decode("gb18030"), ("文件不是 UTF-8，按 GBK 读取；请看一眼文字对不对。",)
    except UnicodeDecodeError:
        line = data[: wrong.start].count(b"\n") + 1
        raise FileRefused(f"文件既不是 UTF-8 也不是 GBK（第 {line} 行起读不懂）；请另存为 UTF-8。") from None


def lines(opened: Opened) -> Iterator[Line]:
    """Every order of the file. Raises FileRefused when the first line of a table names no known columns."""
    return _jsonl(opened.text) if opened.kind == "jsonl" else _csv(opened.text)


def _jsonl(text: str) -> Iterator[Line]:
    # Not splitlines(): U+2028 and its like are letters inside a JSON text.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            strict_json.parse(line.encode())
            order = orjson.loads(line)  # as it was typed: the line goes through the gate once more
        except Problem as problem:
            yield Line(number, {}, problem.detail or problem.title)
            continue
        if isinstance(order, dict):
            yield Line(number, order)
        else:
            yield Line(number, {}, "每行应是一件工单，写成 {…}。")


def _csv(text: str) -> Iterator[Line]:
    first = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=first.count)
    csv.field_size_limit(MOST_CELL)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [name.strip() for name in next(table)]
    _check_header(header)
    while True:
        number = table.line_num + 1
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error:
            yield Line(number, {}, "引号没有成对，或一格超过 10 万字；从这一行起读不下去。")
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header):
            told = f"这一行有 {len(cells)} 格，列名只有 {len(header)} 个；内容里有逗号时要用引号括起。"
            yield Line(number, {}, told)
            continue
        yield Line(number, {name: cell.strip() for name, cell in zip(header, cells, strict=False)})


def _check_header(header: list[str]) -> None:
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise FileRefused(f"第 1 行的列名“{'、'.join(sorted(twice))}”写了两次。")
    names = flat(dict.fromkeys(header, "x"))
    missing = [needed for needed in NEEDED if needed not in names]
    if missing:
        shown = "、".join(header)[:80] or "（空）"
        raise FileRefused(f"第 1 行应是列名，至少要有“工单编号”“标题”；现在是：{shown}。")
