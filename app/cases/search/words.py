"""Words for searching: Chinese as pairs of neighbouring characters, the rest as whole tokens.

`幸福里` is kept as `幸福 福里 里`, and a word of a question becomes a phrase of such pairs, so that every
word of two characters or more is found wherever it stands. Latin and digits are found whole or by how
they begin.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_PLAIN = rf"(?:(?![{HAN}])[^\W_])+"
_RUN = re.compile(rf"[{HAN}]+|{_PLAIN}(?:[-_/.]{_PLAIN})*")
_JOINT = re.compile(r"[-_/.]")
_DIGIT = re.compile(r"[0-9]")

MOST_TOKENS = 12_000
"""Of one case: a text of ten thousand characters and its names."""
MOST_TERMS = 8
SHORTEST = 2
"""Characters that a word needs to be looked for in texts."""
TOO_MANY_DIGITS = 7
"""Of a run in free text: a telephone or identity number is nothing to find people by."""

Token = str | None
"""None stands where a sentence breaks: no phrase reaches across it."""


@dataclass(frozen=True)
class Term:
    """One thing to look for: a phrase of tokens, or everything that begins with one token."""

    tokens: tuple[str, ...]
    prefix: bool = False


def of_text(text: str) -> Iterator[Token]:
    """The tokens of what somebody wrote. Runs with many digits are left out."""
    for run in _runs(text):
        if not _is_han(run) and len(_DIGIT.findall(run)) >= TOO_MANY_DIGITS:
            continue
        yield from _tokens(run)


def of_name(text: str) -> Iterator[Token]:
    """The tokens of a number, a code or a name of ours, digits and all."""
    for run in _runs(text):
        yield from _tokens(run)


def terms(question: str) -> list[Term]:
    """What a question asks for; all of it must be there. At most eight terms, the rest is ignored."""
    found: list[Term] = []
    for run in _runs(question):
        if _is_han(run):
            pairs = tuple(_pairs(run))
            found.append(Term(pairs) if pairs else Term((run,), prefix=True))
        else:
            found.append(Term((_JOINT.sub("", run),), prefix=True))
    return list(dict.fromkeys(found))[:MOST_TERMS]


def single(question: str) -> str | None:
    """The one character that a question consists of: too little to look for in texts."""
    plain = "".join(_runs(question))
    return plain if len(plain) == 1 else None


def _runs(text: str) -> Iterator[str]:
    return (found[0] for found in _RUN.finditer(unicodedata.normalize("NFKC", text).casefold()))


def _tokens(run: str) -> Iterator[Token]:
    if _is_han(run):
        yield from _pairs(run)
        yield run[-1]
    else:
        pieces = _JOINT.split(run)
        yield "".join(pieces)
        if len(pieces) > 1:
            for piece in pieces:
                yield None
                yield piece
    yield None


def _pairs(run: str) -> Iterator[str]:
    return (run[i : i + 2] for i in range(len(run) - 1))


def _is_han(run: str) -> bool:
    return re.match(f"[{HAN}]", run) is not None
