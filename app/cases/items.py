"""What is filled in once for each item of what is done by several (`per: item`): rows, read as lists."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from app.cases.models import case_items
from app.cases.motion import Motion, Row

_OF_ROUND = (
    select(case_items.c.name, case_items.c.round, case_items.c.place, case_items.c.value)
    .where(case_items.c.case_id == bindparam("case"))
    .order_by(case_items.c.name, case_items.c.round, case_items.c.place)
)


def split(motion: Motion, task: Row, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Keeps what belongs to the task's item alone; returns the rest, which is the case's.

    A name `per: item` outside a step of several is its only item's.
    """
    declared = motion.bundle.process.data
    own = {name: value for name, value in answers.items() if declared[name].per_item}
    # Inside a repeated sub-process every item counts its own rounds of a step. What items have in common is
    # the whole: the one that opens later has the higher number, and no less than its round.
    number = int(task["whole"], 36) if task["whole"] is not None else task["round"]
    for name, value in own.items():
        row = {
            "case_id": motion.case["id"],
            "name": name,
            "round": number,
            "place": task["place"] or 0,
            "item": task["item"],
            "value": value,
        }
        motion.changes.update("case_items", f"{name}|{number}|{row['place']}", row)
    return {name: value for name, value in answers.items() if name not in own}


class Seen(Mapping[str, Any]):
    """The case's values beside its lists `per: item`, which are read once one of them is asked for."""

    def __init__(self, motion: Motion, values: Mapping[str, Any]) -> None:
        self._motion, self._values = motion, values
        self._names = {name for name, field in motion.bundle.process.data.items() if field.per_item}

    def __getitem__(self, name: str) -> Any:
        return lists_of(self._motion)[name] if name in self._names else self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._values, **dict.fromkeys(self._names)})

    def __len__(self) -> int:
        return len({*self._values, *self._names})


def lists_of(motion: Motion) -> dict[str, list[Any]]:
    """Each name `per: item` as the list of its last round, in the order of the items; [] before the first."""
    names = [name for name, field in motion.bundle.process.data.items() if field.per_item]
    if not names:
        return {}
    if "items" not in motion.asked:
        rows = motion.session.execute(_OF_ROUND, {"case": motion.case["id"]}).mappings()
        motion.asked["items"] = [dict(row) for row in rows]
    rounds: dict[str, dict[int, dict[int, Any]]] = {name: {} for name in names}
    for row in [*motion.asked["items"], *motion.changes.updates["case_items"].values()]:
        rounds.setdefault(row["name"], {}).setdefault(row["round"], {})[row["place"]] = row["value"]
    return {
        name: [value for _, value in sorted(found[max(found)].items())] if found else []
        for name, found in rounds.items()
    }
