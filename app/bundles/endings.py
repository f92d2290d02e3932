"""What must be there before a step ends, and what becomes of a child when its parent ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.bundles import limit_text
from app.bundles.data_fields import FILE_KINDS
from app.bundles.keys import Found, Key, Many, Named, Record, Text, Whole


@dataclass(frozen=True)
class AttachmentRule:
    """How many attachments a step asks at least; () is any kind, brought at any step, for any outcome.

    Without them the step cannot be completed, or (`refuses` False) only by who confirms that they lack.
    """

    min: int
    kinds: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    refuses: bool = True

    @property
    def says(self) -> str:
        """至少 2 个附件（图片、PDF）."""
        kinds = "、".join(FILE_KINDS[kind] for kind in self.kinds)
        return f"至少 {self.min} 个附件" + (f"（{kinds}）" if kinds else "")


IF_MISSING = ("refuse", "confirm")
ATTACHMENTS = Named(
    Record(
        {
            "min": Key(Whole(0, 50), "至少几个", required=True),
            "kinds": Key(Many(Text(one_of=tuple(FILE_KINDS), says="种类")), "哪些种类；不写就是任何种类"),
            "of": Key(Many(Text(says="环节"), least=1), "在哪些环节上传的才算；不写就是整件办件的附件"),
            "outcomes": Key(Many(Text(says="办理结论"), least=1), "哪些办理结论才要求；不写就是每个结论"),
            "ifMissing": Key(
                Text(one_of=tuple(IF_MISSING), says="做法"),
                "缺少时：refuse 不能办理（默认），confirm 提示，经办理人确认后可以办理",
            ),
        }
    ),
    says="环节",
)
REOPEN = Record(
    {
        "to": Key(Text(says="环节", longest=60), "回到哪个环节", required=True),
        "within": Key(Text(says="时长"), "办结以后多久之内，例如 P15D、P5WD", required=True),
        "max": Key(Whole(1, 20), "最多几次；不写是 1 次"),
    }
)
PARENT_END = Text(one_of=("cancel", "finish", "block"), says="做法")


@dataclass(frozen=True)
class Reopening:
    """To which step an ended case may be taken back, how long after, and how often."""

    to: str
    within: str
    max: int = 1


def read_reopen(given: Mapping[str, Any] | None, found: Found) -> Reopening | None:
    """The rule of a checked mapping; none where the process says nothing."""
    if given is None:
        return None
    if (wrong := limit_text.duration_error(given["within"])) is not None:
        rule, zh, en = wrong
        found.error(rule, ("reopen", "within"), zh, en)
    return Reopening(given["to"], given["within"], given.get("max", 1))


def read_attachments(given: Mapping[str, Any]) -> Mapping[str, AttachmentRule]:
    """Step → rule, of a checked mapping."""
    rules = {
        step: AttachmentRule(
            rule["min"],
            tuple(rule.get("kinds", ())),
            tuple(rule.get("of", ())),
            tuple(rule.get("outcomes", ())),
            rule.get("ifMissing", "refuse") == "refuse",
        )
        for step, rule in given.items()
    }
    return MappingProxyType(rules)
