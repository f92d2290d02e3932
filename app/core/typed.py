"""Text as it was typed: what nobody can see in it, and the original of what was brought to a normal form.

The gate and the forms bring text to NFC, phone and identity numbers to NFKC. What was typed is remembered
for as long as the request lasts, so that whoever keeps the text can seal the original beside it.
"""

import re
import unicodedata
from contextvars import ContextVar
from typing import Any, Literal

UNSEEN = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\U000e0000-\U000e007f]"
    "|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"  # joiners belong into emoji alone
)
"""Controls of direction and letters without width or ink: two texts that look alike would not be the same."""

_typed: ContextVar[dict[str, str] | None] = ContextVar("huying_typed", default=None)


def begin() -> None:
    """From here on originals are remembered anew: a request, or a line of an import, begins."""
    _typed.set({})


def normal(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """The text in a normal form; what it was is remembered when that is not the same."""
    if text.isascii() or unicodedata.is_normalized(form, text):
        return text
    return became(unicodedata.normalize(form, text), text)


def became(text: str, was: str) -> str:
    """Says that a text stands for what was typed; the first original counts."""
    known = _typed.get()
    if known is not None and text != was:
        known[text.strip()] = known.get(was, was)  # texts are kept trimmed
    return text


def original(text: Any) -> Any:
    """What was typed where this text, or list of texts, stands now; None where it was typed so."""
    known = _typed.get()
    if not known:
        return None
    if isinstance(text, list):
        return [known.get(each, each) for each in text] if any(each in known for each in text) else None
    return known.get(text) if isinstance(text, str) else None


def changed() -> bool:
    """Whether anything was brought to a normal form since it began."""
    return bool(_typed.get())
