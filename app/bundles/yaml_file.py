"""Reads one YAML file into plain values with a line for each key; refuses YAML's hidden powers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_VALUES = 10_000

COLON_ZH = "冒号要用英文的 :，后面空一格"
_WIDE_COLON = re.compile(r"\s*(- )?[^\s:：#\"'{\[|>]+：")
_WIDE_KEY = re.compile(r"\s*(- )?[A-Za-z_]\w*：", re.ASCII)
_NO_BLANK = re.compile(r"\s*(- )?[^\s:：#\"'{\[|>]+:[^\s:]")
_TAB_FIRST = re.compile(r" *(- *)?\t")


class YamlRefused(Exception):
    """文件不能作为配置读取。

    rule: yaml-malformed | yaml-too-large | yaml-duplicate-key | yaml-anchor | yaml-tag | charset;
    line is 1-based.
    """

    def __init__(self, rule: str, line: int | None, zh: str, en: str) -> None:
        super().__init__(zh)
        self.rule, self.line, self.zh, self.en = rule, line, zh, en


@dataclass(frozen=True)
class Doc:
    """One file's value, and the line (1-based) of every key and list item by its path."""

    file: str
    value: Any
    lines: Mapping[Path, int] = field(repr=False)

    def line(self, path: Path) -> int | None:
        """The line of a path, or of the nearest thing around it."""
        for end in range(len(path), -1, -1):
            if (line := self.lines.get(path[:end])) is not None:
                return line
        return None


def read_yaml(file: str, data: bytes) -> Doc:
    """The document in `data`: dicts with text keys, lists, text, int, float, bool, None. Raises YamlRefused.

    Differs from YAML 1.1 where that surprises people: `yes`, `no`, `on`, `off`, dates, `09:00` and numbers
    with leading zeros stay text; anchors, aliases, merge keys, tags and a second document are refused.
    """
    if len(data) > MAX_BYTES:
        raise YamlRefused("yaml-too-large", None, "文件超过 256 KiB。", "The file is larger than 256 KiB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlRefused(
            "charset", line, "不是 UTF-8 文字，请用 UTF-8 编码另存。", "Not UTF-8 text."
        ) from None
    loader = yaml.CSafeLoader(text)
    lines = text.split("\n")
    reader = _Reader(loader, lines)
    try:
        value = reader.document()
    except yaml.MarkedYAMLError as error:
        raise _malformed(error, lines) from None
    except yaml.YAMLError as error:  # a control character, found before any mark exists
        raise YamlRefused(
            "yaml-malformed", None, "文件里有不允许的控制字符。", f"Unreadable: {error}."
        ) from None
    finally:
        loader.dispose()
    return Doc(file, value, reader.lines)


class _Reader:
    """Builds values from the parser's events, so that no depth of nesting can reach the C stack."""

    def __init__(self, loader: yaml.CSafeLoader, text: list[str]) -> None:
        self.loader = loader
        self.text = text
        self.lines: dict[Path, int] = {}
        self.count = 0

    def events(self) -> Iterator[yaml.Event]:
        while self.loader.check_event():
            event = self.loader.get_event()
            assert event is not None  # check_event has looked
            yield event

    def document(self) -> Any:
        events = self.events()
        value: Any = None
        seen = False
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    raise YamlRefused(
                        "yaml-malformed",
                        _line(event),
                        "一个文件里只能有一份内容，请删去“---”。",
                        "Only one document per file.",
                    )
                seen = True
                value = self.value(next(events), events, ())
        return value

    def value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Any:
        self.count += 1
        self.lines.setdefault(path, _line(event))
        if len(path) > MAX_DEPTH or self.count > MAX_VALUES:
            raise YamlRefused(
                "yaml-too-large",
                _line(event),
                f"嵌套超过 {MAX_DEPTH} 层，或内容超过 {MAX_VALUES:,} 项。",
                f"Deeper than {MAX_DEPTH} or more than {MAX_VALUES:,} values.",
            )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlRefused(
                "yaml-anchor",
                _line(event),
                "不支持 & 和 * 引用，请把内容写出来；文字里有这些符号时请加引号。",
                "Anchors and aliases are not supported; write the content out.",
            )
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.CollectionStartEvent) and event.tag is not None:
            raise _tag(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                items.append(self.value(event, events, (*path, len(items))))
            return items
        return self.mapping(events, path)

    def mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor:
                raise YamlRefused(
                    "yaml-malformed",
                    _line(event),
                    "键只能是文字；含 {、[、& 等符号的文字请加引号。",
                    "A key must be text; quote text that holds {, [ or &.",
                )
            key = event.value
            if event.implicit[0] and key == "<<":
                raise YamlRefused(
                    "yaml-anchor",
                    _line(event),
                    "不支持 << 合并，请把内容写出来。",
                    "Merge keys are not supported.",
                )
            if key in found:
                raise YamlRefused(
                    "yaml-duplicate-key",
                    _line(event),
                    f"“{key}”写了两遍（前一处在第 {self.lines[(*path, key)]} 行），请只留一处。",
                    f'"{key}" stands twice (first on line {self.lines[(*path, key)]}); keep one.',
                )
            self.lines[(*path, key)] = _line(event)
            found[key] = None
            found[key] = self.value(next(events), events, (*path, key))
        return found

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if event.tag is not None:
            raise _tag(event)
        if not event.implicit[0]:  # quoted: text as it stands
            return text
        if "：" in text:
            self.look_for_swallowed_key(event)
        kind = self.loader.resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        digits = text.lstrip("+-")
        if kind == "int" and digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0"):
            return int(text) if len(digits) < 19 else text
        if kind == "float" and digits[:1].isdigit() and ":" not in text and "_" not in text:
            return float(text)
        return text

    def look_for_swallowed_key(self, event: yaml.ScalarEvent) -> None:
        """`number：x` indented below a text is taken for more of that text, and the key is gone."""
        first = _line(event)
        last = event.end_mark.line + 1 if event.end_mark is not None else first
        for line, written in enumerate(self.text[first:last], first + 1):
            if _WIDE_KEY.match(written):
                raise _colon(line)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _tag(event: yaml.Event) -> YamlRefused:
    return YamlRefused(
        "yaml-tag",
        _line(event),
        "不支持 ! 标签；文字以“!”开头时请加引号。",
        "Tags are not supported; quote text that begins with !.",
    )


def _malformed(error: yaml.MarkedYAMLError, text: list[str]) -> YamlRefused:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    problem = error.problem or error.context or "unreadable"
    if line is not None and line <= len(text) and _TAB_FIRST.match(text[line - 1]):
        return YamlRefused(
            "yaml-malformed", line, "缩进不能用 Tab，请用空格。", "Indent with blanks, not with tabs."
        )
    if (at := _wrong_colon(error, text)) is not None:
        return _colon(at)
    return YamlRefused(
        "yaml-malformed",
        line,
        "YAML 写法有误：通常是缩进没对齐、冒号后缺空格、引号或括号没配对，"
        "或 {…} 里的文字含逗号、冒号却没加引号。",
        f"Not valid YAML: {problem}.",
    )


def _wrong_colon(error: yaml.MarkedYAMLError, text: list[str]) -> int | None:
    """The line where a key was meant and no colon was found: the reader trips over the line behind it."""
    if error.problem not in ("could not find expected ':'", "mapping values are not allowed in this context"):
        return None
    mark = error.context_mark or error.problem_mark
    if mark is None:
        return None
    above = [line for line in range(mark.line, 0, -1) if text[line - 1].strip()][:1]
    for line in (mark.line + 1, *above):
        if line <= len(text) and (_WIDE_COLON.match(text[line - 1]) or _NO_BLANK.match(text[line - 1])):
            return line
    return None


def _colon(line: int) -> YamlRefused:
    return YamlRefused("yaml-malformed", line, f"{COLON_ZH}。", "Write an ASCII colon and a blank after it.")
