"""What a process files elsewhere (cases.file): the other process is there and takes what it is given."""

from collections.abc import Iterator

from app.bundles.bundle import Bundle
from app.bundles.data_fields import KEPT_BY_THE_CASE, TYPES, DataField
from app.bundles.files import DIAGRAM
from app.bundles.forms import FormField
from app.bundles.keys import nearest
from app.cases.feeding import LINKS, NAME, Pair
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.processes.callees import Callees
from app.processes.cross import open_diagram
from app.processes.services import Call, calls, other, pairs_of

PROCESS = "filed-process"
VALUE = "filed-value"
DATA = "filed-data"
REQUIRED = "filed-required"
ENVELOPE = ("title", "priority", "place_unit")
"""Reserved names that have an input of their own, or come from the case."""
AS_TEXT = ("text", "choice", "date", "datetime", "int", "decimal", "category", "unit", "person")
"""Types whose value a text field takes as it is kept."""


def check(bundle: Bundle, diagram: Diagram, callees: Callees) -> Iterator[Finding]:
    """Findings about every step that files a case of another process."""
    for filing in calls(diagram, NAME):
        yield from _values(filing)
        target = _target(filing, callees, bundle.key)
        if isinstance(target, Finding):
            yield target
        elif target is not None:
            yield from _mapping(filing, bundle, target)


def _values(filing: Call) -> Iterator[Finding]:
    said = filing.said
    link = said.get("link", "")
    if link and not link.startswith("${") and link not in LINKS:
        yield filing.tells(
            VALUE, f" 的 link“{link}”不对；可以写{nearest(link, LINKS)}。", f' has link "{link}".'
        )
    for name in ("files", "reporter"):
        value = said.get(name, "")
        if value and not value.startswith("${") and value not in ("yes", "no"):
            yield filing.tells(
                VALUE, f" 的 {name}“{value}”不对；写 yes 或 no。", f' has {name} "{value}"; write yes or no.'
            )


def _target(filing: Call, callees: Callees, own: str) -> "Bundle | Finding | None":
    key = filing.key
    if key == own:
        zh = " 登记的是本流程自己，会没有尽头；请写另一个流程。"
        return filing.tells(PROCESS, zh, " files its own process.")
    found, callee = other(filing, PROCESS, "登记", callees, own), callees.find(key)
    if not isinstance(found, Bundle) or callee is None:
        return found
    if callee.retired:
        return filing.tells(PROCESS, f" 登记的流程“{callee.name}”({key}) 已停用。", f" files {key}, retired.")
    if found.process.only_called or key.startswith("side_"):
        zh = f" 登记的“{callee.name}”({key}) 只供别的流程调用，不能单独登记。"
        return filing.tells(PROCESS, zh, f" files {key}, which is no case of its own.")
    return found


def _mapping(filing: Call, bundle: Bundle, target: Bundle) -> Iterator[Finding]:
    pairs = pairs_of(filing, "data", VALUE, "content, category=label, kind='上报'")
    if isinstance(pairs, Finding):
        yield pairs
        return
    form = target.forms.get(_start_form(target))
    asked = {field.name: field for field in form.fields} if form is not None else {}
    for pair in pairs:
        why = _wrong(pair, bundle, target, asked)
        if why is not None:
            yield filing.tells(DATA, f" 的 data：{why}", f' maps "{pair.to}" wrongly.')
    given = {pair.to for pair in pairs}
    for field in asked.values():
        if field.required and field.show_if is None and field.name not in given:
            zh = f" 没有给“{target.process.name}”必填的“{field.label}”({field.name})；请写进 data。"
            yield filing.tells(REQUIRED, zh, f' leaves out "{field.name}", which is required.')


def _start_form(target: Bundle) -> str:
    """The form that a plain start of the other process names; it need not be published yet."""
    diagram = open_diagram(target.files.files[DIAGRAM])
    starts = diagram.of_kind("startEvent") if diagram is not None else ()
    plain_start = next((each for each in starts if not each.definitions), None)
    return plain_start.attributes.get("formKey", "").strip() if plain_start is not None else ""


def _wrong(pair: Pair, bundle: Bundle, target: Bundle, asked: dict[str, FormField]) -> str | None:
    """Why one name cannot be filled like this; None when it can."""
    called = f"“{target.process.name}”"
    to = asked[pair.to].data if pair.to in asked else target.process.data.get(pair.to)
    if to is None:
        known = [name for name in target.process.data if name not in KEPT_BY_THE_CASE]
        return f"{called}没有“{pair.to}”；有{nearest(pair.to, [*asked, *known])}。"
    if pair.to in ENVELOPE or pair.to in KEPT_BY_THE_CASE or to.names or to.per_item or to.type == "files":
        return f"{called}的“{to.label}”({pair.to}) 由系统填写、各填各的或是附件，不能这样带过去。"
    if pair.of is None:
        return _text_fits(str(pair.text), to)
    of = bundle.process.data.get(pair.of)
    if of is None:
        return f"本流程没有“{pair.of}”；有{nearest(pair.of, list(bundle.process.data))}。"
    if of.secret or of.per_item or of.type == "files":
        return f"“{of.label}”({pair.of}) 是加密保存的、各填各的或是附件，不能这样带过去。"
    return types_fit(of, to)


def _text_fits(text: str, to: DataField) -> str | None:
    if to.type == "choice" and text not in to.options:
        return f"“{to.label}”({to.name}) 没有“{text}”；有{nearest(text, to.options)}。"
    if to.type not in ("text", "choice", "category", "unit", "person"):
        return f"“{to.label}”({to.name}) 是{TYPES[to.type]}，不能填文字。"
    return None


def types_fit(of: DataField, to: DataField) -> str | None:
    """Why what one name holds cannot become what the other holds; None when it can."""
    same = (of.type, of.item, of.table) == (to.type, to.item, to.table)
    if to.type == "text" and of.type in AS_TEXT:
        return None
    if not same:
        return (
            f"“{of.label}”({of.name}) 是{TYPES[of.type]}，“{to.label}”({to.name}) 是{TYPES[to.type]}，"
            "或取自不同的表，两边要一样。"
        )
    left = [each for each in of.options if each not in to.options]
    if left:
        return f"“{of.label}”({of.name}) 的{'、'.join(left)}，“{to.label}”({to.name}) 没有。"
    return None
