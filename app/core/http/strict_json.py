"""JSON in, strictly: what a parser lets through and a database would later choke on is refused here."""

import json
import re
import unicodedata
from typing import Any

import orjson

from app.core import typed
from app.core.errors import BadRequest, FieldError, Unprocessable

MOST_DEPTH = 32
MOST_ITEMS = 10_000
MOST_INTEGER = 2**63 - 1

# Tab, line feed and carriage return are text; the rest of C0 and C1, DEL and surrogates are not.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_NUMBERS = (b"NaN", b"Infinity", b"-Infinity")


class JsonMalformed(BadRequest):
    """请求内容不是合格的 JSON。"""


class JsonDuplicateKey(BadRequest):
    """JSON 中有重复的字段名。"""


class JsonTooDeep(BadRequest):
    """JSON 嵌套太深（最多 32 层）。"""


class JsonTooBig(BadRequest):
    """JSON 内容项太多（最多 10000 项）。"""


class JsonInvalidNumber(BadRequest):
    """JSON 中的数字超出范围，或不是数字。"""


class TextInvalidCharacter(Unprocessable):
    """文字中有不允许的控制字符。"""


def parse(raw: bytes) -> Any:
    """The value of a JSON document: text in NFC, integers within 64 bits, no key twice.

    Raises JsonMalformed, JsonTooDeep, JsonTooBig, JsonInvalidNumber, JsonDuplicateKey (400) and
    TextInvalidCharacter (422, with a pointer).
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _why(raw, error) from None  # its text repeats what was sent
    count = _Count()
    value = _walk(value, "", 1, count)
    # Outside strings a colon stands exactly once for each pair that was written.
    if _STRINGS.sub(b"", raw).count(b":") != count.pairs:
        raise JsonDuplicateKey(errors=[FieldError(_first_duplicate(raw), "duplicate-key", "字段名重复。")])
    return value


def clean(text: str) -> str | None:
    """The text in NFC, or None when it holds a control character or a lone surrogate."""
    if text.isascii():
        return text if text.isprintable() or _FORBIDDEN.search(text) is None else None
    if _FORBIDDEN.search(text) is not None:
        return None
    return typed.normal(text)


def pointer(*steps: str | int) -> str:
    """A JSON pointer (RFC 6901) from its steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


class _Count:
    __slots__ = ("items", "pairs")

    def __init__(self) -> None:
        self.items = 0
        self.pairs = 0


def _walk(value: Any, at: str, depth: int, count: _Count) -> Any:
    kind = type(value)
    if kind is str:
        if value.isascii() and value.isprintable():
            return value
        text = clean(value)
        if text is None:
            raise TextInvalidCharacter(errors=[_bad_text(at)])
        return text
    if kind is dict or kind is list:
        if depth > MOST_DEPTH:
            raise JsonTooDeep
        count.items += len(value)
        if count.items > MOST_ITEMS:
            raise JsonTooBig
        if kind is list:
            for index, item in enumerate(value):
                value[index] = _walk(item, f"{at}/{index}", depth + 1, count)
            return value
        count.pairs += len(value)
        return _walk_object(value, at, depth, count)
    if kind is int:
        if not -MOST_INTEGER - 1 <= value <= MOST_INTEGER:
            raise JsonInvalidNumber(errors=[FieldError(at, "number-out-of-range", "数字超出范围。")])
    elif kind is float and not -(2.0**63) < value < 2.0**63:
        # The parser turns an integer beyond 64 bits silently into a float.
        raise JsonInvalidNumber(errors=[FieldError(at, "number-out-of-range", "数字超出范围。")])
    return value


def _walk_object(value: dict[str, Any], at: str, depth: int, count: _Count) -> dict[str, Any]:
    renamed = False
    for key, item in value.items():
        step = key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key
        text = key if key.isascii() and key.isprintable() else clean(key)
        if text is None:
            raise TextInvalidCharacter(errors=[_bad_text(at)])
        renamed = renamed or text != key
        value[key] = _walk(item, f"{at}/{step}", depth + 1, count)
    if not renamed:
        return value
    normal = {unicodedata.normalize("NFC", key): item for key, item in value.items()}
    if len(normal) != len(value):
        raise JsonDuplicateKey(errors=[FieldError(at, "duplicate-key", "字段名重复。")])
    return normal


def _bad_text(at: str) -> FieldError:
    return FieldError(at, "text-invalid-character", "文字中有不允许的控制字符，请删去后再提交。")


def _why(raw: bytes, error: orjson.JSONDecodeError) -> Exception:
    """Which problem the parser's complaint stands for."""
    message = error.msg
    if "depth limit" in message:
        return JsonTooDeep()
    if "infinity" in message:
        return JsonInvalidNumber()
    if "surrogate" in message or "control character" in message:
        found = _bad_character(raw)
        if found is not None:
            return found
    else:
        # The position counts characters; what stands there decides between a typo and "NaN".
        text = raw.decode("utf-8", "replace")
        near = text[max(error.pos - 1, 0) : error.pos + 9].encode()
        if any(word in near for word in _NOT_NUMBERS):
            return JsonInvalidNumber()
    return JsonMalformed(f"第 {error.lineno} 行第 {error.colno} 个字符附近有误。")


def _bad_character(raw: bytes) -> Exception | None:
    """The standard library lets surrogates and raw control characters pass, so that we can say where."""
    try:
        value = json.loads(raw, strict=False, parse_int=_short_integer)
    except (ValueError, RecursionError):
        return None
    try:
        _walk(value, "", 1, _Count())
    except (BadRequest, Unprocessable) as problem:
        return problem
    return None


def _short_integer(text: str) -> int:
    return int(text) if len(text) <= 20 else MOST_INTEGER + 1


def _first_duplicate(raw: bytes) -> str:
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in items:
            if key in seen and not found:
                found.append(key)
            seen[key] = value
        return seen

    json.loads(raw, object_pairs_hook=pairs, parse_int=_short_integer)
    return pointer(found[0]) if found else ""
