"""Advisers: each proposes what a field of a form may hold, says why, and changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.bundles.choices import ANY_CATEGORY, CategoryQuery
from app.bundles.forms import FormField
from app.cases.motion import RowLookups
from app.categories.suggesting import suggest

READ = ("title", "content")
"""The names whose text is read; numbers of people are covered in it already."""


@dataclass(frozen=True)
class Asked:
    """What an adviser is given: the field, what the case holds before anything is answered, the world."""

    lookups: RowLookups
    field: FormField
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Suggestion:
    """A value that the field takes, what it is called, and what speaks for it."""

    value: str
    label: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Adviser:
    """What it does, in Chinese, and the types of fields that it can speak of."""

    says: str
    types: tuple[str, ...]
    advise: Callable[[Asked], Suggestion | None]


def classify(asked: Asked) -> Suggestion | None:
    """The category that most of the words speak for, if this field may hold it."""
    table = asked.field.data.table
    found = suggest(asked.lookups.category_table(table), text_of(asked.data), asked.lookups.now)
    if found is None:
        return None
    fact = asked.lookups.categories(table, (found.code,))[found.code]
    query = asked.field.choices if isinstance(asked.field.choices, CategoryQuery) else ANY_CATEGORY
    return Suggestion(found.code, fact.name, found.words) if query.why_not(fact, asked.data) is None else None


def text_of(data: Mapping[str, Any]) -> str:
    """What a case says of itself."""
    return "\n".join(str(data.get(name) or "") for name in READ)


ADVISERS: Mapping[str, Adviser] = MappingProxyType(
    {"classify": Adviser("按标题和诉求内容里的词，从分类表推荐分类", ("category",), classify)}
)
"""Every adviser by the name that a form calls it. A name is never given to another one."""
