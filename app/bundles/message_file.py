"""Reads messages.yaml: its keys, and what is wrong with them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from app.bundles import keys, placing
from app.bundles.data_fields import RESERVED, DataField
from app.bundles.forms import Form, FormField
from app.bundles.keys import Any_, Flag, Found, Key, Named, Record, Text
from app.bundles.messages import (
    AT_END,
    AT_STATUS,
    NO_MESSAGES,
    OF_PROCESS,
    Attachments,
    Literal,
    Message,
    Name,
    Part,
)
from app.bundles.placing import read_placing
from app.bundles.yaml_file import Path
from app.engine.expressions import Expression, ExpressionRefused, compile_expression

NAME = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*"
NAME_SAYS = "小写英文名，用点分段，例如 city.callback"

SEVERAL = {"oldest": "等得最久的一件", "all": "每一件", "refuse": "都不给，记一条异常"}
KEYS = {"externalNo": "external_no", "number": "number"}
"""How partners call the two numbers of a case → the reserved name that holds it."""
KEY_TYPES = ("text", "choice", "int", "unit", "person")

ENVELOPE = ("title", "content", "received_at", "place_unit", "priority")
"""Reserved names that a message may bring when it starts a case."""
LATER = ("content",)

FORWARD = "forward"
_PATH = re.compile(r"\$(\.[^.\s$\[\]]{1,60}){1,8}")
_ATTACHMENTS = re.compile(r"attachments\(\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\)")
_QUOTED = re.compile(r'"([^"]*)"')
_SENDER = rf"connector:[a-z][a-z0-9_]{{0,39}}|{OF_PROCESS}[a-z][a-z0-9_]{{1,58}}"
_ONLY = {
    "in": ("key", "starts", "several", "data", "place", "redo", "from", "at", "mirror"),
    "out": ("to", "body", "secret"),
}

_MESSAGE = Record(
    {
        "direction": Key(Text(one_of=("in", "out"), says="方向"), "in 收到的，out 发出的", required=True),
        "label": Key(Text(says="名称", longest=60), "办件经过里显示的名称；不写就显示英文名"),
        "starts": Key(Flag(), "收到时登记一件新的"),
        "key": Key(
            Text(says="名字", longest=60),
            "凭什么找到办件：externalNo 来源编号、number 办件编号，或 data 的名字",
        ),
        "several": Key(
            Text(one_of=tuple(SEVERAL), says="规则"),
            "几件都在等时：" + "、".join(f"{k} {v}" for k, v in SEVERAL.items()) + "（默认 refuse）",
        ),
        "data": Key(
            Named(Text(says="路径，例如 $.caller.name", longest=200)),
            "名字: 在来文里的路径 $.a.b，固定的文字写成 '\"文字\"'",
        ),
        "place": Key(placing.SHAPE, "登记在哪个单位：来文里的编码认得就用，认不得记下来，登记在来文的单位"),
        "from": Key(
            Text(_SENDER, "connector:名称 或 process:流程的键"),
            "in：connector:名称 只有这个对接系统可以发来，不论办件是谁登记的；"
            "process:键 本件登记的那个流程的一件（cases.file）自己告诉；不写就是谁登记的谁发来",
        ),
        "at": Key(
            Text(one_of=(AT_STATUS, AT_END), says="时候"),
            "from 是 process: 时：status 那一件每换一个状态就告诉，end 办结或终止时告诉（默认 end）",
        ),
        "mirror": Key(Flag(), "from 是 process: 时：本件的状态跟着那一件变"),
        "to": Key(Text(r"connector:[a-z][a-z0-9_]{0,39}", "connector:名称"), "发给哪个对接系统"),
        "body": Key(
            Named(Any_(), says="对方的字段名"), "对方的字段名: data 的名字、数字、true、或 '\"文字\"'"
        ),
        "secret": Key(Flag(), "允许正文带加密保存的名字"),
        "merged": Key(
            Text(says="条件", longest=1000),
            "out：条件，已并入另一件的，随那一件答复（没有答复就随它办结）时，条件成立就发，正文取那一件的内容，"
            '例如 origin == "市级派单"；in：写 forward，已并入另一件的，转给也在等这条消息的那一件',
        ),
        "redo": Key(
            Text(says="条件", longest=1000),
            "in：条件，例如 visit_satisfied == False：发给已并入另一件的办件、使条件成立的，"
            "那一件已经办结就重新办理一次（照 process.yaml 的 reopen）",
        ),
    }
)
SHAPE = Named(_MESSAGE, NAME, NAME_SAYS)


def read_messages(found: Found, data: Mapping[str, DataField]) -> Mapping[str, Message]:
    """The messages of a document by name; none when findings say why not. `data` is every declared name."""
    given: Any = found.doc.value
    if not keys.check(SHAPE, given, found):
        return NO_MESSAGES
    read = {
        name: replace(_message(name, one, found, data), label=one.get("label", name))
        for name, one in given.items()
    }
    return NO_MESSAGES if found.failed else MappingProxyType(read)


def _message(name: str, given: Mapping[str, Any], found: Found, data: Mapping[str, DataField]) -> Message:
    direction = given["direction"]
    other = "out" if direction == "in" else "in"
    for key in _ONLY[other]:
        if key in given:
            says = "发出的消息（direction: out）" if other == "out" else "收到的消息（direction: in）"
            found.error(
                "message-key-misplaced",
                (name, key),
                f"“{key}”只用于{says}，“{name}”写的是 {direction}。",
                f'"{key}" is for direction {other}.',
            )
    needed = "key" if direction == "in" else "to"
    if needed not in given:
        zh = (
            "凭什么找到办件，例如 key: externalNo"
            if direction == "in"
            else "发给谁，例如 to: connector:city12345"
        )
        found.error("key-missing", (name,), f"缺少“{needed}”（{zh}）。", f'"{needed}" is missing.')
    if direction == "out":
        secret = given.get("secret", False)
        body = {
            to: _read_part(part, found, (name, "body", to), data)
            for to, part in given.get("body", {}).items()
        }
        for to, part in body.items():
            if isinstance(part, Name) and data[part.name].secret and not secret:
                found.error(
                    "message-secret",
                    (name, "body", to),
                    f"“{part.name}”（{data[part.name].label}）是加密保存的，不能发出；"
                    "确需发给对方时，在这条消息上写 secret: true。",
                    f'"{part.name}" is secret: it may not leave unless the message says secret: true.',
                )
        kept = {to: part for to, part in body.items() if part is not None}
        to = given.get("to", "").removeprefix("connector:")
        merged = _read_merged(given.get("merged"), secret, found, (name, "merged"), data)
        return Message(name, "out", to=to, body=MappingProxyType(kept), secret=secret, merged=merged)
    starts = given.get("starts", False)
    key = _read_key(given.get("key"), starts, found, (name, "key"), data)
    written = given.get("data", {})
    fixed = {each: text[1] for each, path in written.items() if (text := _QUOTED.fullmatch(path.strip()))}
    paths = {each: path for each, path in written.items() if each not in fixed}
    fields = [
        _brought(each, path, starts, found, (name, "data", each), data) for each, path in written.items()
    ]
    place = read_placing(given.get("place"), paths, found, (name, "place"), data)
    if place is not None:
        if not starts:
            zh = f"“place”只用于登记的消息（starts: true），“{name}”不登记。"
            found.error(
                "message-key-misplaced", (name, "place"), zh, '"place" is for messages that start a case.'
            )
        for i, path in enumerate(place.units):
            _path_reads(path, found, (name, "place", "units", i))
        fields += [FormField(data[each]) for each in (placing.UNIT, place.unknown)]
    forward = given.get("merged")
    if forward not in (None, FORWARD):
        zh = f"收到的消息的 merged 只能写 {FORWARD}：转给并入的那一件；不写就记下来，告诉两件。"
        found.error("value-invalid", (name, "merged"), zh, f'"merged" of an incoming message is "{FORWARD}".')
    redo = _condition("redo", given.get("redo"), found, (name, "redo"), data)
    sender = given.get("from", "").removeprefix("connector:")
    of_process = sender.startswith(OF_PROCESS)
    _check_sender(of_process, name, given, found)
    form = Form(name, name, tuple(each for each in fields if each is not None))
    return Message(
        name,
        "in",
        starts,
        key,
        given.get("several", "refuse"),
        MappingProxyType(paths),
        MappingProxyType(fixed),
        place,
        secret=given.get("secret", False),
        forward=forward == FORWARD,
        redo=redo,
        sender=sender,
        at=given.get("at", AT_END) if of_process else "",
        mirror=given.get("mirror", False),
        form=form,
    )


def _check_sender(of_process: bool, name: str, given: Mapping[str, Any], found: Found) -> None:
    """Some keys go with messages of a process alone, some with those of other systems."""
    for key in ("starts", "place", "redo", "merged") if of_process else ("at", "mirror"):
        if given.get(key):
            says = f"{'不' if of_process else '只'}用于本件登记的那一件告诉的（from: process:键）"
            en = f'"{key}" does not go with such a sender.'
            found.error("message-key-misplaced", (name, key), f"“{key}”{says}。", en)


def _read_merged(
    given: str | None, secret: bool, found: Found, path: Path, data: Mapping[str, DataField]
) -> Expression | None:
    """The condition under which a merged case sends the message; it reads what the case itself holds, and
    for what it lacks the other one."""
    if given is None:
        return None
    if secret:
        zh = "merged 不能与 secret: true 同用：加密的内容不从一件带到另一件。"
        found.error("message-key-misplaced", path, zh, "What is secret does not go from one case to another.")
        return None
    return _condition("merged", given, found, path, data)


def _condition(
    key: str, given: str | None, found: Found, path: Path, data: Mapping[str, DataField]
) -> Expression | None:
    if given is None:
        return None
    try:
        return compile_expression(given, [name for name, each in data.items() if not each.secret], {})
    except ExpressionRefused as refused:
        found.error(refused.rule.removeprefix("bpmn-"), path, f"{key} 的条件{refused.zh}", refused.en)
        return None


def _read_key(
    given: str | None, starts: bool, found: Found, path: Path, data: Mapping[str, DataField]
) -> str:
    key = KEYS.get(given or "", given or "")
    if given is None:
        return ""
    if starts and key != "external_no":
        found.error(
            "message-key",
            path,
            "登记新办件的消息只能凭来源编号：key: externalNo，同一编号只登记一件。",
            "A message that starts a case is keyed by externalNo.",
        )
    elif key not in data:
        names = [*KEYS, *(name for name, each in data.items() if name not in RESERVED and _fits(each))]
        zh = f"key 的“{given}”没有声明；可以写{keys.nearest(given, names)}。"
        found.error("name-undeclared", path, zh, f'"{given}" is not declared.')
    elif not _fits(data[key]):
        zh = f"“{given}”（{data[key].label}）不能作 key：要用不加密的文字、选项、整数、单位或人员。"
        found.error("message-key", path, zh, f'"{given}" cannot be a key.')
    return key


def _fits(each: DataField) -> bool:
    return each.type in KEY_TYPES and not each.secret


def _brought(
    name: str, path: str, starts: bool, found: Found, here: Path, data: Mapping[str, DataField]
) -> FormField | None:
    """One name that a message fills, as the question of a form."""
    declared = data.get(name)
    if not _QUOTED.fullmatch(path.strip()) and not _path_reads(path, found, here):
        return None
    if declared is None:
        zh = f"“{name}”没有在 process.yaml 的 data 里声明；有{keys.nearest(name, data)}。"
        found.error("name-undeclared", here, zh, f'"{name}" is not declared in process.yaml.')
    elif name in RESERVED and name not in (ENVELOPE if starts else LATER):
        allowed = "、".join(ENVELOPE if starts else LATER)
        zh = f"“{name}”（{declared.label}）由系统填写，消息不能改；通用的名字里可以写 {allowed}。"
        found.error("name-reserved", here, zh, f'"{name}" cannot come from a message.')
    elif declared.type == "files":
        zh = f"“{name}”（{declared.label}）是附件，不能由消息带来；请对方先上传附件。"
        found.error("value-invalid", here, zh, f'"{name}" is files: a message cannot bring it.')
    elif declared.per_item or declared.names:
        why = (
            "由会签、协办的各项各填各的" if declared.per_item else f"在选择分类“{declared.names}”时由系统填写"
        )
        found.error(
            "name-reserved",
            here,
            f"“{name}”（{declared.label}）{why}，消息不能填写。",
            f'"{name}" is not for messages.',
        )
    else:
        return FormField(declared)
    return None


def _path_reads(path: str, found: Found, here: Path) -> bool:
    if _PATH.fullmatch(path):
        return True
    zh = f"看不懂路径“{path}”；写成 $.字段 或 $.外层.字段，例如 $.caller.name。"
    found.error("message-path", here, zh, f'Cannot read path "{path}".')
    return False


def _read_part(given: Any, found: Found, path: Path, data: Mapping[str, DataField]) -> Part | None:
    if isinstance(given, bool | int | float):
        return Literal(given)
    text = given.strip() if isinstance(given, str) else ""
    if quoted := _QUOTED.fullmatch(text):
        return Literal(quoted[1])
    if attached := _ATTACHMENTS.fullmatch(text):
        return Attachments(attached[1])
    if text in data:
        return Name(text)
    shown = f"“{text}”" if text else "这里的内容"
    found.error(
        "name-undeclared" if text else "value-invalid",
        path,
        f"{shown}没有在 process.yaml 的 data 里声明；有{keys.nearest(text, data)}。"
        "固定的文字请写成 '\"文字\"'。",
        f'"{text}" is not declared; write fixed text as \'"text"\'.',
    )
    return None
