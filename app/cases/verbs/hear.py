"""What comes for a case that was merged into another one: both hear of it, and nobody is moved."""

from typing import Any

from app.cases.commands.merging import Hear, HearOf
from app.cases.motion import Motion
from app.cases.verbs.note import put_down


def hear(motion: Motion, command: Hear) -> None:
    """The case that joined keeps what came as its data; the one it joined gets a note of it."""
    if command.passed:
        motion.tell("message.passed", message=command.message, to=command.to)
        return
    motion.write(command.values)
    motion.tell("message.received", message=command.message, ref=None, receipt=command.receipt)
    motion.ask(HearOf(command.to, motion.case["id"], _said(motion, command)))


def hear_of(motion: Motion, command: HearOf) -> None:
    put_down(motion, command.text, "note")


def _said(motion: Motion, command: Hear) -> str:
    case = motion.case
    which = case["number"] + (f"，来源编号 {case['external_no']}" if case["external_no"] else "")
    declared = motion.bundle.process.data
    open_ = {name: value for name, value in command.values.items() if not declared[name].secret}
    said = "；".join(f"{declared[name].label}：{_word(value)}" for name, value in open_.items())
    return f"并入本件的办件（{which}）收到消息“{command.message}”{'：' if said else ''}{said}。"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)
