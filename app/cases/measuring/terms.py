"""What a measure is made of: typed SQL terms, and the tables of a case that they read."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, literal_column, select

from app.bundles.bundle import Bundle
from app.bundles.data_fields import DataField
from app.cases.models import case_facts, cases
from app.clocks.models import clocks
from app.core.db import Instant

NOW: Any = bindparam("now", type_=Instant)
"""The instant that every statement with measures in it is asked for."""
BOOL, NUMBER, TEXT, MOMENT, NOTHING = "是否", "数", "文字", "时刻", "空"


class Refused(Exception):
    """统计里算不了的写法。"""

    def __init__(self, zh: str) -> None:
        super().__init__(zh)
        self.zh = zh


@dataclass(frozen=True)
class Term:
    """A value of one case. `options` are the only texts it can be, where they are known."""

    kind: str
    sql: Any
    options: tuple[str, ...] = ()


@dataclass
class Tables:
    """The tables that a report reads beside its own row a case: each is joined once."""

    case_id: ColumnElement[str]
    own: Mapping[str, Any] = field(default_factory=dict)
    """Columns of a case that stand in the report's own row."""
    asked: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """What `once` was asked for: its number and the question."""
    facts: dict[str, Any] = field(default_factory=dict)
    clocks: dict[str, Any] = field(default_factory=dict)
    case: bool = False

    def column(self, name: str) -> Any:
        """A column of the case."""
        if name in self.own:
            return self.own[name]
        self.case = True
        return cases.c[name]

    def fact(self, name: str) -> Any:
        return self.facts.setdefault(name, case_facts.alias(f"fact_{name}")).c

    def clock(self, name: str) -> Any:
        """The instance of a clock that was started last."""
        return self.clocks.setdefault(name, clocks.alias(f"clock_{name}")).c

    def once(self, what: str, made: Any, kind: Any) -> Any:
        """What needs rows of its own (steps, tiers, links): worked out once a case, however often named."""
        number, _ = self.asked.setdefault(what, (len(self.asked), made))
        return literal_column(f"asked.a{number}", kind)

    def joined(self, rows: Any, which: Any) -> Any:
        """The rows with all that is read beside them; `which` are conditions on the rows alone."""
        newest = {name: self.once(f"clock:{name}", self._newest(name), String()) for name in self.clocks}
        if self.asked:
            columns = [made.label(f"a{number}") for number, made in self.asked.values()]
            # offset: else the planner works each of them out again wherever it is named
            worked = select(self.case_id.label("case_id"), *columns).where(*which).offset(0).subquery("asked")
            rows = rows.join(worked, worked.c.case_id == self.case_id)
        if self.case:
            rows = rows.join(cases, cases.c.id == self.case_id)
        for name, fact in self.facts.items():
            rows = rows.outerjoin(fact, and_(fact.c.case_id == self.case_id, fact.c.name == name))
        for name, clock in self.clocks.items():
            rows = rows.outerjoin(clock, clock.c.id == newest[name])
        return rows

    def _newest(self, name: str) -> Any:
        each = clocks.alias(f"each_{name}")
        mine = select(each.c.id).where(each.c.case_id == self.case_id, each.c.name == name)
        return mine.order_by(each.c.started_at.desc(), each.c.id.desc()).limit(1).scalar_subquery()


@dataclass(frozen=True)
class Reading:
    """One process whose measures are being read. `steps` (with their outcomes) and `ends` are those drawn;
    None once it is published: they were looked at before. `beside` are functions that read what rooms above
    keep of a case."""

    bundle: Bundle
    tables: Tables
    steps: Mapping[str, Collection[str]] | None = None
    ends: Collection[str] | None = None
    beside: "Mapping[str, Function]" = field(default_factory=dict)


Function = Callable[[Reading, tuple[str, ...]], Term]
"""What is written as name("…") in a measure."""


def of_fact(declared: DataField, row: Any) -> Term:
    """The value of a fact where `save.py` keeps it."""
    if declared.type in ("int", "decimal"):
        return Term(NUMBER, row.as_number)
    if declared.type in ("date", "datetime"):
        return Term(MOMENT, row.as_instant)
    if declared.type == "bool":
        return Term(BOOL, row.as_text == "true")
    return Term(TEXT, row.as_text, declared.options)
