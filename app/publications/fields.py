"""What is shown of a case: its data as they are now, each with its label and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app import bundles
from app.bundles.data_fields import DataField, chosen_name
from app.bundles.publishing import Publishing
from app.cases.attachments import models as attachments
from app.core.clock import BEIJING
from app.core.db import Session
from app.identity import org
from app.publications.models import Row


@dataclass(frozen=True)
class Named:
    """What the codes and ids in shown data are called."""

    units: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """A row of FOUND, and what its process says of it."""

    row: Row
    rule: Publishing

    @property
    def declared(self) -> list[DataField]:
        data = bundles.get(self.row["version_id"]).process.data
        return [data[name] for name in self.rule.fields]

    def value(self, name: str) -> Any:
        """What the case holds now."""
        own = f"case_{name}"
        return self.row[own] if own in self.row else self.row["data"].get(name)

    def fields(self, named: Named) -> list[Row]:
        """What residents read, in the order of process.yaml; empty ones are left out."""
        return [
            _field(each, value, self._words(each, value, named), named)
            for each in self.declared
            if (value := self.value(each.name)) not in (None, "", [])
        ]

    def _words(self, declared: DataField, value: Any, named: Named) -> str:
        if declared.type == "category":
            return str(self.value(chosen_name(declared).name) or value)
        return _said(declared.item or declared.type, value, named)


def lookups(session: Session, shown: Sequence[Shown]) -> Named:
    """The names that a page needs: at most two statements."""
    units: set[str] = set()
    files: set[str] = set()
    for each in shown:
        for declared in each.declared:
            value = each.value(declared.name)
            several = value if isinstance(value, list) else [value]
            if "unit" in (declared.type, declared.item):
                units.update(one for one in several if one)
            elif declared.type == "files":
                files.update(one for one in several if one)
    called = {code: unit.name for code, unit in org.units_by_code(session, sorted(units)).items()}
    return Named(called if units else {}, attachments.named(session, sorted(files)))


def _field(declared: DataField, value: Any, words: str, named: Named) -> Row:
    if declared.type == "files":
        value = [_file(named.files[one]) for one in value if one in named.files]
    elif isinstance(value, datetime):
        value = value.isoformat()
    return {
        "name": declared.name,
        "label": declared.label,
        "type": declared.type,
        "value": value,
        "text": words,
    }


def _file(file: Any) -> Row:
    return {"id": file.id, "name": file.name, "kind": file.kind}


def _said(kind: str, value: Any, named: Named) -> str:
    if isinstance(value, list):
        return "、".join(_said(kind, one, named) for one in value)
    match kind:
        case "unit":
            return named.units.get(value, str(value))
        case "files":
            return named.files[value].name if value in named.files else ""
        case "bool":
            return "是" if value else "否"
        case "datetime":
            at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return (at.astimezone(BEIJING) if at.tzinfo else at).strftime("%Y-%m-%d %H:%M")
        case "point":
            return f"{value['lng']}，{value['lat']}"
        case _:
            return str(value)
