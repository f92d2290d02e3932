"""process.yaml: key, number, who may start, lanes, declared data, facts and public words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

from app.bundles import calendar_starts, counting, endings, hints, keys, publishing, ratings
from app.bundles.calendar_starts import BY_SCHEDULE, CalendarStart
from app.bundles.data_fields import DATA, DataField
from app.bundles.endings import AttachmentRule
from app.bundles.keys import Found, Key, Many, Named, Record, Scalar, Text
from app.bundles.measures import SHAPE as MEASURES
from app.bundles.measures import MeasureDef, read_measures
from app.bundles.process_names import check_fact, check_mark, read_data, read_placed_by, read_releases
from app.bundles.rules import FORMS, TIERS, Rule, RuleRefused, parse_rule
from app.bundles.verbs import RETURNS, STEP_VERBS, Returns, StepVerbs, read_returns, read_verbs
from app.engine.expressions import Expression

KEY = r"_?[a-z][a-z0-9_]{1,58}"
KEY_SAYS = "小写字母开头，只含小写字母、数字、下划线的名字"

BY_CALL = "call"
BY_RESIDENT = "resident"

NUMBER_PARTS = ("{yyyymmdd}", "{yyyymm}", "{yyyy}", "{seq:03} 到 {seq:08}")
_PART = re.compile(r"\{([^{}]*)\}")


SHAPE = Record(
    {
        "key": Key(Text(KEY, KEY_SAYS, 60), "流程的键，与文件夹同名", required=True),
        "name": Key(Text(says="流程名称", longest=60), "流程的中文名", required=True),
        "number": Key(
            Text(says="编号样式", longest=60), "编号样式：" + "、".join(NUMBER_PARTS), required=True
        ),
        "starts": Key(
            Many(Text(says="启动方式"), least=1),
            "怎么登记：api、person:角色、message:消息，居民自己登记的写 resident，由日历登记的写 schedule；"
            "只供别的流程调用的写 call",
            required=True,
        ),
        "aboveSees": Key(
            Many(Text(says="状态", longest=60), least=1),
            "从哪些状态起，所在单位和上级单位看得到；以前只有登记的人和正在办的角色看得到。不写就一直看得到",
        ),
        "placeTiers": Key(
            Many(Text(r"[a-z][a-z0-9_]{0,39}", "层级的键"), least=1),
            "只能登记在这些层级的单位，例如 [community]；不写就是哪一级都可以",
        ),
        "seenAbove": Key(
            Many(Text(one_of=tuple(TIERS), says="层级"), least=1),
            "待办到了哪个单位，它上面这些层级的单位也看得到，例如 [site]；不写就只有那个单位",
        ),
        "externalFrom": Key(
            Text(r"[a-z][a-z0-9-]{0,59}", "服务账号"),
            "来源编号是谁编的：写服务账号，不论谁登记，同一个来源编号只登记一件；不写就是登记的人各编各的",
        ),
        "lanes": Key(Named(Text(says="办理人规则")), f"泳道名: 办理人规则。{FORMS}", required=True),
        "placedBy": Key(
            Text(says="名字", longest=60),
            "办件属地由哪个位置（point）定：落在哪个单位的边界里就归哪个单位；不写就归登记人的单位",
        ),
        "data": Key(DATA, "表单、条件、时限能用的名字", required=True),
        "facts": Key(Many(Text(says="名字")), "列表、搜索、报表可以筛选的名字"),
        "marks": Key(Many(Text(says="名字")), "工作人员随时可以加上、去掉的标记：facts 里是否类型的名字"),
        "public": Key(Named(Text(says="群众看到的说法", longest=60)), "办件状态: 群众看到的说法"),
        "noMatch": Key(Scalar(), "决策表没有一条规则成立时：error 停下报错（默认），null 结果为空"),
        "verbs": Key(STEP_VERBS, "环节: 不许或限次的操作"),
        "returns": Key(RETURNS, "退回时并行的段落、已发出的消息怎么办"),
        "onParentEnd": Key(
            endings.PARENT_END, "上级办件结束时：cancel 一起撤销（默认），finish 继续办完，block 不让上级结束"
        ),
        "unsatisfied": Key(
            Text(says="条件", longest=500),
            '什么时候算群众不满意，例如 stars <= 2 or satisfied == "不满意"；不写就不进“群众不满意”',
        ),
        "reopen": Key(endings.REOPEN, "办结以后可以重新打开：回到哪个环节、多久之内、最多几次；不写就不能"),
        "revocable": Key(
            Many(Text(says="环节"), least=1), "办到这些环节，登记的人还可以撤回；不写就是没有人签收、办理之前"
        ),
        "releases": Key(
            Named(Many(Text(says="名字")), says="环节"),
            "环节: [名字]。每次走到这个环节，首接单位解除，这些名字清空",
        ),
        "attachments": Key(endings.ATTACHMENTS, "环节: {min: 至少几个附件, kinds: 种类}"),
        "repeats": Key(hints.REPEATS, "重复诉求：同一个人、相似的文字，多久以内算重复，在哪些环节提示"),
        "prompts": Key(hints.HINTS, "办件符合条件时的提示，例如剔除提示：条件和文字"),
        "statistics": Key(counting.SHAPE, "统计时算哪个单位、哪一类、按哪个时钟看是否按时；不写就不进统计"),
        "publication": Key(
            publishing.SHAPE, "名字: 给居民看什么、给谁看、居民能做什么；由图里的 publications.show 显示"
        ),
        "schedules": Key(calendar_starts.SHAPE, "定期启动：每隔多久、几点，由日历登记一件"),
        "measures": Key(MEASURES, "统计指标：名字、口径、分子、分母，怎么算平均和时长"),
    }
)


@dataclass(frozen=True)
class NumberPattern:
    """How cases of a process are numbered, e.g. `12345-{yyyymmdd}-{seq:05}`."""

    text: str

    def period(self, day: date) -> str:
        """The series a day belongs to: "20260302", "202603", "2026" or "" for one that never starts again."""
        for part, form in (("{yyyymmdd}", "%Y%m%d"), ("{yyyymm}", "%Y%m"), ("{yyyy}", "%Y")):
            if part in self.text:
                return day.strftime(form)
        return ""

    def render(self, day: date, seq: int) -> str:
        """The number of the `seq`-th case (from 1) of the day's series; `day` is a day in Asia/Shanghai."""
        text = self.text
        for part, form in (("{yyyymmdd}", "%Y%m%d"), ("{yyyymm}", "%Y%m"), ("{yyyy}", "%Y")):
            text = text.replace(part, day.strftime(form))
        return re.sub(r"\{seq:0([3-8])\}", lambda width: f"{seq:0{width[1]}d}", text)


@dataclass(frozen=True)
class ProcessDef:
    """One process.yaml. `data` holds the reserved names too; `start_roles` are those of
    `person:<role>`, `start_messages` those of `message:<name>`; `only_called`: nobody files a case of it."""

    key: str
    name: str
    number: NumberPattern
    start_by_api: bool
    start_by_resident: bool
    start_by_schedule: bool
    only_called: bool
    start_roles: tuple[str, ...]
    start_messages: tuple[str, ...]
    lanes: Mapping[str, Rule]
    data: Mapping[str, DataField]
    facts: tuple[str, ...]
    public: Mapping[str, str]
    verbs: Mapping[str, StepVerbs]
    returns: Returns
    no_match: Literal["error", "null"] = "error"
    attachments: Mapping[str, AttachmentRule] = field(default_factory=dict)
    reopen: endings.Reopening | None = None
    revocable: frozenset[str] = frozenset()
    """Steps at which who filed a case may still take it back."""
    unsatisfied: Expression | None = None
    """When the one whom the case is about is not satisfied, by what the case holds."""
    on_parent_end: Literal["cancel", "finish", "block"] = "cancel"
    marks: tuple[str, ...] = ()
    """What staff may mark at any time, beside the diagram."""
    placed_by: str | None = None
    """The position that says where a case lies, as far as borders are known."""
    statistics: counting.Counting | None = None
    measures: Mapping[str, MeasureDef] = field(default_factory=dict)
    schedules: tuple[CalendarStart, ...] = ()
    repeats: hints.Repeats | None = None
    prompts: tuple[hints.Hint, ...] = ()
    publications: Mapping[str, publishing.Publishing] = field(default_factory=dict)
    releases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Steps at which no unit owns the case any more, whatever way it came, and the names emptied there."""
    above_sees: tuple[str, ...] = ()
    """The statuses from which on others than its filer and whose turn it is see a case; () always."""
    place_tiers: tuple[str, ...] = ()
    """Where a case may be filed; () is anywhere."""
    seen_above: tuple[str, ...] = ()
    """Tiers: units of them above one that has a task in its pool see the case too."""
    external_from: str | None = None
    """Whose numbers the external ones are, whoever files; None: each source has numbers of its own."""

    def public_status(self, status: str | None) -> str | None:
        """What residents read for a status; a status without a public word is shown as 办理中."""
        return self.public.get(status, "办理中") if status is not None else None


def read_process(found: Found, folder: str) -> ProcessDef | None:
    """The process of a checked document, or None when findings say why not."""
    given: Any = found.doc.value
    if not keys.check(SHAPE, given, found):
        return None
    if given["key"] != folder:
        found.error(
            "key-differs",
            ("key",),
            f"key 是“{given['key']}”，文件夹是“{folder}”，两者必须相同。",
            f'key "{given["key"]}" differs from the folder "{folder}".',
        )
    _check_number(given["number"], found)
    by_api, roles, messages = _starts(given["starts"], found)
    lanes = _lanes(given["lanes"], found)
    data = read_data(given["data"], found)
    facts = given.get("facts", [])
    for i, name in enumerate(facts):
        if name in data or name not in given["data"]:  # a declaration that is wrong has been told already
            check_fact(name, data, found, i)
    marks = given.get("marks", [])
    for i, name in enumerate(marks):
        check_mark(name, data, facts, found, i)
    no_match = given.get("noMatch", "error")
    if no_match not in ("error", "null", None):
        zh = f"noMatch 只能是 error 或 null，现在是“{no_match}”。"
        found.error("value-invalid", ("noMatch",), zh, "noMatch is error or null.")
    verbs = read_verbs(given.get("verbs", {}), found)
    releases = read_releases(given.get("releases", {}), data, found)
    reopen = endings.read_reopen(given.get("reopen"), found)
    statistics = counting.read_counting(given.get("statistics"), data, found)
    measured = read_measures(given.get("measures"), data, tuple(facts), found)
    if measured and statistics is None:
        statistics = counting.Counting()  # what is measured is counted, where it happened
    unsatisfied = ratings.read_unsatisfied(given.get("unsatisfied"), data, found)
    repeats = hints.read_repeats(given.get("repeats"), data, found)
    schedules = calendar_starts.read_schedules(given.get("schedules", []), given["key"], found)
    placed_by = read_placed_by(given.get("placedBy"), data, found)
    told = hints.read_hints(given.get("prompts", []), data, found)
    publications = publishing.read_publications(given.get("publication", {}), data, found)
    if found.failed:
        return None
    return ProcessDef(
        key=given["key"],
        name=given["name"],
        number=NumberPattern(given["number"]),
        start_by_api=by_api,
        start_by_resident=BY_RESIDENT in given["starts"],
        start_by_schedule=BY_SCHEDULE in given["starts"],
        only_called=given["starts"] == [BY_CALL],
        start_roles=tuple(roles),
        start_messages=tuple(messages),
        lanes=MappingProxyType(lanes),
        data=MappingProxyType(data),
        facts=tuple(dict.fromkeys(facts)),
        public=MappingProxyType(dict(given.get("public", {}))),
        verbs=verbs,
        returns=read_returns(given.get("returns", {})),
        no_match="error" if no_match == "error" else "null",
        attachments=endings.read_attachments(given.get("attachments", {})),
        reopen=reopen,
        revocable=frozenset(given.get("revocable", ())),
        unsatisfied=unsatisfied,
        marks=tuple(dict.fromkeys(marks)),
        on_parent_end=given.get("onParentEnd", "cancel"),
        placed_by=placed_by,
        statistics=statistics,
        measures=measured,
        schedules=schedules,
        repeats=repeats,
        prompts=told,
        publications=publications,
        releases=releases,
        above_sees=tuple(given.get("aboveSees", ())),
        place_tiers=tuple(given.get("placeTiers", ())),
        seen_above=tuple(given.get("seenAbove", ())),
        external_from=given.get("externalFrom"),
    )


def _check_number(text: str, found: Found) -> None:
    parts = _PART.findall(text)
    known = {"yyyymmdd", "yyyymm", "yyyy"}
    for part in parts:
        if part not in known and not re.fullmatch(r"seq:0[3-8]", part):
            found.error(
                "number-invalid",
                ("number",),
                f"编号里不认识“{{{part}}}”；可以写 {'、'.join(NUMBER_PARTS)}。",
                f'Unknown part "{{{part}}}" in the number.',
            )
    if sum(part.startswith("seq") for part in parts) != 1:
        found.error(
            "number-invalid",
            ("number",),
            "编号里要有且只有一个流水号，例如 {seq:05}。",
            "The number needs exactly one {seq:0n}.",
        )


def _starts(starts: list[str], found: Found) -> tuple[bool, list[str], list[str]]:
    by_api = False
    roles: list[str] = []
    messages: list[str] = []
    for i, start in enumerate(starts):
        kind, _, rest = start.partition(":")
        if start == "api":
            by_api = True
        elif kind == "person" and rest:
            roles.append(rest)
        elif kind == "message" and rest:
            messages.append(rest)
        elif start in (BY_CALL, BY_RESIDENT, BY_SCHEDULE):
            continue
        else:
            found.error(
                "value-invalid",
                ("starts", i),
                f"不认识启动方式“{start}”；可以写 api、person:角色（例如 person:dispatcher）、"
                "message:消息（例如 message:city.dispatch）、resident（居民自己登记）、"
                "schedule（由日历登记）、call（只供别的流程调用）。",
                f'Unknown start "{start}".',
            )
    return by_api, roles, messages


def _lanes(lanes: Mapping[str, str], found: Found) -> dict[str, Rule]:
    parsed: dict[str, Rule] = {}
    for name, text in lanes.items():
        try:
            parsed[name] = parse_rule(text)
        except RuleRefused as refused:
            found.error(
                refused.rule, ("lanes", name), f"泳道“{name}”：{refused.zh}", f'Lane "{name}": {refused.en}'
            )
    return parsed
