"""bpmn/_notices.yaml: which event tells whom, in which words; read again whenever somebody has changed it."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.keys import Flag, Found, Key, Many, Named, Record, Text, Whole
from app.bundles.limit_text import elapsed
from app.bundles.sla import QUIET
from app.bundles.tiers import role_at
from app.bundles.yaml_file import YamlRefused, read_yaml
from app.core.config import SettingRefused, settings
from app.engine.check.finding import Finding
from app.notices.words import EVENTS, LOOKED_FOR, PEOPLE, POLL_CLOSING, POLL_OPENED

log = logging.getLogger("huying.notices")

FILE = "_notices.yaml"
KIND = r"[a-z][a-z0-9_]{0,39}"
_WORD = re.compile(r"\{([^{}]*)\}")

_KIND = Record(
    {
        "label": Key(Text(longest=30), "类别的名称", required=True),
        "urgent": Key(Flag(), "true：紧急，随时告诉，不合并"),
        "must": Key(Flag(), "true：本人不能关掉"),
        "wished": Key(Flag(), "true：只告诉自己打开了这一类的人"),
    }
)
_EVENT = Record(
    {
        "on": Key(Text(one_of=tuple(EVENTS), says="事件"), "什么事件", required=True),
        "tell": Key(Many(Text(says="告诉谁"), least=1, most=10), "告诉谁", required=True),
        "class": Key(Text(KIND, "小写字母开头的英文名"), "classes 里的一类", required=True),
        "before": Key(
            Text(r"P[1-9]\d?D|PT[1-9]\d?H", "P1D、PT12H 这样的时长"), "poll.closing：截止以前多久提醒"
        ),
        "text": Key(Text(longest=200), "通知的文字，{step} 这样的词换成事件里的内容", required=True),
    }
)
SHAPE = Record(
    {
        "quiet": Key(QUIET, "免打扰：工作时间以外的，到上班时再告诉"),
        "digest": Key(Whole(2, 100), "同时有这么多条，合成一条"),
        "classes": Key(Named(_KIND, KIND, "小写字母开头的英文名"), "通知的类别", required=True),
        "events": Key(Many(_EVENT, most=100), "什么事件告诉谁", required=True),
    }
)


@dataclass(frozen=True)
class Kind:
    """A class of notices: what it is called, whether it waits for nobody, whether people may choose."""

    key: str
    label: str
    urgent: bool = False
    must: bool = False
    wished: bool = False


@dataclass(frozen=True)
class Telling:
    """One line: this event tells these people, in these words."""

    on: str
    tell: tuple[str, ...]
    kind: str
    text: str
    before: timedelta | None = None


def _built_in(*kinds: Kind) -> Mapping[str, Kind]:
    return MappingProxyType({kind.key: kind for kind in kinds})


CLOCK, PASSED, DIGEST, OTHER = "clock", "passed", "digest", "other"
BUILT_IN = _built_in(
    Kind(CLOCK, "时限提醒", must=True),
    Kind(PASSED, "登记时已过的时限"),
    Kind(DIGEST, "汇总", must=True),
    Kind(OTHER, "其他通知"),
)
"""Classes that there are whatever the file says; it may word the first two and the last anew."""
USUAL_DIGEST = 5


@dataclass(frozen=True)
class Rules:
    """The file as values; without one nobody is told of events."""

    kinds: Mapping[str, Kind] = field(default_factory=lambda: BUILT_IN)
    events: Mapping[str, tuple[Telling, ...]] = field(default_factory=lambda: MappingProxyType({}))
    quiet: bool = False
    digest: int = USUAL_DIGEST

    def kind(self, key: str) -> Kind:
        """A class by its key; one that the file has dropped is called by its key."""
        return self.kinds.get(key) or Kind(key, key)


NONE = Rules()
_kept: dict[Path, tuple[tuple[int, int] | None, Rules]] = {}


def in_force() -> Rules:
    """The rules of this moment. A file that became wrong leaves those that were right before."""
    path = settings().bpmn_dir / FILE
    stamp = _stamp(path)
    known = _kept.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        rules = _read(path)
    except SettingRefused as refused:
        if known is None:
            raise
        log.error("%s; the rules before it stay in force", refused)
        rules = known[1]
    _kept[path] = (stamp, rules)
    return rules


def begin() -> None:
    """Refuses a wrong file at the start. Raises SettingRefused with every fault and its line."""
    _kept.pop(settings().bpmn_dir / FILE, None)
    in_force()


def forget() -> None:
    """Reads the file again at the next question (tests)."""
    _kept.clear()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size


def _read(path: Path) -> Rules:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return NONE
    except OSError as error:
        raise SettingRefused(f"{path.name} 读不出来：{error.strerror}。") from None
    rules, findings = read_rules(path.name, data)
    if rules is None:
        raise SettingRefused(f"{path.name} " + " ".join(each.zh for each in findings[:10]))
    return rules


def read_rules(name: str, data: bytes) -> tuple[Rules | None, Sequence[Finding]]:
    """The rules of a file, or None and what is wrong with it, each with its line."""
    try:
        found = Found(read_yaml(name, data))
    except YamlRefused as refused:
        return None, [keys.finding("error", refused.rule, name, refused.line, refused.zh, refused.en)]
    given: Any = found.doc.value
    if keys.check(SHAPE, given, found):
        kinds = {**BUILT_IN, **{key: _kind(key, about) for key, about in given["classes"].items()}}
        if DIGEST in given["classes"]:
            zh = f"“{DIGEST}”是系统用的类别，请换个名字。"
            found.error("name-invalid", ("classes", DIGEST), zh, f'"{DIGEST}" is taken.')
        for i, line in enumerate(given["events"]):
            _check(line, kinds, found, i)
            if line["on"] == POLL_CLOSING and any(each["on"] == POLL_CLOSING for each in given["events"][:i]):
                zh = f"{POLL_CLOSING} 只写一行：截止以前只提醒一次。"
                found.error("value-twice", ("events", i, "on"), zh, "One reminder only.")
    if found.failed:
        return None, found.findings
    events: dict[str, list[Telling]] = {}
    for line in given["events"]:
        before = elapsed(line["before"]) if "before" in line else None
        telling = Telling(line["on"], tuple(line["tell"]), line["class"], line["text"], before)
        events.setdefault(telling.on, []).append(telling)
    made = MappingProxyType({on: tuple(lines) for on, lines in events.items()})
    return Rules(
        MappingProxyType(kinds), made, "quiet" in given, given.get("digest", USUAL_DIGEST)
    ), found.findings


def _kind(key: str, about: Mapping[str, Any]) -> Kind:
    flags = {name: about.get(name, False) for name in ("urgent", "must", "wished")}
    return Kind(key, about["label"], **flags)


def _check(line: Mapping[str, Any], kinds: Mapping[str, Kind], found: Found, i: int) -> None:
    at = ("events", i)
    if line["class"] not in kinds or line["class"] == DIGEST:
        known = keys.nearest(line["class"], [key for key in kinds if key != DIGEST])
        found.error("value-invalid", (*at, "class"), f"没有“{line['class']}”这一类；有{known}。", "Unknown.")
    if ("before" in line) != (line["on"] == POLL_CLOSING):
        zh = f"{POLL_CLOSING} 要写 before（截止以前多久提醒），别的事件不写。"
        found.error("key-missing", (*at, "before"), zh, "before belongs to poll.closing.")
    for n, word in enumerate(line["tell"]):
        if word not in PEOPLE and role_at(word) is None:
            known = keys.nearest(word, PEOPLE)
            zh = f"不知道“{word}”是谁；可以写{known}，或 角色@层级，例如 supervisor@district。"
            found.error("tell-unknown", (*at, "tell", n), zh, f'Nobody is called "{word}".')
        elif word not in LOOKED_FOR.get(line["on"], (word,)):
            only = LOOKED_FOR[line["on"]]
            zh = f"{line['on']} 只能告诉 {'、'.join(f'{each}（{PEOPLE[each]}）' for each in only)}。"
            found.error("tell-unknown", (*at, "tell", n), zh, f"Only {', '.join(only)}.")
        elif word == "voters" and line["on"] not in (POLL_OPENED, POLL_CLOSING):
            zh = f"{line['on']} 没有投票的人；voters 只用于 {POLL_OPENED}、{POLL_CLOSING}。"
            found.error("tell-unknown", (*at, "tell", n), zh, "Nobody votes here.")
    for word in _WORD.findall(line["text"]):
        if word not in EVENTS[line["on"]]:
            known = keys.nearest(word, EVENTS[line["on"]])
            zh = f"{line['on']} 没有“{{{word}}}”；可以写{known}。"
            found.error("word-unknown", (*at, "text"), zh, f'No word "{word}".')


def worded(text: str, said: Mapping[str, Any]) -> str:
    """The text with its words put in; what the event left out is called so."""

    def word(found: re.Match[str]) -> str:
        value = said.get("label" if found[1] == "step" else found[1])
        return "（未填）" if value in (None, "") else str(value)

    return _WORD.sub(word, text)
