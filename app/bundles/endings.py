"""What must be there before a step ends, and what becomes of a child when its parent ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.bundles.data_fields import FILE_KINDS
from app.bundles.keys import Key, Many, Named, Record, Text, Whole


@dataclass(frozen=True)
class AttachmentRule:
    """How many attachments a step asks at least, and of which kinds; () is any kind."""

    min: int
    kinds: tuple[str, ...] = ()


ATTACHMENTS = Named(
    Record(
        {
            "min": Key(Whole(0, 50), "至少几个", required=True),
            "kinds": Key(Many(Text(one_of=tuple(FILE_KINDS), says="种类")), "哪些种类；不写就是任何种类"),
        }
    ),
    says="环节",
)
PARENT_END = Text(one_of=("cancel", "finish", "block"), says="做法")


def read_attachments(given: Mapping[str, Any]) -> Mapping[str, AttachmentRule]:
    """Step → rule, of a checked mapping."""
    rules = {step: AttachmentRule(rule["min"], tuple(rule.get("kinds", ()))) for step, rule in given.items()}
    return MappingProxyType(rules)
