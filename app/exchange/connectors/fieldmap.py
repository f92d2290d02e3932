"""A partner's field names as data: map.yaml says which of ours each is; both directions follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.keys import Found, Key, Named, Record, Scalar, Text
from app.bundles.yaml_file import read_yaml
from app.core.clock import BEIJING

WIRE_TIME = "%Y-%m-%d %H:%M:%S"
"""How partners here write an instant: Beijing time without an offset."""

_FIELD = Record(
    {
        "is": Key(Text(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*", "我方的路径"), required=True),
        "codes": Key(Named(Scalar(), says="对方的代码")),
        "kind": Key(Text(one_of=("time",))),
    }
)
_SHAPE = Record(
    {
        "fields": Key(Named(_FIELD, says="对方的字段名"), required=True),
        "verbs": Key(Named(Named(Scalar(), says="对方的字段名"), says="消息名"), required=True),
    }
)


@dataclass(frozen=True)
class WireField:
    """One field: the partner's name, our path, and how its value is written there."""

    wire: str
    path: str
    codes: Mapping[str, Any]
    kind: str | None


@dataclass(frozen=True)
class FieldMap:
    """The fields of one partner, and what each of our messages is called there."""

    fields: tuple[WireField, ...]
    verbs: Mapping[str, Mapping[str, Any]]

    def ours(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The partner's names become ours; what is not in the map stays as it is."""
        by_wire = {each.wire: each for each in self.fields}
        found: dict[str, Any] = {}
        for name, value in data.items():
            each = by_wire.get(name)
            if each is None:
                found.setdefault(name, value)
            else:
                _put(found, each.path, _read(each, value))
        return found

    def theirs(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Our names become the partner's; what is not in the map stays as it is."""
        by_path = {each.path: each for each in self.fields}
        found: dict[str, Any] = {}
        for path, value in _leaves(data):
            each = by_path.get(path)
            if each is None:
                _put(found, path, value)
            else:
                found[each.wire] = _write(each, value)
        return found

    def told(self, path: str) -> str:
        """The partner's name of one of our paths; the path itself when it has none."""
        return next((each.wire for each in self.fields if each.path == path), path)


def load(file: Path) -> FieldMap:
    """The map beside a connector, or an installation's own. Raises ValueError with what is wrong."""
    found = Found(read_yaml(file.name, file.read_bytes()))
    keys.check(_SHAPE, found.doc.value, found)
    if found.failed:
        raise ValueError("".join(f"{each.line or 0} 行：{each.zh}" for each in found.findings[:5]))
    about = found.doc.value
    fields = tuple(
        WireField(wire, each["is"], MappingProxyType(each.get("codes", {})), each.get("kind"))
        for wire, each in about["fields"].items()
    )
    return FieldMap(fields, MappingProxyType(about["verbs"]))


def _read(each: WireField, value: Any) -> Any:
    if each.codes and isinstance(value, str | int) and not isinstance(value, bool):
        return each.codes.get(str(value), value)  # an unknown code stays, and the declared type refuses it
    if each.kind == "time" and isinstance(value, str):
        try:
            return datetime.strptime(value, WIRE_TIME).replace(tzinfo=BEIJING).isoformat()
        except ValueError:
            return value
    return value


def _write(each: WireField, value: Any) -> Any:
    if each.codes:
        return next(
            (code for code, ours in each.codes.items() if type(ours) is type(value) and ours == value), value
        )
    if each.kind == "time" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value).astimezone(BEIJING).strftime(WIRE_TIME)
        except ValueError:
            return value
    return value


def _put(into: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for name in outer:
        inner = into.setdefault(name, {})
        if not isinstance(inner, dict):  # the partner sent text where ours has more below it
            return
        into = inner
    into[last] = value


def _leaves(data: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in data.items():
        if isinstance(value, Mapping):
            found += _leaves(value, f"{before}{name}.")
        else:
            found.append((before + name, value))
    return found
