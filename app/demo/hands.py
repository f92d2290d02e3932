"""The hands of the demo's people, who file, claim, complete and take pictures, and of systems that send."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import select

from app import bundles
from app.bundles.choices import UnitQuery
from app.cases import filing, tasks
from app.cases.advance import advance
from app.cases.attachments import service as attachments
from app.cases.attachments import shelf
from app.cases.commands import Deliver, NewCase
from app.cases.errors import AlreadyFiled, NotAwaited
from app.cases.models import cases
from app.cases.models import tasks as task_rows
from app.cases.schemas import NewCaseIn
from app.core import clock
from app.core.config import settings
from app.core.db import reading
from app.core.errors import Problem
from app.demo import habits, pictures
from app.demo.chance import chance
from app.demo.crew import crew
from app.demo.habits import Pen
from app.engine.version import Step
from app.exchange import work_orders
from app.identity.actor import SYSTEM, Actor

PROCESS = "work_order_12345"
ATTEMPTS = 6
ORIGIN = "origin"

Row = Mapping[str, Any]


@dataclass
class Filled:
    """What was done. `left` says why steps stayed undone, with how often."""

    filed: int = 0
    acts: int = 0
    left: Counter[str] = field(default_factory=Counter)


class Hands:
    """Acts for `by` (who files) and for everybody in service, on these orders."""

    def __init__(self, by: Actor, rows: Iterable[Row], *, photos: bool = True) -> None:
        self.by = by
        self.photos = photos and settings().files is not None  # else there is no place for files
        self.orders = {str(row["externalNo"]): row for row in rows}
        self.crew = crew()
        self.filled = Filled()

    def file(self, row: Row) -> None:
        bundle = filing.current(PROCESS)
        form = bundle.forms.get(bundle.engine.start_form or "")
        body, _ = work_orders.body(work_orders.flat(row), PROCESS, form)
        asked = next((f for f in form.fields if f.name == ORIGIN), None) if form is not None else None
        if asked is not None:
            body["answers"][ORIGIN] = habits.origin(asked.data.options, chance(row["externalNo"], ORIGIN))
        with self._tried("登记"):
            try:
                filing.file_case(self.by, NewCase(**NewCaseIn().load(body)))
            except AlreadyFiled:
                return
            self.filled.filed += 1

    def claim(self, task_id: str, who: str) -> None:
        row = self._open(task_id)
        if row is not None and row["assignee_id"] is None:
            with self._tried(row["name"]):
                tasks.claim(self.crew.actor(who), task_id)

    def complete(self, task_id: str, who: str, dice: Random, chosen: str | None = None) -> None:
        """As somebody would; `chosen` is the outcome where it is no matter of chance."""
        row = self._open(task_id)
        if row is None:
            return
        bundle = bundles.get(row["version_id"])
        step = bundle.step(row["step"])
        actor = self.crew.actor(row["assignee_id"] or who)
        names = [each.name for each in step.outcomes]
        chosen = chosen or habits.outcome(names, dice)
        if bundle.process.attachments and chosen == names[0]:
            self._photograph(row, actor, dice)
        with self._tried(row["name"]):
            try:
                self._say(row, step, actor, chosen, dice)
            except Problem:
                if chosen == names[0]:
                    raise
                self._say(row, step, actor, names[0], dice)  # what may not be turned down is done

    def _say(self, row: Row, step: Step, actor: Actor, chosen: str, dice: Random) -> None:
        """Completes with an outcome, mending what the form refuses and confirming what is only asked."""
        bundle = bundles.get(row["version_id"])
        form = bundle.forms[step.form] if step.form else None
        demanded = any(each.name == chosen and each.demands_opinion for each in step.outcomes)
        opinion = habits.opinion(dice) if demanded else None
        pen = self._pen(row, dice, refusing=chosen != step.outcomes[0].name)
        answers = pen.first(form) if form is not None else {}
        confirm: set[str] = set()
        for attempt in range(ATTEMPTS):
            try:
                tasks.complete(
                    actor, row["id"], chosen, answers, opinion, row["revision"], confirm=sorted(confirm)
                )
                return
            except Problem as problem:
                asked = {each.code for each in problem.errors if each.pointer == "/confirm"} - confirm
                errors = [(each.pointer.rsplit("/", 1)[-1], each.code) for each in problem.errors]
                confirm |= asked
                mended = bool(asked) or (form is not None and pen.mend(form, answers, errors))
                if not mended or attempt == ATTEMPTS - 1:
                    raise

    def _photograph(self, row: Row, actor: Actor, dice: Random) -> None:
        """A drawn picture for the file."""
        if not self.photos or "share" not in habits.habit(row["name"]) or not habits.takes_photo(dice):
            return
        with suppress(Problem), shelf.drafts() as drafts:
            draft = drafts.new()
            draft.write_bytes(pictures.drawn(dice))
            taken = attachments.take(draft, "现场照片.png", drafts)
            attachments.attach(actor, row["case_id"], row["id"], taken)

    def deliver(self, wait: Row, dice: Random) -> None:
        bundle = bundles.get(wait["version_id"])
        message = bundle.messages.get(wait["name"])
        pen = self._pen(wait, dice)
        names = message.data if message is not None else ()
        values = {name: pen.value(bundle.process.data[name]) for name in names}
        with self._tried(wait["name"]), suppress(NotAwaited):  # it went on without it
            advance(Deliver(wait["case_id"], wait["ref"], values), SYSTEM)

    def _pen(self, row: Row, dice: Random, *, refusing: bool = False) -> Pen:
        with reading() as session:
            now = clock.now(session)
        return Pen(self.orders[row["external_no"]], self._units, now, dice, refusing)

    def _units(self, query: UnitQuery | None) -> list[tuple[str, str]]:
        return list(self.crew.units(query))

    @contextmanager
    def _tried(self, what: str) -> Iterator[None]:
        """One refused act is told at the end; it stops nothing. What is wrong with the database does."""
        try:
            yield
            self.filled.acts += 1
        except Problem as problem:
            if problem.status >= 500:
                raise
            self.filled.left[f"“{what}”：{problem.detail or problem.title}"] += 1

    def _open(self, task_id: str) -> Row | None:
        """The task as it is now, unless somebody or a timer ended it meanwhile."""
        with reading() as session:
            root = cases.alias("root")
            query = (
                select(task_rows, root.c.external_no, cases.c.version_id)
                .join(cases, cases.c.id == task_rows.c.case_id)
                .join(root, root.c.id == cases.c.root_id)
                .where(task_rows.c.id == task_id, task_rows.c.state.in_(("open", "claimed")))
            )
            row = session.execute(query).mappings().one_or_none()
        return dict(row) if row is not None else None
