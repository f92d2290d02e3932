"""A file sent as multipart/form-data, handed on piece by piece: it is never whole in memory."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from app.core.errors import BadRequest, FieldError, TooLarge, Unprocessable, UnsupportedMedia
from app.core.http import gate, strict_json
from app.core.http.fields import FieldsRefused

ENVELOPE = 64 << 10
"""Bytes that boundaries, headers and plain fields may take beside the file."""
MOST_FIELD = 1 << 10
MOST_PARTS = 8
_TYPE = re.compile(r'multipart/form-data\s*;\s*boundary="?([\x21-\x7e]{1,70}?)"?\s*\Z', re.IGNORECASE)


class MultipartMalformed(BadRequest):
    """上传的内容不是合格的 multipart/form-data。"""


class FileMissing(Unprocessable):
    """没有附上文件。"""


@dataclass
class Sent:
    """What came with the file: its name as the sender wrote it, and the plain fields."""

    filename: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


def receive(keep: Callable[[bytes], Any], most: int, fields: Collection[str]) -> Sent:
    """Gives each piece of the part named `file` to `keep`, at most `most` bytes of it; reads the body once.

    Other parts are plain text under one of the names in `fields`. Raises UnsupportedMedia (415), TooLarge
    (413) before reading on, BodyTruncated, MultipartMalformed (400), FileMissing, FieldsRefused (422).
    """
    boundary = _TYPE.match(request.headers.get("Content-Type", ""))
    if boundary is None:
        said = "上传附件请用 multipart/form-data。"
        raise UnsupportedMedia(said, headers={"Accept-Post": "multipart/form-data"})
    sent, size = Sent(), 0
    text: dict[str, bytes] = {}
    part: Field | File | None = None
    for event in _events(boundary[1].encode(), most + ENVELOPE):
        if isinstance(event, Field | File):
            part = event
            _expected(part, sent, text, fields)
            if isinstance(part, File):
                sent.filename = part.filename
            else:
                text[part.name] = b""
        elif isinstance(event, Data) and isinstance(part, File):
            size += len(event.data)
            if size > most:
                raise TooLarge(f"最多 {most >> 20} MB。", headers={"Connection": "close"})
            keep(event.data)
        elif isinstance(event, Data) and part is not None:
            text[part.name] += event.data
            if len(text[part.name]) > MOST_FIELD:
                raise MultipartMalformed
    if sent.filename is None or not size:
        raise FileMissing(errors=[FieldError("/file", "required", "请选择一个文件，不能是空的。")])
    sent.fields = {name: _clean(name, value) for name, value in text.items()}
    return sent


def _events(boundary: bytes, most: int) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, max_form_memory_size=256 << 10, max_parts=MOST_PARTS)
    try:
        for piece in gate.body_parts(most):
            decoder.receive_data(piece)
            yield from _ready(decoder)
        decoder.receive_data(None)
        yield from _ready(decoder)
    except (ValueError, AttributeError, RequestEntityTooLarge):  # whatever the decoder stumbles over
        raise MultipartMalformed from None


def _ready(decoder: MultipartDecoder) -> Iterator[Event]:
    while not isinstance(event := decoder.next_event(), NeedData):
        yield event
        if isinstance(event, Epilogue):
            return


def _expected(part: Field | File, sent: Sent, text: dict[str, bytes], fields: Collection[str]) -> None:
    name = part.name if isinstance(part.name, str) else ""
    wanted = name == "file" if isinstance(part, File) else name in fields
    if not wanted:
        shown = "".join(c for c in name[:60] if c.isprintable())
        raise FieldsRefused(errors=[FieldError(f"/{shown}", "unknown-field", "没有这个字段。")])
    if name in text or (isinstance(part, File) and sent.filename is not None):
        raise FieldsRefused(errors=[FieldError(f"/{name}", "repeated", "只能有一个。")])


def _clean(name: str, value: bytes) -> str:
    try:
        text = strict_json.clean(value.decode())
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise FieldsRefused(
            errors=[FieldError(f"/{name}", "text-invalid-character", "文字中有不允许的字符。")]
        )
    return text.strip()
