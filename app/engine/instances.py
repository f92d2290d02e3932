"""Steps that several people act on, side by side or one after the other: one row stands for all of them.

The row keeps besides its round `r`: `list` the items as they were when the step opened, `open` who may act
now as [ref, place in the list], `turn` the places that come later (one after the other only), `votes` what
was said as [place, outcome] in signer order, and `order` that order where somebody was added before or after
another. Somebody who was taken off the list is in none of them. So a step of 200 signers is one row, and
nothing needs a callback.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from app.engine.errors import FuseBlown, ListRefused, NotOpen, TooMany
from app.engine.nodes import UserTask
from app.engine.shape import Net, Row
from app.engine.votes import MOST_INSTANCES, PASSED, REJECTED, UNDECIDED, Tally, verdict

if TYPE_CHECKING:
    from app.engine.expressions import Expression
    from app.engine.version import Many

SCALARS = (str, int, float)  # a bool is an int
PLACES = ("beside", "before", "after")


class Beside(Mapping[str, Any]):
    """The case's data with a few names more, which come first."""

    def __init__(self, data: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        self.data, self.more = data, more

    def __getitem__(self, name: str) -> Any:
        return self.more[name] if name in self.more else self.data[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The name's value, of the few first."""
        return self.more[name] if name in self.more else self.data.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter({**self.data, **self.more})

    def __len__(self) -> int:
        return len({**self.data, **self.more})


class ManyTask(UserTask):
    """A user task drawn as multi-instance. It is left when its vote or its condition says so."""

    has_signers = True

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Open, with a list and at least one signer who may act."""
        return super().may_rest(state, kept) and is_whole(kept, self._many.sequential)

    @property
    def _many(self) -> "Many":
        many = self.step.many
        assert many is not None
        return many

    def _on_ready(self, my_task: Row) -> None:
        super()._on_ready(my_task)
        net: Net = my_task.workflow
        kept = my_task.internal_data
        value = partial(net.view.value_for, row=my_task)
        kept["list"] = items_of(self._many, self.step.id, self.step.name, value)
        places = list(range(len(kept["list"])))
        now = places[:1] if self._many.sequential else places
        kept["open"] = [[net.next_number(), place] for place in now]
        kept["votes"] = []
        if self._many.sequential:
            kept["turn"] = places[1:]
        if places:
            self._tell(my_task, UNDECIDED)
        else:
            self._tell(my_task, PASSED)
            net.agenda.append(my_task)

    def waits_for(self, my_task: Row, number: int) -> bool:
        """Whether the signer of this number may act now."""
        return any(entry[0] == number for entry in my_task.internal_data["open"])

    def act(self, my_task: Row, number: int, outcome: str) -> None:
        """One signer has voted; maybe the step is over, maybe the next one's turn has come."""
        kept = my_task.internal_data
        place = self._take(kept, number)
        kept["votes"].append([place, outcome])
        order = kept.get("order")
        kept["votes"].sort(key=None if order is None else lambda vote: order.index(vote[0]))
        my_task.workflow.trace.vote(my_task, number, place, outcome)
        self._look(my_task)

    def add(self, my_task: Row, number: int, item: Any, where: str) -> None:
        """One more signer: beside this one, before or after it. Raises TooMany, ListRefused.

        Side by side everybody may act at once, and `where` is only the place in the list. One after the
        other, `before` takes this signer's task back: it comes again, under a new ref, after the added one.
        """
        if where not in PLACES:
            raise ValueError(where)
        kept = my_task.internal_data
        if tally_of(kept).total >= MOST_INSTANCES:
            raise TooMany(f"（最多 {MOST_INSTANCES} 人）", element=self.name)
        if item is not None or self._many.collection is not None:
            _check_item(item, self.step.id, self.step.name)
        place = len(kept["list"])
        kept["list"].append(item)
        entry = next(each for each in kept["open"] if each[0] == number)
        if where != "beside":
            order = kept.setdefault("order", list(range(place)))
            order.insert(order.index(entry[1]) + (where == "after"), place)
        elif "order" in kept:
            kept["order"].append(place)
        if self._many.sequential and where == "after":
            kept["turn"].insert(0, place)
        else:
            kept["open"].append([my_task.workflow.next_number(), place])
            if self._many.sequential and where == "before":
                kept["turn"].insert(0, self._take(kept, number))
        self._tell(my_task, None)

    def reopen(self, my_task: Row, place: int) -> None:
        """The signer at this place may act again. Raises NotOpen when he has not voted."""
        kept = my_task.internal_data
        vote = next((each for each in kept["votes"] if each[0] == place), None)
        if vote is None:
            raise NotOpen("（这一位还没有表态）", element=self.name)
        kept["votes"].remove(vote)
        kept["open"].append([my_task.workflow.next_number(), place])
        self._tell(my_task, None)

    def drop(self, my_task: Row, number: int) -> None:
        """One signer less; what he might have said is not waited for."""
        self._take(my_task.internal_data, number)
        self._look(my_task)

    @staticmethod
    def signers(my_task: Row) -> list[tuple[int, Any]]:
        """Who is on the list, in the order of signing; who was taken off it is not."""
        kept = my_task.internal_data
        order = kept.get("order") or range(len(kept["list"]))
        there = {place for place, _ in kept["votes"]} | {place for _, place in kept["open"]}
        there |= set(kept.get("turn", ()))
        return [(place, kept["list"][place]) for place in order if place in there]

    @staticmethod
    def _take(kept: dict[str, Any], number: int) -> int:
        entry = next(each for each in kept["open"] if each[0] == number)
        kept["open"].remove(entry)
        place: int = entry[1]
        return place

    def _look(self, my_task: Row) -> None:
        kept = my_task.internal_data
        result = self._result(my_task)
        if result is not None:
            self._tell(my_task, result)
            my_task.run()
            return
        if not kept["open"]:
            kept["open"].append([my_task.workflow.next_number(), kept["turn"].pop(0)])
        self._tell(my_task, None)

    def _result(self, my_task: Row) -> str | None:
        tally = tally_of(my_task.internal_data)
        if not tally.total:
            return UNDECIDED  # everybody was taken off: nobody has said anything
        condition = self._many.condition
        if condition is None:
            return verdict(self._many.vote, tally)
        if tally.done and self._holds(my_task, condition, tally):
            return PASSED
        return None if tally.left else REJECTED

    def _holds(self, my_task: Row, condition: "Expression", tally: Tally) -> bool:
        view = my_task.workflow.view
        here = [tally.total, tally.votes]
        own = counters(lambda step: here if step is None else view.count_of(step))
        return bool(view.value_at(condition, my_task, tally.counters(), own))

    def _tell(self, my_task: Row, result: str | None) -> None:
        """Keeps the counts, and the result where there is news, for whatever asks for them."""
        net: Net = my_task.workflow
        tally = tally_of(my_task.internal_data)
        net.tallies[my_task.within + self.name] = [tally.total, dict(tally.votes)]
        if result is not None:
            net.outcomes[my_task.within + self.name] = my_task.outcome = result


def counters(counted: "Callable[[str | None], Sequence[Any] | None]") -> dict[str, Callable[..., Any]]:
    """votes, share, total and done, over [total, {outcome: n}] of a step; of an unknown step nothing."""

    def told(step: str | None) -> Sequence[Any]:
        return counted(step) or (0, {})

    def votes(outcome: str, step: str | None = None) -> int:
        found: int = told(step)[1].get(outcome, 0)
        return found

    def share(outcome: str, step: str | None = None) -> float:
        total = told(step)[0]
        return votes(outcome, step) / total if total else 0.0

    return {
        "votes": votes,
        "share": share,
        "total": lambda step: told(step)[0],
        "done": lambda step: sum(told(step)[1].values()),
    }


def items_of(many: "Many", element: str, name: str | None, value: "Callable[[Expression], Any]") -> list[Any]:
    """The list a step is opened for: empty entries left out, a list nobody filled in is empty.

    Raises ListRefused (no list, not of texts and numbers, no count), FuseBlown(instances) above 200.
    """
    if many.collection is None:
        count = many.cardinality
        if not isinstance(count, int):
            assert count is not None
            count = value(count)
        if type(count) is not int or count < 0:
            raise ListRefused(f"“{name or element}”的人数须是不小于 0 的整数。", element=element)
        if count > MOST_INSTANCES:
            raise FuseBlown("instances", element)
        return [None] * count
    said = value(many.collection)
    if said is None:
        return []
    if not isinstance(said, list | tuple):
        kind = type(said).__name__
        raise ListRefused(f"“{name or element}”需要一个列表，得到的是 {kind}。", element=element)
    items = [item for item in said if item is not None]
    if len(items) > MOST_INSTANCES:
        raise FuseBlown("instances", element)
    for item in items:
        _check_item(item, element, name)
    return items


def _check_item(item: Any, element: str, name: str | None) -> None:
    if type(item) is not bool and type(item) not in SCALARS:
        kind = type(item).__name__
        raise ListRefused(f"“{name or element}”的名单每一项须是文字或数字，不能是 {kind}。", element=element)


def tally_of(kept: Mapping[str, Any]) -> Tally:
    """The counts of a step with signers."""
    votes: dict[str, int] = {}
    for _, outcome in kept["votes"]:
        votes[outcome] = votes.get(outcome, 0) + 1
    waiting = len(kept["open"])
    return Tally(len(kept["votes"]) + waiting + len(kept.get("turn", ())), votes, waiting)


def is_whole(kept: dict[str, Any], sequential: bool, alone: bool = True) -> bool:
    """Whether a loaded row could have been written like this; `alone`: it says itself who may act now."""
    known, waiting, votes, turn = (kept.get(key, []) for key in ("list", "open", "votes", "turn"))
    if not all(type(each) is list for each in (known, waiting, votes, turn)) or not known:
        return False
    if bool(waiting) is not alone:
        return False
    if ("turn" in kept) is not sequential or any(type(said) is not str for _, said in votes):
        return False
    places = [place for _, place in waiting] + [place for place, _ in votes] + turn
    order = kept.get("order", places)
    return (
        all(type(place) is int and 0 <= place < len(known) for place in places)
        and len(set(places)) == len(places) <= MOST_INSTANCES
        and ("order" not in kept or sorted(order) == list(range(len(known))))
    )
