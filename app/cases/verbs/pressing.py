"""What a request does to its case merely by being asked, and when it is over: 督办 and 催办 press it."""

from collections.abc import Mapping
from typing import Any

from app.cases.motion import Motion
from app.cases.sync import set_dues
from app.cases.verbs import guard, urge

REASON = "request_reason"
"""The field of a start form that says why; lists and the case's timeline show it."""
PRESSING = 90
"""The priority that a supervised case has at least, also after the supervision was lifted."""


class Effect:
    """Nothing, which is what most kinds do: what was asked for is done when it is granted."""

    def before(self, motion: Motion, answers: Mapping[str, Any]) -> None:
        """Before the request is begun."""

    def begun(self, motion: Motion, child: Motion) -> None:
        """Once it is there."""

    def over(self, motion: Motion) -> None:
        """When it has ended, whatever became of it."""


class Supervision(Effect):
    """The case lies before all others, with 领导批示, until the supervision is lifted."""

    def before(self, motion: Motion, answers: Mapping[str, Any]) -> None:
        motion.case.update(supervised=True, priority=max(motion.case["priority"], PRESSING))
        motion.ask_limits()
        set_dues(motion)

    def begun(self, motion: Motion, child: Motion) -> None:
        asked = child.changes.inserts["case_requests"][0]
        child.case["supervised"] = True
        priority = motion.case["priority"]
        motion.tell("case.supervised", unit=asked["unit"], priority=priority, demand=asked["reason"])

    def over(self, motion: Motion) -> None:
        motion.case["supervised"] = False
        set_dues(motion)


class Urging(Effect):
    """It counts as an urging: earlier in every list, and not too often."""

    def before(self, motion: Motion, answers: Mapping[str, Any]) -> None:
        urge.press(motion, guard.noted(str(answers.get(REASON) or ""), "催什么"))


EFFECTS: Mapping[str, Effect] = {"supervise": Supervision(), "urge": Urging()}
