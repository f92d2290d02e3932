"""What process.yaml and the forms say of single steps, held against the steps that are drawn."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from app.bundles import form_files
from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM, PROCESS
from app.bundles.keys import finding, nearest
from app.bundles.verbs import REJECTED, steps_named
from app.bundles.yaml_file import Doc, Path, read_yaml
from app.cases.measuring import reading
from app.cases.measuring.terms import Reading, Tables
from app.cases.models import cases
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.words import plain
from app.publications.measuring import FUNCTIONS


def check(bundle: Bundle, diagram: Diagram, process: Doc, steps: Mapping[str, str]) -> list[Finding]:
    """`steps` are the user tasks by id, with those that were refused already."""
    findings = [*_forms(bundle, diagram), *_verbs(bundle, diagram, process, steps)]
    findings += _attachments(bundle, diagram, process, steps)
    findings += [
        *_releases(bundle, process, steps),
        *_reopen(bundle, process, steps),
        *_revocable(bundle, process, steps),
    ]
    findings += _told(bundle, process, steps)
    findings += _scheduled(bundle, diagram, process)
    return [*findings, *_counted(bundle, process, steps), *_measured(bundle, diagram, process, steps)]


def _forms(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    used = {node.attributes.get("formKey", "").strip() for node in diagram.every.values()}
    misspelt = used - set(bundle.forms) - {""}
    meant = {close for each in misspelt for close in get_close_matches(each, bundle.forms, 1)}
    for name in bundle.forms:
        if name not in used | meant:
            zh = "图中没有任务或开始事件使用这张表单（formKey）。"
            yield finding("warning", "form-unused", f"forms/{name}.yaml", None, zh, "No step uses this form.")
    for node in diagram.every.values():
        form = bundle.forms.get(node.attributes.get("formKey", "").strip())
        for i, key, text in form_files.outcomes_named(form) if form is not None else ():
            known = [outcome.name for outcome in node.outcomes] if node.kind == "userTask" else []
            if text in known:
                continue
            file = f"forms/{form.name}.yaml"  # type: ignore[union-attr]
            line = read_yaml(file, bundle.files.files[file]).line(("fields", i, key))
            zh = f"{key} 比较了结论“{plain(text)}”，用这张表的{node.named.zh} 没有它；"
            zh += f"有{nearest(text, known)}。" if known else "登记时没有结论可选。"
            yield finding("error", "outcome-unknown", file, line, zh, f'No outcome "{plain(text)}".')


def _scheduled(bundle: Bundle, diagram: Diagram, process: Doc) -> Iterator[Finding]:
    """What the calendar files of this very process it may file, and its start form takes and is given all."""
    starts = [node for node in diagram.of_kind("startEvent") if not node.definitions]
    form = bundle.forms.get(starts[0].attributes.get("formKey", "").strip()) if starts else None
    fields = {each.name: each for each in form.fields if not each.readonly} if form is not None else {}
    for i, each in enumerate(bundle.process.schedules):
        if each.process != bundle.key:
            continue
        line = process.line(("schedules", i))
        if not bundle.process.start_by_schedule:
            zh = f"定期启动“{each.name}”登记本流程，starts 里要有 schedule。"
            yield finding("error", "schedule-start", PROCESS, line, zh, "starts lacks schedule.")
        for name in each.form:
            if name not in fields:
                zh = f"定期启动“{each.name}”填写的“{name}”不在登记表里；有{nearest(name, fields)}。"
                yield finding("error", "schedule-start", PROCESS, line, zh, f'"{name}" is not in the form.')
        for name, field in fields.items():
            if field.required and field.show_if is None and name not in each.form:
                zh = f"定期启动“{each.name}”没有填写登记表必填的“{field.label}”（{name}），写在 form 里。"
                yield finding("error", "schedule-start", PROCESS, line, zh, f'"{name}" is required.')


def _verbs(bundle: Bundle, diagram: Diagram, process: Doc, steps: Mapping[str, str]) -> Iterator[Finding]:
    """Verbs are said of steps that there are; 退单 is an outcome of the step that may refuse an order."""
    for path, step in steps_named(bundle.process.verbs):
        if step not in steps:
            zh = f"verbs：图中没有环节“{step}”；有{nearest(step, steps)}。"
            yield finding("error", "verb-step-unknown", PROCESS, process.line(path), zh, f'No step "{step}".')
    for step, said in bundle.process.verbs.items():
        node = diagram.steps.get(step)
        if node is None or "rejectOrder" not in said.rules:
            continue
        if all(outcome.name != REJECTED for outcome in node.outcomes):
            zh = f"{node.named.zh} 可以退单（rejectOrder），结论里要有“{REJECTED}”，例如 签收, {REJECTED}!。"
            en = f'{node.named.en} needs the outcome "{REJECTED}".'
            yield Finding("error", "verb-without-outcome", DIAGRAM, node.line, node.id, zh, en)


def _attachments(
    bundle: Bundle, diagram: Diagram, process: Doc, steps: Mapping[str, str]
) -> Iterator[Finding]:
    for step, rule in bundle.process.attachments.items():
        for named in (step, *rule.of):
            if named not in steps:
                zh = f"attachments：图中没有环节“{named}”；有{nearest(named, steps)}。"
                line = process.line(("attachments", step))
                yield finding("error", "step-unknown", PROCESS, line, zh, f'No step "{named}".')
        node = diagram.steps.get(step)
        known = [outcome.name for outcome in node.outcomes] if node is not None else list(rule.outcomes)
        for outcome in rule.outcomes:
            if outcome not in known:
                zh = f"attachments：环节“{steps[step]}”没有办理结论“{outcome}”；有{nearest(outcome, known)}。"
                line = process.line(("attachments", step, "outcomes"))
                yield finding("error", "outcome-unknown", PROCESS, line, zh, f'No outcome "{outcome}".')


def _releases(bundle: Bundle, process: Doc, steps: Mapping[str, str]) -> Iterator[Finding]:
    for step in bundle.process.releases:
        if step not in steps:
            zh = f"releases：图中没有环节“{step}”；有{nearest(step, steps)}。"
            line = process.line(("releases", step))
            yield finding("error", "step-unknown", PROCESS, line, zh, f'No step "{step}".')


def _told(bundle: Bundle, process: Doc, steps: Mapping[str, str]) -> Iterator[Finding]:
    """Steps at which something is told of the case: repeated complaints, hints."""
    repeats = bundle.process.repeats
    named: list[tuple[str, Path, tuple[str, ...]]] = []
    if repeats is not None:
        named.append(("repeats", ("repeats", "steps"), repeats.steps))
    for i, hint in enumerate(bundle.process.prompts):
        named.append(("prompts", ("prompts", i, "steps"), hint.steps))
    for key, path, each in named:
        for step in each:
            if step not in steps:
                zh = f"{key}：图中没有环节“{step}”；有{nearest(step, steps)}。"
                yield finding("error", "step-unknown", PROCESS, process.line(path), zh, f'No step "{step}".')


def _revocable(bundle: Bundle, process: Doc, steps: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(bundle.process.revocable - set(steps)):
        zh = f"revocable：图中没有环节“{name}”；有{nearest(name, steps)}。"
        yield finding(
            "error", "step-unknown", PROCESS, process.line(("revocable",)), zh, f'No step "{name}".'
        )


def _reopen(bundle: Bundle, process: Doc, steps: Mapping[str, str]) -> Iterator[Finding]:
    rule = bundle.process.reopen
    if rule is not None and rule.to not in steps:
        zh = f"reopen：图中没有环节“{rule.to}”；有{nearest(rule.to, steps)}。"
        yield finding(
            "error", "step-unknown", PROCESS, process.line(("reopen", "to")), zh, f'No step "{rule.to}".'
        )


def _counted(bundle: Bundle, process: Doc, steps: Mapping[str, str]) -> Iterator[Finding]:
    counting, clocks = bundle.process.statistics, bundle.sla.clocks
    if counting is not None and counting.clock is not None and counting.clock not in clocks:
        zh = f"statistics：sla.yaml 里没有时钟“{counting.clock}”；有{nearest(counting.clock, clocks)}。"
        line = process.line(("statistics", "clock"))
        yield finding("error", "clock-unknown", PROCESS, line, zh, f'No clock "{counting.clock}".')
    if counting is not None and counting.person is not None and counting.person not in steps:
        zh = f"statistics：图中没有环节“{counting.person}”；有{nearest(counting.person, steps)}。"
        line = process.line(("statistics", "person"))
        yield finding("error", "step-unknown", PROCESS, line, zh, f'No step "{counting.person}".')


def _measured(bundle: Bundle, diagram: Diagram, process: Doc, steps: Mapping[str, str]) -> Iterator[Finding]:
    """Measures name clocks, tiers, steps, ends and options that there are, and compare like with like."""
    outcomes = {id: [each.name for each in node.outcomes] for id, node in diagram.steps.items()}
    known = {step: outcomes.get(step, []) for step in steps}
    ends = [id for id, node in diagram.every.items() if node.kind == "endEvent"]
    for key, measure in bundle.process.measures.items():
        for part, zh in reading.errors(Reading(bundle, Tables(cases.c.id), known, ends, FUNCTIONS), measure):
            line = process.line(("measures", key, part))
            said = f"指标“{measure.label}”（{key}）的 {part}：{zh}"
            yield finding("error", "measure-invalid", PROCESS, line, said, f"measure {key}: {part}.")
