"""Which category a text is about, by the words that the table keeps for each: a proposal and its reasons."""

from dataclasses import dataclass
from datetime import datetime

from app.categories.kept import Categories


@dataclass(frozen=True)
class Suggestion:
    """A category that can be chosen, and the words of the text that speak for it."""

    code: str
    words: tuple[str, ...]


def suggest(table: Categories, text: str, at: datetime) -> Suggestion | None:
    """The category with the most and longest of its words in the text; None when no word is there.

    Of equals the one that comes first in the table: the same text always gets the same proposal.
    """
    best, weight = None, 0
    for code, words in table.worded(at):
        found = tuple(word for word in words if word in text)
        weighs = sum(len(word) ** 2 for word in found)
        if weighs > weight:
            best, weight = Suggestion(code, found), weighs
    return best
