"""Which keys a file may have: described once, then checked with line numbers and turned into JSON Schema."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.bundles.yaml_file import COLON_ZH, Doc, Path
from app.engine.check.finding import Finding, Level


class Found:
    """The findings of one file."""

    def __init__(self, doc: Doc) -> None:
        self.doc = doc
        self.findings: list[Finding] = []

    def error(self, rule: str, path: Path, zh: str, en: str, level: Level = "error") -> None:
        """One finding at a path; its line is put before both texts."""
        self.findings.append(finding(level, rule, self.doc.file, self.doc.line(path), zh, en))

    def warn(self, rule: str, path: Path, zh: str, en: str) -> None:
        self.error(rule, path, zh, en, level="warning")

    @property
    def failed(self) -> bool:
        return any(each.level == "error" for each in self.findings)


def finding(level: Level, rule: str, file: str, line: int | None, zh: str, en: str) -> Finding:
    """A finding about a text file, worded with its line in front; a printer puts the file before it."""
    where = (f"第 {line} 行：", f"line {line}: ") if line else ("", "")
    return Finding(level, rule, file, line, None, where[0] + zh, where[1] + en)


@dataclass(frozen=True)
class Text:
    """Text; `pattern` must match the whole of it, `says` words that in Chinese."""

    pattern: str | None = None
    says: str = "文字"
    longest: int = 200
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds."""

    low: int
    high: int


@dataclass(frozen=True)
class Flag:
    """true or false."""


@dataclass(frozen=True)
class Scalar:
    """Text, a number or a truth value."""


@dataclass(frozen=True)
class Any_:
    """Whatever YAML can say; the reader of the file looks at it itself."""


@dataclass(frozen=True)
class Many:
    """A list."""

    of: "Shape"
    least: int = 0
    most: int = 200


@dataclass(frozen=True)
class Named:
    """A mapping whose keys are names that the author chooses."""

    of: "Shape"
    pattern: str | None = None
    says: str = "名字"


@dataclass(frozen=True)
class Key:
    """One key of a record. `not_yet` says in Chinese what it will do once built: until then it is refused."""

    shape: "Shape"
    says: str = ""
    required: bool = False
    not_yet: str | None = None


@dataclass(frozen=True)
class Record:
    """A mapping with exactly these keys."""

    keys: Mapping[str, Key] = field(hash=False)


Shape = Text | Whole | Flag | Scalar | Any_ | Many | Named | Record

PLACE = "（整个文件）"


def check(shape: Shape, value: Any, found: Found, path: Path = ()) -> bool:
    """Whether the value has the shape; every deviation becomes a finding with its line."""
    match shape:
        case Any_():
            return True
        case Text():
            return _text(shape, value, found, path)
        case Whole(low, high):
            if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
                return True
            return _wrong(
                found,
                path,
                f"应为 {low} 到 {high} 的整数",
                f"must be a whole number from {low} to {high}",
                value,
            )
        case Flag():
            return isinstance(value, bool) or _wrong(
                found, path, "应为 true 或 false", "must be true or false", value
            )
        case Scalar():
            fine = isinstance(value, str | int | float) or value is None
            return fine or _wrong(
                found, path, "应为一个文字、数字或 true/false", "must be a single value", value
            )
        case Many(of, least, most):
            if not isinstance(value, list):
                return _wrong(
                    found, path, "应为列表，写成 [甲, 乙] 或每行一个“- 甲”", "must be a list", value
                )
            if not least <= len(value) <= most:
                return _wrong(
                    found,
                    path,
                    f"应有 {least} 到 {most} 项",
                    f"must have {least} to {most} items",
                    len(value),
                )
            each = [check(of, item, found, (*path, i)) for i, item in enumerate(value)]
            return all(each)  # of the list, so that every item is looked at
        case Named(of, pattern, says):
            if not isinstance(value, dict):
                return _wrong(found, path, "应为“名字: 内容”的形式", "must be a mapping", value)
            entries = [_named(key, one, of, pattern, says, found, (*path, key)) for key, one in value.items()]
            return all(entries)
        case Record(keys):
            return _record(keys, value, found, path)


def _text(shape: Text, value: Any, found: Found, path: Path) -> bool:
    if not isinstance(value, str) or not value.strip():
        return _wrong(found, path, f"应为{shape.says}", "must be text", value)
    if shape.one_of and value not in shape.one_of:
        near = nearest(value, shape.one_of)
        return _wrong(found, path, f"只能是{near}", f"must be one of {', '.join(shape.one_of)}", value)
    if len(value) > shape.longest:
        return _wrong(
            found,
            path,
            f"不能超过 {shape.longest} 字",
            f"must have at most {shape.longest} characters",
            len(value),
        )
    if shape.pattern and not re.fullmatch(shape.pattern, value):
        return _wrong(found, path, f"应为{shape.says}", f"must match {shape.pattern}", value)
    return True


def _named(key: str, value: Any, of: Shape, pattern: str | None, says: str, found: Found, path: Path) -> bool:
    named = True
    if pattern and not re.fullmatch(pattern, key):
        found.error("name-invalid", path, f"“{key}”不能作名字，应为{says}。", f'"{key}" is no valid name.')
        named = False
    return check(of, value, found, path) and named


def _record(keys: Mapping[str, Key], value: Any, found: Found, path: Path) -> bool:
    if not isinstance(value, dict):
        if isinstance(value, str) and "：" in value:
            zh = f"应为“键: 值”的形式，{COLON_ZH}"
            return _wrong(found, path, zh, "must be a mapping", value)
        return _wrong(found, path, "应为“键: 值”的形式", "must be a mapping", value)
    good = True
    for name, each in value.items():
        here = (*path, name)
        if (key := keys.get(name)) is None:
            good = False
            unknown(found, here, name, [k for k, v in keys.items() if not v.not_yet])
        elif key.not_yet:
            good = False
            found.error(
                "key-not-yet",
                here,
                f"“{name}”尚未开放（{key.not_yet}），请先去掉。",
                f'"{name}" is not open yet; leave it out.',
            )
        else:
            good = check(key.shape, each, found, here) and good
    meant = {name.partition("：")[0].strip() for name in value if "：" in name}  # told above
    for name, key in keys.items():
        if key.required and name not in value and name not in meant:
            good = False
            says = f"（{key.says}）" if key.says else ""
            found.error("key-missing", path, f"缺少“{name}”{says}。", f'"{name}" is missing.')
    return good


def unknown(found: Found, path: Path, name: str, known: Iterable[str]) -> None:
    """The finding for a key nobody knows; a comma inside an unquoted {…} is a usual cause."""
    if "：" in name:
        found.error(
            "key-unknown",
            path,
            f"“{name[:40]}”里的{COLON_ZH}。",
            f'"{name[:40]}": write an ASCII colon and a blank after it.',
        )
        return
    if name.endswith(")"):
        found.error(
            "key-unknown",
            path,
            f"“{name}”不是键：{{…}} 里含逗号的写法请整个加引号，例如 choices: 'units(…, …)'。",
            f'"{name}" is no key: quote text that holds a comma.',
        )
        return
    found.error(
        "key-unknown",
        path,
        f"不认识“{name}”；这里可以写{nearest(name, known)}。",
        f'unknown key "{name}"; known here: {", ".join(known)}.',
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """The alternatives in Chinese, the likeliest first: “是不是 form？可选 form、name、type”."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=2, cutoff=0.6)
    listed = "、".join(names[:20]) + ("……" if len(names) > 20 else "") if names else "（没有）"
    return f" {listed}（是不是 {'、'.join(close)}？）" if close else f" {listed}"


def _wrong(found: Found, path: Path, zh: str, en: str, value: Any) -> bool:
    where = ".".join(str(p + 1) if isinstance(p, int) else p for p in path) or PLACE
    shown = "空" if value is None else f"“{str(value)[:40]}”"
    found.error(
        "value-invalid", path, f"{where} {zh}，现在是{shown}。", f"{where} {en}, not {str(value)[:40]!r}."
    )
    return False


def json_schema(shape: Shape) -> dict[str, Any]:
    """The same description as JSON Schema 2020-12; keys that are not open yet are left out."""
    match shape:
        case Text():
            schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": shape.longest}
            if shape.one_of:
                schema["enum"] = list(shape.one_of)
            if shape.pattern:
                schema["pattern"] = f"^(?:{shape.pattern})$"
            return schema
        case Whole(low, high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case Flag():
            return {"type": "boolean"}
        case Scalar():
            return {"type": ["string", "number", "boolean", "null"]}
        case Any_():
            return {}
        case Many(of, least, most):
            return {"type": "array", "items": json_schema(of), "minItems": least, "maxItems": most}
        case Named(of, pattern, _):
            named: dict[str, Any] = {"type": "object", "additionalProperties": json_schema(of)}
            if pattern:
                named["propertyNames"] = {"pattern": f"^(?:{pattern})$"}
            return named
        case Record(keys):
            opened = {name: key for name, key in keys.items() if not key.not_yet}
            return {
                "type": "object",
                "properties": {
                    name: json_schema(key.shape) | ({"description": key.says} if key.says else {})
                    for name, key in opened.items()
                },
                "required": [name for name, key in opened.items() if key.required],
                "additionalProperties": False,
            }
