"""What a process wants to hear of a case that it filed: something files it, and what is asked is told."""

from collections.abc import Iterator

from app.bundles.bundle import Bundle
from app.bundles.files import MESSAGES
from app.bundles.keys import finding, nearest
from app.bundles.messages import ASKED, Message
from app.bundles.yaml_file import read_yaml
from app.cases.feeding import NAME
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.processes.callees import Callees
from app.processes.feeding import types_fit
from app.processes.services import Call, calls

TOLD = "filed-message"
TELLS = ("number", "title", "process", "status", "public", "state", "reason")
"""What a filed case tells of itself as `$.name`; what it holds is asked for as `$.data.name`."""


def check(bundle: Bundle, diagram: Diagram, callees: Callees) -> Iterator[Finding]:
    """Findings about every message that comes from a process of the house."""
    told = [message for message in bundle.messages.values() if message.of_process]
    if not told:
        return
    doc, filed = read_yaml(MESSAGES, bundle.files.files[MESSAGES]), list(calls(diagram, NAME))
    for message in told:
        target = callees.find(message.of_process)
        other = target.bundle if target is not None else None
        wrong = [_wrong_source(message, filed)]
        wrong += [_wrong_name(message, name, bundle, other) for name in message.data]
        for key, zh in (each for each in wrong if each is not None):
            line = doc.line((message.name, *key))
            en = f'"{message.name}" does not fit what is filed ({".".join(key)}).'
            yield finding("error", TOLD, MESSAGES, line, f"“{message.name}”{zh}", en)


def _wrong_source(message: Message, filed: list[Call]) -> tuple[tuple[str, ...], str] | None:
    """Whether the diagram files such a case, and keeps its number under the key."""
    steps = [filing for filing in filed if filing.key == message.of_process]
    if not steps:
        known = nearest(message.of_process, sorted({filing.key for filing in filed}))
        zh = f"由流程 {message.of_process} 的一件告诉，图中没有环节登记它（cases.file）；登记的有{known}。"
        return ("from",), zh
    kept = sorted({filing.outputs.get("number", "") for filing in steps} - {""})
    if message.key not in kept:
        have = nearest(message.key, kept) if kept else "（登记的环节没有输出 number）"
        return ("key",), f"的 key“{message.key}”不是登记的那一件的编号；有{have}。"
    return None


def _wrong_name(
    message: Message, own: str, bundle: Bundle, other: Bundle | None
) -> tuple[tuple[str, ...], str] | None:
    """Whether the other case tells what one of our names asks for. An unknown process is told elsewhere."""
    path, here = message.data[own].removeprefix("$."), ("data", own)
    if own not in message.asks:
        have = "、".join(f"$.{each}" for each in TELLS)
        return None if path in TELLS else (here, f"的“$.{path}”没有；有 {have}，或 $.{ASKED}名字。")
    if other is None:
        return None
    called, asked = f"“{other.process.name}”", message.asks[own]
    of, to = other.process.data.get(asked), bundle.process.data.get(own)
    if of is None:
        return here, f"的“$.{path}”：{called}没有“{asked}”；有{nearest(asked, list(other.process.data))}。"
    if of.secret or of.per_item or of.type == "files":
        return here, f"的“$.{path}”：“{of.label}”是加密保存的、各填各的或是附件，不能这样带来。"
    why = types_fit(of, to) if to is not None else None
    return (here, f"的“$.{path}”：{why}") if why else None
