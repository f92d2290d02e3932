"""What a past case tells of itself: its steps, and what its data were at each, as far as that was kept."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from app.bundles import Bundle
from app.bundles.sla import PER_START, SAID
from app.cases.motion import RESERVED, Row, expression_data
from app.clocks.replay import UNDONE, Act

_NOT_KEPT = object()
_BACK = ("task.returned", "task.withdrawn")


class Past:
    """`chain` are the rows of its audit chain, oldest first; `answers` what was answered, by task.

    A value is known where a task or a correction wrote it; the last one written is what the case has now.
    """

    def __init__(
        self,
        bundle: Bundle,
        case: Row,
        chain: Sequence[Row],
        answers: Mapping[str, Mapping[str, Any]],
        begun: Mapping[str, Any],
        *,
        begun_empty: bool = False,
    ) -> None:
        """`begun` are values that it is known to have begun with. Of the others `begun_empty` says that what
        was filled in later had no value at first; else it had what it had next."""
        self.bundle, self.case, self._answers, self._begun_empty = bundle, case, answers, begun_empty
        self._now = expression_data(bundle, case)
        self._writes: dict[str, list[tuple[int, Any]]] = {"round": [(-1, 0)]}
        acts, count = [], 0
        filled = self._filled(chain)
        for name in self._begun if filled >= 0 else begun:
            self._writes.setdefault(name, []).append((filled, begun.get(name, _NOT_KEPT)))
        self._begun_empty |= filled >= 0
        for row in chain:
            events = list(enumerate(orjson.loads(row["events"]), count))
            acts.append((row["at"], events))
            count += len(events)
            for at, event in events:
                for name, value in self._written(event):
                    self._writes.setdefault(name, []).append((at, value))
        for name, writes in self._writes.items():
            if writes[-1][1] is _NOT_KEPT:
                writes[-1] = (writes[-1][0], self._now.get(name))
        self.acts = [Act(at, list(self._with_said(events)), self._wrote(events)) for at, events in acts]

    def _filled(self, chain: Sequence[Row]) -> int:
        """The place of the event at which a case that another one filed was filled in; -1 for any other."""
        first = orjson.loads(chain[0]["events"]) if chain and self.case["filed_from"] is not None else []
        return next((at for at, event in enumerate(first) if event["name"] == "case.linked"), -1)

    def values(self, at: int) -> Mapping[str, Any]:
        """Every name with its value at an event; where that was not kept, what it was next."""
        return {**self._now, **{name: self._at(name, at) for name in self._writes}}

    def unsure(self, names: frozenset[str]) -> list[str]:
        """Those of these names, as people call them, whose values were not kept for every step."""
        data = self.bundle.process.data
        return [data[name].label if name in data else name for name in sorted(names) if self._unsure(name)]

    def _unsure(self, name: str) -> bool:
        writes = self._writes.get(name, [])
        if name in self._silent and self._now.get(name) is not None:
            return True
        if not writes:
            return False
        known = all(value is not _NOT_KEPT for _, value in writes)
        same = len({repr(value) for _, value in writes}) == 1
        first = name not in self._begun or same or writes[0][0] < 0
        return not (known and first and writes[-1][1] == self._now.get(name))

    def _at(self, name: str, at: int) -> Any:
        writes = self._writes[name]
        before = [value for place, value in writes if place <= at]
        if before and before[-1] is not _NOT_KEPT:
            return before[-1]
        if not before and (name not in self._begun or self._begun_empty):
            return None
        return next(value for place, value in writes if place > at and value is not _NOT_KEPT)

    @cached_property
    def _begun(self) -> frozenset[str]:
        """The names that a case may have from its beginning: whose first value was overwritten, if it was."""
        engine, messages = self.bundle.engine, self.bundle.messages
        form = self.bundle.forms.get(engine.start_form or "")
        asked = {field.name for field in form.fields} if form is not None else set()
        told = (messages[name] for name in engine.start_messages.values() if name in messages)
        return frozenset(asked.union(RESERVED, *({*each.data, *each.fixed} for each in told)))

    @cached_property
    def _silent(self) -> frozenset[str]:
        """The names that a service task fills: when, nobody wrote down."""
        services = self.bundle.drawn.services.values()
        return frozenset(name for service in services for _, name in service.outputs)

    def _wrote(self, events: Sequence[tuple[int, Mapping[str, Any]]]) -> frozenset[str]:
        places = {at for at, _ in events}
        return frozenset(
            name for name, writes in self._writes.items() if any(at in places for at, _ in writes)
        )

    def _with_said(
        self, events: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The events, with what clocks alone hear, just before it is told: that a name was said to be so, and
        which milestones a return went back behind, as far as a clock hung on them."""
        went_back = any(event["name"] in _BACK and "reason" in event for _, event in events)
        for at, event in events:
            if went_back and (milestone := self._undone(event)) is not None:
                yield at, {"name": UNDONE, "milestones": [milestone]}
            for name, _ in self._written(event):
                if self._at(name, at) is True:
                    yield at, {"name": SAID, "field": name}
            yield at, event
            if event["name"] == "case.received":
                values = self.values(at)
                for name in sorted(self._begun):
                    if values.get(name) is True:
                        yield at, {"name": SAID, "field": name}

    def _undone(self, event: Mapping[str, Any]) -> str | None:
        clock = self.bundle.sla.clocks.get(event.get("clock", ""))
        if clock is None:
            return None
        if event["name"] == "clock.resumed" and "reason" not in event:
            return clock.stop
        return clock.start if event["name"] == "clock.stopped" and clock.per == PER_START else None

    def _written(self, event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Each name that an event tells was written, with its value; _NOT_KEPT where nothing says it."""
        declared = self.bundle.process.data
        match event["name"]:
            case "task.done":
                for name, value in self._answers.get(event["task"], {}).items():
                    if name in declared and not declared[name].per_item:
                        yield name, value
            case "case.amended":
                for label, _, value in event["changed"]:
                    yield from ((name, value) for name in self._labelled(label))
            case "case.marked":
                yield from ((name, event["on"]) for name in self._labelled(event["called"]))
            case "table.decided":
                yield from self._decided(event)
            case "message.received" if (message := self.bundle.messages.get(event["message"])) is not None:
                yield from (
                    (name, message.fixed.get(name, _NOT_KEPT)) for name in (*message.data, *message.fixed)
                )
            case "case.redone":
                yield "round", event["round"]
            case "case.reopened":
                yield "round", _NOT_KEPT
            case "case.prioritised" | "case.urged" | "case.supervised" if "priority" in event:
                yield "priority", event["priority"]

    def _labelled(self, label: str) -> list[str]:
        return [name for name, field in self.bundle.process.data.items() if field.label == label]

    def _decided(self, event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """What a business rule task filled in: as its rule says, where one decided and says it outright."""
        place = event["element"]
        part = self.bundle.part(place)
        rule = part.engine.rules.get(place.rpartition("/")[2])
        table = part.tables.tables.get(rule.decision) if rule is not None else None
        if rule is None or table is None:
            return
        hits = [hit["number"] for hit in event["rules"] if hit["table"] == rule.decision]
        row = table.outputs[hits[0] - 1] if len(hits) == 1 else ()
        said = [_NOT_KEPT if cell.expression is not None else cell.value for cell in row]
        if rule.variable is not None:
            yield rule.variable, said[0] if len(said) == 1 else _NOT_KEPT
        else:
            for column, result in enumerate(table.results):
                yield result.name, said[column] if said else _NOT_KEPT
