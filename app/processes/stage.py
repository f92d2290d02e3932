"""What a walk has in its hands: the scenario, its story so far, and the rows of the case it made."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import case, func, or_, select

from app.audit.chain import case_chain
from app.bundles.bundle import Bundle
from app.cases.models import cases as case_rows
from app.cases.models import tasks as task_rows
from app.cases.sentences import sentence
from app.clocks.models import clock_ledger
from app.core import clock
from app.core.clock import BEIJING
from app.core.db import reading
from app.identity import login, org
from app.identity.actor import Actor
from app.identity.models import people
from app.processes.scenario_file import FIRST, Scenario

Row = Mapping[str, Any]


@dataclass
class Story:
    """What a walk did, line by line, and the case it made first."""

    scenario: Scenario
    lines: list[str] = field(default_factory=list)
    case_id: str | None = None


@dataclass
class Walk:
    """One scenario under way; `version` is the published version it must run on.

    `cases` are those it filed, by the names the scenario has for them; `at` is the one a step is about.
    """

    scenario: Scenario
    story: Story
    version: str
    bundle: Bundle
    cases: dict[str, str] = field(default_factory=dict)
    at: str = FIRST

    @property
    def case_id(self) -> str | None:
        return self.cases.get(self.at)

    @contextmanager
    def about(self, name: str) -> Iterator[None]:
        """What happens within is about the case of this name."""
        before, self.at = self.at, name
        try:
            yield
        finally:
            self.at = before

    def actor(self, who: str) -> Actor:
        """Whoever has this name or login. Raises Unmet."""
        with reading() as session:
            query = select(people.c.id).where(or_(people.c.login == who, people.c.name == who))
            person = session.execute(query).scalar()
            if person is None:
                raise Unmet(f"机构里没有“{who}”；请先装入 bpmn/_org.yaml。")
            return login.actor_by_id(session, person)

    def say(self, text: str) -> None:
        """One line of the story, with the walk's own time before it; another case than the first is named."""
        with reading() as session:
            now = clock.now(session).astimezone(BEIJING)
        of = "" if self.at == FIRST else f"〔{self.at}〕"
        self.story.lines.append(f"{now:%m-%d %H:%M}  {of}{text}")


class Unmet(Exception):
    """场景的一步没有如愿。"""


def code_of(code_or_name: Any) -> Any:
    """The code of a unit given by code or name; anything else as it is."""
    with reading() as session:
        unit = org.unit_named(session, str(code_or_name))
    return unit.code if unit is not None else code_or_name


def case_of(walk: Walk) -> Row:
    """The row of the walk's case. Raises Unmet before it was filed."""
    if walk.case_id is None:
        raise Unmet("还没有登记办件。" if walk.at == FIRST else f"还没有登记“{walk.at}”。")
    with reading() as session:
        query = select(case_rows).where(case_rows.c.id == walk.case_id)
        return dict(session.execute(query).mappings().one())


def task_rows_of(walk: Walk) -> list[Row]:
    """Every task row of the case and of what was begun for it, oldest first, with its case's process.

    `where` is the step as scenarios write it: `sign`, or `side_assist/assist` in a case of another process,
    which was begun for this one or filed by it.
    """
    of_walk = (case_rows.c.id == walk.case_id) & (case_rows.c.process_key == walk.bundle.key)
    own = case((of_walk, ""), else_=case_rows.c.process_key + "/")
    with reading() as session:
        query = (
            select(task_rows, case_rows.c.version_id, (own + task_rows.c.step).label("where"))
            .join(case_rows, case_rows.c.id == task_rows.c.case_id)
            .where(or_(task_rows.c.root_id == walk.case_id, task_rows.c.case_id == walk.case_id))
            .order_by(task_rows.c.opened_at, task_rows.c.id)
        )
        return [dict(row) for row in session.execute(query).mappings()]


def last_seq(walk: Walk) -> int:
    """The newest row of the case's chain, 0 before it was filed."""
    with reading() as session:
        query = select(func.max(case_chain.c.seq)).where(case_chain.c.case_id == walk.case_id)
        return session.scalar(query) or 0


def timers_since(walk: Walk, seq: int) -> list[str]:
    """到时：三天提醒 for every timer that fired after a row of the case's chain, as the timeline words it."""
    with reading() as session:
        query = (
            select(case_chain.c.events)
            .where(case_chain.c.case_id == walk.case_id, case_chain.c.seq > seq)
            .order_by(case_chain.c.seq)
        )
        events = [event for row in session.execute(query) for event in orjson.loads(row.events)]
    return [sentence(event, walk.bundle) for event in events if event["name"] == "timer.fired"]


def tiers_reached(walk: Walk) -> list[str]:
    """到档：已超期 for every tier reached so far, in order."""
    with reading() as session:
        query = (
            select(clock_ledger.c.detail)
            .where(clock_ledger.c.case_id == walk.case_id, clock_ledger.c.entry == "tier_reached")
            .order_by(clock_ledger.c.id)
        )
        return [f"到档：{row.detail['label']}" for row in session.execute(query)]
