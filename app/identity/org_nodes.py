"""The nodes of bpmn/_org.yaml, which know their lines: composed, looked at one by one, never constructed."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import yaml

from app.core.errors import Unprocessable

MOST_BYTES = 2 << 20


class OrgRefused(Unprocessable):
    """机构文件有误。"""

    def __init__(self, findings: list[tuple[int, str]]) -> None:
        self.findings = sorted(findings)
        super().__init__("；".join(f"第 {line} 行：{text}" for line, text in self.findings[:20]))


class Findings:
    """What is wrong, each with its line."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def add(self, node: Any, text: str) -> None:
        self.lines.append((node.start_mark.line + 1 if node is not None else 1, text))


def compose(data: bytes, found: Findings) -> Any:
    """The root node. Raises OrgRefused for what is no YAML at all."""
    if len(data) > MOST_BYTES:
        raise OrgRefused([(1, "文件太大，最多 2 MB。")])
    try:
        # Composed, not constructed: nodes know their lines, and no tag can build anything.
        root = yaml.compose(data.decode("utf-8"), Loader=yaml.CSafeLoader)
    except UnicodeDecodeError:
        raise OrgRefused([(1, "文件不是 UTF-8 编码。")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise OrgRefused(
            [(mark.line + 1 if mark else 1, "不是合格的 YAML，请检查缩进、冒号和引号。")]
        ) from None
    if root is None:
        raise OrgRefused([(1, "文件是空的。")])
    return root


def mapping(node: Any, known: tuple[str, ...], what: str, found: Findings) -> dict[str, Any]:
    """The entries of a mapping; {} for anything else, and for names that are not known a finding."""
    if not isinstance(node, yaml.MappingNode):
        found.add(node, f"{what}应为“名称: 内容”的形式。")
        return {}
    entries: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in entries:
            found.add(key, f"{what}里“{name}”写了两次。")
        elif known and name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"，是不是“{near[0]}”？" if near else f"；可用的有：{'、'.join(known)}。"
            found.add(key, f"{what}里没有“{name}”这一项{hint}")
        entries[name] = value
    return entries


def text_of(node: Any, name: str, found: Findings, check: Callable[[str], bool] | None = None) -> str:
    """A short text; empty for anything else, with a finding."""
    if not isinstance(node, yaml.ScalarNode) or node.tag not in (
        "tag:yaml.org,2002:str",
        "tag:yaml.org,2002:int",
    ):
        found.add(node, f"“{name}”应为文字。")
        return ""
    text = str(node.value).strip()
    if not text or len(text) > 100:
        found.add(node, f"“{name}”不能为空，也不能超过 100 个字。")
    elif check is not None and not check(text):
        found.add(node, f"“{name}”的写法不对：{text}。只用小写字母、数字和连接符，以字母或数字开头。")
    return text


def items_of(node: Any, name: str, found: Findings) -> list[Any]:
    """The items of a list; none for nothing and for anything else."""
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode):
        found.add(node, f"“{name}”应为列表，每项以 - 开头。")
        return []
    return list(node.value)
