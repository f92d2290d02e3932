"""先看看: what an act would do to its cases, told before it is taken back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.cases.motion import Motion, Row
from app.cases.sentences import sentence
from app.core.events import Event
from app.core.http.fields import out

OPEN = ("open", "claimed")
TYPED = {"note": "（您填写的内容）", "other": "另一件办件"}
"""What stands for words that the chain only seals, or that the timeline looks up when it is read."""


def told(motions: Sequence[Motion], asked: Collection[str]) -> list[dict[str, Any]]:
    """The cases with the ids `asked`, and those that would be born; others of the tree are not told, for who
    tries need not see them."""
    return [_told(motion) for motion in motions if motion.new or motion.case["id"] in asked]


def _told(motion: Motion) -> dict[str, Any]:
    board = motion.board
    touched = {**motion.changes.updates["tasks"], **{task["id"]: task for task in motion.opened}}
    return {
        "case": None if motion.new else motion.case["id"],
        "number": motion.case["number"],
        "state": motion.case["state"],
        "status": motion.case["status"],
        "says": [_says(motion, event) for event in motion.events],
        "opens": [_step(task) for task in motion.opened if task["state"] in OPEN],
        "closes": [_step(task) for task in touched.values() if task["state"] not in OPEN],
        "clocks": [
            {
                "name": clock.name,
                "label": motion.bundle.sla.clocks[clock.name].label,
                "state": clock.state,
                "dueAt": out(clock.due_at),
            }
            for clock in {**board.changed_clocks, **board.new_clocks}.values()
            if clock.name in motion.bundle.sla.clocks
        ],
        "prompts": [],
    }


def _says(motion: Motion, event: Event) -> str:
    words = next((said for name, said in TYPED.items() if name in event.data), None)
    data: Mapping[str, Any] = event.data if words is None else {**event.data, "words": words}
    return sentence({"name": event.name, **data}, motion.bundle)


def _step(task: Row) -> dict[str, Any]:
    return {"step": task["step"], "name": task["name"]}
