"""Reads an expression's text before Python's parser does: limits, and the mistakes people make most."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterator

MOST_CHARACTERS = 1_000
MOST_DEPTH = 30

FORBIDDEN = "bpmn-expression-forbidden"
SYNTAX = "bpmn-expression-syntax"
UNKNOWN = "bpmn-unknown-name"

_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_KEYWORDS = ("and", "or", "not", "in", "is", "if", "else", "True", "False", "None")
_ESCAPES = "\\\"'nt"
_QUOTES = "“”‘’「」『』"
_HINTS = [
    ("&&", "“并且”请写 and。", "write and for &&."),
    ("||", "“或者”请写 or。", "write or for ||."),
    ("<>", "“不等于”请写 !=。", "write != for <>."),
    ("===", "比较请写 ==。", "write == to compare."),
    ("!==", "“不等于”请写 !=。", "write != for !==."),
    ("=>", "“大于等于”请写 >=。", "write >= for =>."),
    ("=<", "“小于等于”请写 <=。", "write <= for =<."),
    (":=", "比较请写 ==；表达式不能赋值。", "write == to compare; an expression assigns nothing."),
    ("**", "不能用 ** 求乘方。", "powers (**) are not allowed."),
    ("≥", "“大于等于”请写 >=。", "write >= for ≥."),
    ("≤", "“小于等于”请写 <=。", "write <= for ≤."),
    ("≠", "“不等于”请写 !=。", "write != for ≠."),
    ("×", "乘号请写 *。", "write * for ×."),
    ("÷", "除号请写 /。", "write / for ÷."),
    ("&", "“并且”请写 and。", "write and for &."),
    ("|", "“或者”请写 or。", "write or for |."),
]
_TWO = ("==", "!=", "<=", ">=", "//")


class ExpressionRefused(Exception):
    """表达式不能使用。

    rule: bpmn-expression-forbidden | bpmn-expression-syntax | bpmn-unknown-name; position is the
    1-based character in the diagram's text without outer blanks; zh and en are sentences that begin with it.
    """

    def __init__(self, rule: str, zh: str, en: str, position: int) -> None:
        self.rule, self.position = rule, position
        self.zh = f"第 {position} 个字符处有误：{zh}"
        self.en = f"character {position}: {en}"
        super().__init__(self.zh)


def unwrapped(text: str) -> tuple[str, int]:
    """The text without outer blanks and `${…}`, and how many characters `${` took off its front."""
    inner = text.strip()
    if inner.startswith("${") and inner.endswith("}"):
        body = inner[2:-1]
        return body.strip(), 2 + len(body) - len(body.lstrip())
    return inner, 0


def screened(text: str, cut: int) -> str:
    """The same text with line breaks turned into blanks, same length. Raises ExpressionRefused."""
    if not text:
        raise ExpressionRefused(SYNTAX, "表达式是空的。", "the expression is empty.", cut + 1)
    if len(text) > MOST_CHARACTERS:
        raise ExpressionRefused(
            FORBIDDEN,
            f"表达式有 {len(text):,} 个字符，最多 {MOST_CHARACTERS:,} 个。",
            f"the expression has {len(text):,} characters, the limit is {MOST_CHARACTERS:,}.",
            cut + MOST_CHARACTERS + 1,
        )
    result: list[str] = []
    at = depth = 0
    while at < len(text):
        end = _piece(text, at, cut)
        piece = text[at:end]
        depth += (piece in ("(", "[")) - (piece in (")", "]"))
        if depth > MOST_DEPTH:
            raise ExpressionRefused(
                FORBIDDEN,
                f"括号嵌套超过 {MOST_DEPTH} 层。",
                f"brackets nested over {MOST_DEPTH} deep.",
                cut + at + 1,
            )
        result.append(" " if piece.isspace() else piece)
        at = end
    return "".join(result)


def _piece(text: str, at: int, cut: int) -> int:
    """Where the piece that begins at `at` ends; refuses what has a better spelling."""
    character = text[at]
    if character in "\"'":
        return _literal(text, at, cut)
    if character.isidentifier():
        end = _word(text, at)
        word = unicodedata.normalize("NFKC", text[at:end])
        if keyword.iskeyword(word) and word not in _KEYWORDS:
            raise ExpressionRefused(
                FORBIDDEN, f"不能写 {word}。", f"{word} may not stand in an expression.", cut + at + 1
            )
        return end
    if number := _NUMBER.match(text, at):
        after = text[number.end() : number.end() + 1]
        if after and (after.isidentifier() or after.isdigit()):
            raise ExpressionRefused(
                SYNTAX, "数字后面不能直接跟文字。", "letters may not follow a number.", cut + number.end() + 1
            )
        return number.end()
    if text[at : at + 3] in ("===", "!=="):
        raise _hinted(text[at : at + 3], at, cut)
    if text[at : at + 2] in _TWO:
        return at + 2
    for spelling, _, _ in _HINTS:
        if text.startswith(spelling, at):
            raise _hinted(spelling, at, cut)
    _refuse_character(text, at, cut)
    return at + 1


def _literal(text: str, start: int, cut: int) -> int:
    quote, at = text[start], start + 1
    while at < len(text) and text[at] != quote:
        if text[at] in "\r\n":
            break
        if text[at] == "\\":
            if text[at + 1 : at + 2] not in tuple(_ESCAPES):
                raise ExpressionRefused(
                    SYNTAX,
                    "文字里的反斜杠后面只能是 \\ \" ' n t。",
                    "after a backslash in text only \\ \" ' n t may follow.",
                    cut + at + 1,
                )
            at += 1
        at += 1
    if at >= len(text) or text[at] != quote:
        raise ExpressionRefused(
            SYNTAX, f"文字的引号 {quote} 没有配对。", f"the quote {quote} is not closed.", cut + start + 1
        )
    return at + 1


def _word(text: str, start: int) -> int:
    end = start + 1
    while end < len(text) and (text[start:end] + text[end]).isidentifier():
        end += 1
    return end


def _hinted(spelling: str, at: int, cut: int) -> ExpressionRefused:
    zh, en = next((zh, en) for known, zh, en in _HINTS if known == spelling)
    rule = FORBIDDEN if spelling in ("**", ":=") else SYNTAX
    return ExpressionRefused(rule, zh, en, cut + at + 1)


def _refuse_character(text: str, at: int, cut: int) -> None:
    character = text[at]
    position = cut + at + 1
    if character == "=" and not text[:at].strip():
        raise ExpressionRefused(SYNTAX, "开头的 = 请删去。", "delete the = at the beginning.", position)
    if character == "=":
        raise ExpressionRefused(SYNTAX, "比较请写 ==。", "write == to compare.", position)
    if character == "!":
        raise ExpressionRefused(SYNTAX, "“非”请写 not。", "write not for !.", position)
    if character in _QUOTES:
        raise ExpressionRefused(
            SYNTAX,
            f'引号请用英文的 "，不要用 {character}。',
            f'write the quote ", not {character}.',
            position,
        )
    plain = unicodedata.normalize("NFKC", character)
    if character in "。、；【】《》":
        raise ExpressionRefused(
            SYNTAX,
            f"“{character}”不能用在表达式里。",
            f"{character} may not stand in an expression.",
            position,
        )
    if not character.isascii() and not character.isspace() and plain != character and plain.isprintable():
        raise ExpressionRefused(
            SYNTAX,
            f"“{character}”请用半角的 {plain}。",
            f"write {plain} instead of the full-width {character}.",
            position,
        )
    if character.isspace() or (character.isascii() and character in "()[],+-*/%<>"):
        return
    if character == ".":
        raise ExpressionRefused(
            FORBIDDEN, "不能用点号取属性或方法。", "attributes and methods (.) are not allowed.", position
        )
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    raise ExpressionRefused(
        FORBIDDEN, f"“{shown}”不能用在表达式里。", f"{shown} may not stand in an expression.", position
    )


def misspelt(source: str, error: SyntaxError, cut: int) -> ExpressionRefused:
    """What Python's parser found wrong, in our words."""
    at = min(max((error.offset or 1) - 1, 0), len(source))
    word = next(_upper_words(source), None)
    if word is not None:
        start, right = word
        return ExpressionRefused(
            SYNTAX, f"请写小写的 {right}。", f"write {right} in small letters.", cut + start + 1
        )
    if source.count("(") != source.count(")") or source.count("[") != source.count("]"):
        return ExpressionRefused(SYNTAX, "括号没有配对。", "a bracket is not closed.", cut + at + 1)
    if at >= len(source):
        return ExpressionRefused(SYNTAX, "表达式没有写完。", "the expression is not finished.", cut + at + 1)
    return ExpressionRefused(SYNTAX, "这里的写法不对。", "this is not an expression.", cut + at + 1)


def _upper_words(source: str) -> Iterator[tuple[int, str]]:
    for word in ("AND", "OR", "NOT", "IN"):
        start = f" {source} ".find(f" {word} ")
        if start >= 0:
            yield start, word.lower()
