"""What is voted on, one matter a line as a person writes it: 是否加装电梯：赞成、反对."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.polls.errors import PollRefused

USUAL = ("赞成", "反对")
"""The options of a matter that names none."""
ABSTENTION = "弃权"
APPROVALS = ("赞成", "同意", "支持")
"""A matter whose first option is one of these is approved or not; of any other one option is chosen."""
MOST_MATTERS, MOST_OPTIONS, LONGEST, LONGEST_OPTION = 20, 20, 200, 60

_SEVERAL = re.compile(r"[（(]\s*(?:多选|(?:多选[，,]?\s*)?最多选?\s*(\d{1,2})\s*项?)\s*[）)]\s*$")
_BETWEEN = re.compile(r"[、，,;；/]")


@dataclass(frozen=True)
class Matter:
    """One matter: its options by place from 1, how many one may choose, whether one may abstain."""

    place: int
    title: str
    options: tuple[str, ...]
    most: int = 1
    abstention: bool = True

    @property
    def approves(self) -> bool:
        """Whether it is about yes or no."""
        return self.options[0] in APPROVALS

    def named(self, choice: int) -> str:
        """An option by its place; 0 is an abstention."""
        return ABSTENTION if choice == 0 else self.options[choice - 1]


def matter_of(row: Any) -> Matter:
    """A kept matter."""
    return Matter(row["place"], row["title"], tuple(row["options"]), row["most"], row["abstention"])


def read_matters(said: Any, abstention: bool = True) -> tuple[Matter, ...]:
    """A list of texts, or lines of one text. Raises PollRefused, which names the line."""
    lines = said.splitlines() if isinstance(said, str) else said
    if not isinstance(lines, Sequence) or not all(isinstance(line, str) for line in lines):
        raise PollRefused("表决事项应为一行一项的文字。")
    written = [line.strip() for line in lines if line.strip()]
    if not 1 <= len(written) <= MOST_MATTERS:
        raise PollRefused(f"表决事项应有 1 至 {MOST_MATTERS} 项，现在有 {len(written)} 项。")
    matters = tuple(_matter(place, line, abstention) for place, line in enumerate(written, 1))
    if len({matter.title for matter in matters}) < len(matters):
        raise PollRefused("表决事项有重名的，请分开写明。")
    return matters


def _matter(place: int, line: str, abstention: bool) -> Matter:
    at = f"第 {place} 项表决事项“{line[:20]}”"
    several = _SEVERAL.search(line)
    if several is not None:
        line = line[: several.start()]
    title, _, rest = line.replace(":", "：").partition("：")
    options = tuple(each.strip() for each in _BETWEEN.split(rest) if each.strip()) or USUAL
    options = tuple(each for each in options if each != ABSTENTION)
    title = title.strip()
    if not title or len(title) > LONGEST:
        raise PollRefused(f"{at}的题目应为 1 至 {LONGEST} 字。")
    if not 2 <= len(options) <= MOST_OPTIONS or len(set(options)) < len(options):
        raise PollRefused(
            f"{at}应有 2 至 {MOST_OPTIONS} 个各不相同的选项，写法如：题目：选项一、选项二（最多2项）。"
        )
    if any(len(each) > LONGEST_OPTION for each in options):
        raise PollRefused(f"{at}的每个选项最多 {LONGEST_OPTION} 字。")
    most = 1 if several is None else int(several[1] or len(options))
    if not 1 <= most <= len(options):
        raise PollRefused(f"{at}最多可选的项数应在 1 至 {len(options)} 之间。")
    return Matter(place, title, options, most, abstention)
