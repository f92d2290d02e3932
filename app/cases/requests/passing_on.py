"""What is demanded of whoever handles a case (督办, 书面催办, 补充) goes with it to another unit."""

from collections.abc import Sequence
from typing import Any

from app.cases.commands.asking import PassOn
from app.cases.motion import Motion
from app.cases.requests import models
from app.cases.requests.kinds import KINDS
from app.cases.stack import load
from app.cases.sync import lay_out, route_anew, take_away
from app.cases.verbs.stacking import take_back

UNIT = "request_unit"
"""The name that the processes of requests give the unit that handles the case."""


def follow(motion: Motion, requests: Sequence[Any]) -> None:
    """The case has come to a unit: what another one was to answer comes along."""
    unit = motion.case["owner_unit"]
    for each in requests:
        if KINDS[each.kind].follows and each.unit != unit:
            motion.ask(PassOn(each.id, unit))


def pass_on(motion: Motion, command: PassOn) -> None:
    """The request's part: its open steps for the unit lie with the new one, whoever had taken them."""
    motion.case["owner_unit"] = command.unit
    motion.write({UNIT: command.unit})
    models.pass_on(motion.session, motion.case["id"], command.unit)
    theirs = {row["ref"]: row for row in motion.open_tasks() if _for_the_unit(motion, row["step"])}
    for row in theirs.values():
        task = [each for each in load(motion, row) if each["part"] is None][-1]
        take_back(motion, task)
        if task["assignee_id"] is not None:
            motion.change_task(task, state="open", assignee_id=None, claimed_at=None)
            take_away(motion, task)
            lay_out(motion, task)
        route_anew(motion, task)


def _for_the_unit(motion: Motion, step: str) -> bool:
    return any(rule.kind == "unit" and rule.argument == UNIT for rule in motion.bundle.rules_at(step))
