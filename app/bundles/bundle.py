"""A bundle as the rest of the product reads it: process, forms, clocks, messages; compiled once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from app.bundles import form_files, keys
from app.bundles.data_fields import DataField, chosen_name
from app.bundles.files import MESSAGES, PROCESS, SLA, BundleFiles
from app.bundles.form_files import FORM_NAME
from app.bundles.forms import Form
from app.bundles.keys import Found, finding
from app.bundles.linking import Drawn, drawn_in, placed_rule
from app.bundles.message_file import read_messages
from app.bundles.messages import NO_MESSAGES, Message
from app.bundles.process_file import ProcessDef, read_process
from app.bundles.rules import Rule, parse_rule
from app.bundles.sla import LIMITS, NO_SLA, Sla, read_sla
from app.bundles.yaml_file import YamlRefused, read_yaml
from app.engine import catalog
from app.engine.check.finding import Finding
from app.engine.decisions import Decisions, compile_decisions
from app.engine.source import Source
from app.engine.version import Step, Version


@dataclass(frozen=True)
class Bundle:
    """One version. `version` is its SM3 in hex; `process.data` holds every name, the reserved ones too."""

    version: str
    files: BundleFiles
    process: ProcessDef
    forms: Mapping[str, Form]
    sla: Sla
    messages: Mapping[str, Message] = field(default_factory=lambda: NO_MESSAGES)
    parts: "Mapping[str, Bundle]" = field(default_factory=dict)
    """What it calls, by call activity (`linking.py`): its words are then part of the above."""
    clocks_of: "Bundle | None" = None
    """The version whose clocks these are, where a case went over to its policy; else they are its own."""

    def under(self, other: "Bundle") -> "Bundle":
        """This version with the clocks of another one, and the tables that they ask."""
        return replace(self, sla=other.sla, clocks_of=other)

    @property
    def key(self) -> str:
        return self.process.key

    @property
    def source(self) -> Source:
        """What the engine parses."""
        return Source(
            self.version,
            self.key,
            self.files.files["process.bpmn"],
            called=self.files.called,
            decisions=self.decisions,
            no_match=self.process.no_match,
        )

    @property
    def decisions(self) -> Mapping[str, bytes]:
        """The files of decision tables by their path."""
        return self.files.decisions()

    @cached_property
    def tables(self) -> Decisions:
        """The decision tables by id. Raises DecisionsUnreadable; the check has looked before publishing."""
        return compile_decisions(self.decisions)

    def limit_table(self, name: str) -> str:
        """The decision that `table(name)` of sla.yaml means: `limits` is that of the file under `limits:`."""
        return self._limits if name == LIMITS else name

    @property
    def limit_tables(self) -> Decisions:
        """The tables that its clocks ask."""
        return (self.clocks_of or self).tables

    @property
    def no_limit(self) -> Literal["error", "null"]:
        """What is done when no rule of such a table matches, as its author said (`noMatch`)."""
        return (self.clocks_of or self).process.no_match

    @cached_property
    def limit_names(self) -> Mapping[str, frozenset[str]]:
        """Clock → the names whose values decide its limit; only clocks that ask a table,
        or end on a day of the case."""
        tables = {name: clock.table for name, clock in self.sla.clocks.items() if clock.table}
        days = {name: frozenset({clock.until}) for name, clock in self.sla.clocks.items() if clock.until}
        asked = self.limit_tables
        return days | {name: asked.reads(self.limit_table(table)) for name, table in tables.items()}

    @cached_property
    def _limits(self) -> str:
        path, files = self.sla.limits, (self.clocks_of or self).decisions
        inside = compile_decisions({path: files[path]}).tables if path in files else {}
        asked = {required for table in inside.values() for required in table.requires}
        tops = [name for name in inside if name not in asked]
        return tops[0] if LIMITS not in inside and len(tops) == 1 else LIMITS

    @property
    def engine(self) -> Version:
        """The parsed diagram, out of the engine's own catalog."""
        return catalog.get(self.version)

    @cached_property
    def drawn(self) -> Drawn:
        """What is drawn here and in what it calls."""
        return drawn_in(self.engine, self.parts, self.sla)

    def step(self, step: str) -> Step:
        """A user task, `visit` or `check/visit` inside the call activity `check`. Raises KeyError."""
        return self.drawn.steps[step]

    def part(self, place: str) -> "Bundle":
        """The bundle that drew what lies at this place."""
        bundle = self
        for element in place.split("/")[:-1]:
            bundle = bundle.parts[element]
        return bundle

    def name_of(self, place: str) -> str | None:
        """What its diagram calls an element; None when it has no name or is not there."""
        try:
            return self.part(place).engine.name_of(place.rpartition("/")[2])
        except KeyError:
            return None

    @cached_property
    def milestones(self) -> frozenset[str]:
        """The events that its diagram carries (`p:event`), at steps, in the line and at ends."""
        drawn = self.drawn
        told = {step.event for step in drawn.steps.values()} | {
            end.event for end in self.engine.ends.values()
        }
        told |= {event.extensions.get("event") for event in drawn.events.values()}
        told |= {end.event for end in drawn.ends.values()}
        return frozenset(event for event in told if event)

    @cached_property
    def secret_names(self) -> frozenset[str]:
        """The names whose values are sealed: no expression, list, event or log ever sees one."""
        return frozenset(name for name, field in self.process.data.items() if field.secret)

    def rules_of(self, lane: str | None, candidates: Sequence[str] = ()) -> tuple[Rule, ...]:
        """Who may do a step: its own candidate rules, else the rule of its lane; () when it has neither."""
        if candidates:
            return tuple(parse_rule(text) for text in candidates)
        rule = self.process.lanes.get(lane) if lane is not None else None
        return (rule,) if rule is not None else ()

    def rules_at(self, step: str) -> tuple[Rule, ...]:
        """Who may do a step: a called one as the process says that drew it."""
        within, part = step[: step.rfind("/") + 1], self.part(step)
        drawn = part.engine.step(step.rpartition("/")[2])
        rules = part.rules_of(drawn.lane, drawn.candidates)
        return tuple(placed_rule(rule, within) for rule in rules) if within else rules


def compile_bundle(files: BundleFiles) -> tuple[Bundle | None, list[Finding]]:
    """The YAML files read together. No bundle when a finding is an error; the diagram is not looked at."""
    findings: list[Finding] = []
    process = _read_process(files, findings)
    forms = _read_forms(files, process, findings) if process is not None else {}
    messages: Mapping[str, Message] = NO_MESSAGES
    if process is not None and not any(each.level == "error" for each in findings):
        process = _with_inline(process, forms.values())
        messages = _read_messages(files, process, findings)
    sla = _read_sla(files, findings)
    if process is None or sla is None or any(each.level == "error" for each in findings):
        return None, findings
    return Bundle(files.version, files, process, MappingProxyType(forms), sla, messages), findings


def open_file(name: str, data: bytes, findings: list[Finding]) -> Found | None:
    """The document of a YAML file ready to be checked, or None with the finding that says why not."""
    try:
        return Found(read_yaml(name, data))
    except YamlRefused as refused:
        findings.append(finding("error", refused.rule, name, refused.line, refused.zh, refused.en))
        return None


def _read_process(files: BundleFiles, findings: list[Finding]) -> ProcessDef | None:
    found = open_file(PROCESS, files.files[PROCESS], findings) if PROCESS in files.files else None
    if found is None:
        return None
    process = read_process(found, files.key)
    findings += found.findings
    return process


def _read_forms(files: BundleFiles, process: ProcessDef, findings: list[Finding]) -> dict[str, Form]:
    """Two rounds: first what forms declare by themselves, then the forms over all names."""
    opened: dict[str, Found] = {}
    data: dict[str, DataField] = dict(process.data)
    for name, content in files.forms().items():
        path = f"forms/{name}.yaml"
        if not re.fullmatch(FORM_NAME, name):
            findings.append(
                finding(
                    "error",
                    "name-invalid",
                    path,
                    None,
                    "表单的文件名只能含小写字母、数字、下划线，以字母开头。",
                    "Invalid form name.",
                )
            )
            continue
        found = open_file(path, content, findings)
        if found is None:
            continue
        if keys.check(form_files.SHAPE, found.doc.value, found):
            opened[name] = found
            for each in form_files.inline_fields(found).values():
                data.setdefault(each.name, each)
        else:
            findings += found.findings
    forms: dict[str, Form] = {}
    for name, found in opened.items():
        form = form_files.read_form(name, found, data)
        findings += found.findings
        if form is not None:
            forms[name] = form
    return forms


def _read_sla(files: BundleFiles, findings: list[Finding]) -> Sla | None:
    if SLA not in files.files:
        return NO_SLA
    found = open_file(SLA, files.files[SLA], findings)
    if found is None:
        return None
    sla = read_sla(found)
    findings += found.findings
    return sla


def _read_messages(files: BundleFiles, process: ProcessDef, findings: list[Finding]) -> Mapping[str, Message]:
    found = open_file(MESSAGES, files.files[MESSAGES], findings) if MESSAGES in files.files else None
    if found is None:
        return NO_MESSAGES
    messages = read_messages(found, process.data)
    findings += found.findings
    return messages


def _with_inline(process: ProcessDef, forms: Iterable[Form]) -> ProcessDef:
    data = dict(process.data)
    for form in forms:
        for each in form.fields:
            data.setdefault(each.name, each.data)
            if each.data.type == "category":
                kept = chosen_name(each.data)
                data.setdefault(kept.name, kept)
    return replace(process, data=MappingProxyType(data))
