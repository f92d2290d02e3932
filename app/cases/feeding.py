"""登记另一流程: what a diagram may file elsewhere, as a case of its own, in the same transaction."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from app.bundles import Bundle, store
from app.bundles.data_fields import KEPT_BY_THE_CASE, chosen_name
from app.bundles.forms import AnswersRefused
from app.bundles.messages import OF_PROCESS
from app.bundles.values import Wrong, is_empty, reader
from app.cases import assign, numbers
from app.cases.attachments.models import attachments
from app.cases.birth import born
from app.cases.commands.feeding import Begin
from app.cases.handlers import Context, handler
from app.cases.links.tying import link_of
from app.cases.motion import Motion, Row, expression_data
from app.cases.secrets.taking import hush
from app.cases.sync import grant
from app.cases.verbs.attach import refer_to
from app.engine.errors import HandlerFailed
from app.identity import org

NAME = "cases.file"
LINKS = {"escalated_as": True, "caused_by": False, "related": True}
"""How the two are tied → whether it is said of the case that files (上报为) or of the filed one (起因于)."""
USUAL_LINK = "caused_by"
YES = (True, "true", "yes", "是")
LONGEST_SOURCE = 60
LONGEST_TITLE = 200

_PAIR = re.compile(r"\s*([a-z_][a-z0-9_]*)\s*(?:=\s*(?:'([^']*)'|([a-z_][a-z0-9_]*))\s*)?")
_FILES = (
    select(attachments)
    .where(attachments.c.case_id == bindparam("case"), attachments.c.state == "kept")
    .order_by(attachments.c.id)
)


@dataclass(frozen=True)
class Pair:
    """One name of the filed case, and what fills it: a name of the case that files, or a text."""

    to: str
    of: str | None
    text: str | None


class MappingUnread(ValueError):
    """The place in the text that is no `name`, `name=name` or `name='text'`."""


def read_mapping(text: str) -> tuple[Pair, ...]:
    """`content, category=label, kind='上报'` as pairs. Raises MappingUnread with what is none."""
    return tuple(_pairs(text))


def _pairs(text: str) -> Iterator[Pair]:
    for part in re.split(r"[,，\n](?=(?:[^']*'[^']*')*[^']*$)", text):
        if not part.strip():
            continue
        found = _PAIR.fullmatch(part)
        if found is None:
            raise MappingUnread(part.strip())
        to, said, of = found.groups()
        yield Pair(to, None if said is not None else of or to, said)


@handler(
    NAME,
    "登记另一个流程的办件，与本件在同一时刻生效：process 写流程的键，用它此时发布的版本；"
    "data 写带过去的内容，逗号隔开，例如 content, category=label, kind='上报'"
    "（对方的名字=本件的名字或文字）；"
    "title 标题（不写用本件的）；source 来源（不写用本流程的名称）；place 所在单位的代码（不写用本件的）；"
    "since 从什么时候起算（不写从此时）；link 写 caused_by（不写就是它：起因于本件）、"
    "escalated_as（上报为）或 related；files 写 yes 引用本件的附件；reporter 写 no 不带上诉求人",
    needs=("process",),
    takes=("data", "title", "source", "place", "since", "link", "files", "reporter"),
    gives=("case", "number"),
)
def file(context: Context) -> dict[str, Any]:
    """A new case of another process, with a number and a tree of its own; both cases tell of it.

    Raises HandlerFailed when the other process does not take what it is given.
    """
    motion, given = context.motion, context.params
    bundle = _target(motion, str(given["process"]).strip())
    filed = _born(motion, bundle, given)
    _fill(motion, filed, read_mapping(str(given.get("data") or "")))
    _tie(motion, filed, str(given.get("link") or USUAL_LINK))
    if given.get("files") in YES:
        for row in _files(motion):
            refer_to(filed, row)
    filed.acts.append("Start")
    motion.ask(Begin(motion.case["id"], filed))
    return {"case": filed.case["id"], "number": filed.case["number"]}


def _target(motion: Motion, key: str) -> Bundle:
    head = store.head(motion.session, key)
    if head is None:
        raise HandlerFailed(f"（没有发布过名为“{key}”的流程，不能登记）")
    if head.retired:
        raise HandlerFailed(f"（流程“{key}”已停用，不能登记）")
    return store.version(motion.session, head.version_id)


def _born(motion: Motion, bundle: Bundle, given: Mapping[str, Any]) -> Motion:
    """The case with its number, its place and whose it is; it holds nothing yet."""
    place, tiers = _place(motion, given.get("place")), bundle.process.place_tiers
    if tiers and place.tier not in tiers:
        raise HandlerFailed(f"（“{bundle.process.name}”不能登记在“{place.name}”）")
    case, since = motion.case, _since(motion, given.get("since"))
    reporter = case["reporter_id"] if given.get("reporter", True) in YES else None
    filed = born(
        motion.session,
        motion.actor,
        bundle,
        motion.now,
        place,
        number=numbers.take_within(motion.session, bundle.process.number, since),
        title=str(given.get("title") or case["title"]).strip()[:LONGEST_TITLE],
        source=str(given.get("source") or motion.bundle.process.name).strip()[:LONGEST_SOURCE],
        priority=case["priority"],
        received_at=since,
        reporter_id=reporter,
        filed_from=case["id"],
    )
    assign.share(motion, filed)
    for read in ("units", "categories"):
        filed.asked[read] = motion.asked.setdefault(read, {})
    filed.case["title"] = hush(filed, "title", filed.case["title"])
    if reporter is not None and case["data"].get("reporter") is not None:
        filed.write({"reporter": case["data"]["reporter"]})
    filed.tell("case.received", since=since.isoformat(), number=filed.case["number"])
    staff = motion.actor.id if motion.actor.kind == "person" else None
    for person in {staff, reporter} - {None}:
        grant(filed, f"person:{person}", "started")
    return filed


def _place(motion: Motion, code: Any) -> org.Unit:
    unit = org.unit_by_code(motion.session, str(code or motion.case["place_unit"]))
    if unit is None or not unit.valid_at(motion.now):
        raise HandlerFailed(f"（没有代码为“{code}”的单位，不知道登记在哪里）")
    return unit


def _since(motion: Motion, said: Any) -> datetime:
    if not said:
        return motion.now
    try:
        since = datetime.fromisoformat(str(said))
    except ValueError:
        since = motion.now.replace(tzinfo=None)
    if since.tzinfo is None or since > motion.now:
        raise HandlerFailed(f"（since“{said}”不是此时以前的时刻）")
    return since


def _fill(motion: Motion, filed: Motion, pairs: tuple[Pair, ...]) -> None:
    """Texts are the diagram's own word: kept as their type, whatever a form would offer to people. What else
    the start form asks is held against that form; other declared names are read as their type.
    """
    bundle = filed.bundle
    for pair in pairs:
        if pair.of is None:
            filed.write(_read(filed, pair.to, pair.text))
    known = expression_data(motion.bundle, motion.case)
    values = {pair.to: known.get(pair.of) for pair in pairs if pair.of is not None}
    form = bundle.forms.get(bundle.engine.start_form or "")
    if form is not None:
        said = {pair.to for pair in pairs if pair.of is None}
        left = replace(form, fields=tuple(each for each in form.fields if each.name not in said))
        asked = {each.name for each in left.fields}
        answers = {name: values.pop(name) for name in asked & values.keys()}
        given = {name: value for name, value in answers.items() if not is_empty(value)}
        try:
            filed.write(left.check(given, expression_data(bundle, filed.case), filed.lookups))
        except AnswersRefused as refused:
            raise HandlerFailed(_said(bundle, "".join(each.message for each in refused.errors))) from None
    for name, value in values.items():
        filed.write(_read(filed, name, value))


def _read(filed: Motion, name: str, value: Any) -> Mapping[str, Any]:
    """The value as its type holds it; of a category also what it is called now."""
    declared = filed.bundle.process.data.get(name)
    if declared is None or name in KEPT_BY_THE_CASE:
        raise HandlerFailed(_said(filed.bundle, f"没有可以写入的“{name}”。"))
    try:
        clean = None if is_empty(value) else reader(declared)(value, filed.now)
    except Wrong as wrong:
        raise HandlerFailed(_said(filed.bundle, f"“{declared.label}”：{wrong.zh}")) from None
    if declared.type != "category" or clean is None:
        return {name: clean}
    called = filed.lookups.categories(declared.table, (clean,)).get(clean)
    if called is None:
        raise HandlerFailed(_said(filed.bundle, f"“{clean}”不是“{declared.label}”现在可选的分类"))
    return {name: clean, chosen_name(declared).name: called.name}


def _said(bundle: Bundle, why: str) -> str:
    return f"（“{bundle.process.name}”不接受带过去的内容：{why.rstrip('。')}）"


def _files(motion: Motion) -> list[Row]:
    """The case's attachments, those included that came with it a moment ago."""
    kept = motion.session.execute(_FILES, {"case": motion.case["id"]}).mappings()
    return [*map(dict, kept), *motion.changes.inserts["attachments"]]


def _tie(motion: Motion, filed: Motion, kind: str) -> None:
    """A link that both timelines tell."""
    if kind not in LINKS:
        raise HandlerFailed(f"（link“{kind}”不是 {'、'.join(LINKS)}）")
    ours, theirs, outward = motion.case["id"], filed.case["id"], LINKS[kind]
    ends = (ours, theirs) if outward else (theirs, ours)
    filed.changes.insert("case_links", link_of(motion, *ends, kind))
    motion.tell("case.linked", kind=kind, other=theirs, outward=outward)
    filed.tell("case.linked", kind=kind, other=ours, outward=not outward)


def mirror(motion: Motion, filed: Motion) -> None:
    """Where this case has the status of the filed one (`mirror`) it has it at once; later it is told."""
    sender = OF_PROCESS + filed.bundle.key
    if any(message.mirror and message.sender == sender for message in motion.bundle.messages.values()):
        motion.case["status"] = filed.case["status"] or motion.case["status"]
