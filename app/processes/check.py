"""Checks a process folder as a whole: its files, diagram and scenarios, and what they say of each other."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from app.bundles import files as bundle_files
from app.bundles.bundle import Bundle, compile_bundle
from app.bundles.data_fields import DataField
from app.bundles.files import BundleFiles
from app.bundles.keys import finding
from app.bundles.linking import linked
from app.bundles.rules import rule_error
from app.cases import handlers
from app.engine.check import check as check_diagram
from app.engine.check.finding import Finding
from app.engine.check.names import UNKNOWN_ROLE
from app.engine.source import Earlier, Names
from app.engine.xml import calls_in
from app.identity.org_file import OrgFile, RoleLine, read_org
from app.identity.org_nodes import OrgRefused
from app.processes import (
    advice,
    calling,
    counting,
    cross,
    decisions,
    external,
    feeding,
    hearing,
    messages,
    parallel,
    showing,
    staffing,
)
from app.processes import told as told_of
from app.processes.callees import NOTHING, Callee, Callees, pins
from app.processes.cross import open_diagram
from app.processes.scenario_check import Against, read_scenario

ORG_FILE = "_org.yaml"
UNKNOWN_NAME = ("bpmn-unknown-name", "dmn-unknown-input")


@dataclass(frozen=True)
class Checked:
    """What a check found. `bundle` is there unless a YAML file has errors; `good` may be published.

    `pins` are the processes it calls, by key, in the versions that it will go on calling.
    """

    files: BundleFiles
    bundle: Bundle | None
    findings: tuple[Finding, ...]
    pins: Mapping[str, Callee] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return self.bundle is not None and not any(each.level == "error" for each in self.findings)

    @property
    def topics(self) -> dict[str, str]:
        """Topics of work outside that accounts must be granted, each with the label of its element."""
        diagram = open_diagram(self.files.files.get(bundle_files.DIAGRAM, b""))
        works = external.works(diagram).values() if diagram is not None else ()
        return {work.topic: work.node.label for work in works}

    def count(self, level: str) -> int:
        return sum(each.level == level for each in self.findings)


def check_folder(
    folder: Path,
    previous: Earlier | None = None,
    roles: Sequence[RoleLine] | None = None,
    callees: Callees | None = None,
) -> Checked:
    """Everything wrong with a folder; never raises for its content. The organisation is the one beside it,
    and so is what it calls, unless `callees` says otherwise."""
    files, findings = bundle_files.read_folder(folder)
    org, about_org = org_beside(folder)
    callees = callees if callees is not None else Callees(folder.parent)
    return check_files(files, org, [*findings, *about_org], previous, roles, callees)


def check_files(
    files: BundleFiles,
    org: OrgFile | None = None,
    before: Collection[Finding] = (),
    previous: Earlier | None = None,
    roles: Sequence[RoleLine] | None = None,
    callees: Callees = NOTHING,
) -> Checked:
    """The same for files in memory. `org` makes roles and names known; None leaves them unchecked. What is
    called is pinned as `callees` find it.

    `roles` are those of the installation, where they may differ from the file's by now.
    `previous` is the version new cases start with now: steps that vanish are warned of. `before` is what
    reading the files already found.
    """
    findings = list(before)
    bundle: Bundle | None = None
    try:
        files = callees.pinned(files)
        bundle, about_files = compile_bundle(files)
        findings += about_files
        if bundle is not None:
            bundle = linked(bundle, callees.parts(files))
            findings += _look(bundle, org, previous, _roles(org, roles), callees)
        elif bundle_files.DIAGRAM in files.files:  # say what can be said of the diagram alone
            findings += _only_diagram(files)
    except RecursionError as error:
        findings.append(_failed(error))
    except Exception as error:  # a checker that dies tells its user nothing
        findings.append(_failed(error))
    return Checked(files, bundle, tuple(_ordered(findings)), pins(bundle, callees))


def names_of(bundle: Bundle, roles: Mapping[str, RoleLine] | None, callees: Callees = NOTHING) -> Names:
    """What the diagram of a bundle may refer to."""
    data = bundle.process.data
    called = set(calls_in(bundle.files.files[bundle_files.DIAGRAM]).values())
    found = {key for key in called if callees.find(key) is not None}
    return Names(
        data={name: _kind(field) for name, field in data.items() if not field.secret},
        forms=frozenset(bundle.forms),
        lanes=frozenset(bundle.process.lanes),
        clocks={name: frozenset(t.key for t in bundle.sla.tiers_of(name)) for name in bundle.sla.clocks},
        messages=frozenset(bundle.messages),
        bundles=frozenset(found | callees.keys()) - {bundle.key} if called else frozenset(),
        calls=callees.graph(found),
        decisions=decisions.ids(bundle),
        handlers={name: each.signature for name, each in handlers.every().items()},
        rule_error=partial(
            rule_error,
            roles=_names(roles),
            unit_fields=cross.unit_fields(bundle),
        ),
    )


def _kind(field: DataField) -> str:
    return "list" if field.per_item else field.type


def _of_secrets(each: Finding, bundle: Bundle) -> Finding:
    """To the diagram and the tables a secret name is unknown; its author is told why."""
    for name in sorted(bundle.secret_names):
        if each.level == "error" and re.search(rf"\b{name}\b", each.zh) and each.rule in UNKNOWN_NAME:
            label = bundle.process.data[name].label
            why = f"“{name}”（{label}）是加密保存的（secret: true），不能用在条件、决策表和自动处理里。"
            return replace(each, rule="secret-in-condition", zh=f"{each.zh}{why}")
    return each


def _roles(org: OrgFile | None, live: Sequence[RoleLine] | None) -> dict[str, RoleLine] | None:
    """The roles there are; None when nobody knows."""
    known = live if live is not None else org.roles if org is not None else None
    return None if known is None else {role.key: role for role in known}


def _names(roles: Mapping[str, RoleLine] | None) -> dict[str, str] | None:
    """Role → its Chinese name."""
    return None if roles is None else {role.key: role.name for role in roles.values()}


def org_beside(folder: Path) -> tuple[OrgFile | None, list[Finding]]:
    """The organisation file that lies beside a process folder, and what is wrong with it."""
    path = folder.parent / ORG_FILE
    try:
        return read_org(path.read_bytes()), []
    except OSError:
        return None, []
    except OrgRefused as refused:
        return None, [
            finding("error", "org-invalid", f"../{ORG_FILE}", line, text, text)
            for line, text in refused.findings
        ]


def _look(
    whole: Bundle,
    org: OrgFile | None,
    previous: Earlier | None,
    roles: Mapping[str, RoleLine] | None,
    callees: Callees,
) -> list[Finding]:
    """`whole` is the bundle with what it calls; its own files may name what they declare themselves."""
    bundle = compile_bundle(whole.files)[0] if whole.parts else whole
    assert bundle is not None
    names = names_of(bundle, roles, callees)
    about_tables = decisions.check(bundle, names)
    findings = [weighed(each) for each in check_diagram(bundle.source, names, previous)]
    if any(each.level == "error" for each in about_tables):  # a table that is wrong is not missing too
        findings = [each for each in findings if each.rule != decisions.UNKNOWN]
    findings += about_tables
    diagram = open_diagram(bundle.files.files[bundle_files.DIAGRAM])
    if diagram is None:
        return findings
    told = frozenset(each.element for each in findings if each.element and each.level == "error")
    findings += calling.check(bundle, diagram, callees, told)
    gone = cross.refused_ids(diagram, findings)
    findings = [each for each in findings if not _echoes(each, gone)]
    findings += cross.check(bundle, diagram, _names(roles), gone, whole.parts)
    findings += staffing.check(bundle, diagram, roles or {})
    if org is not None:
        findings += staffing.check_units(bundle, {unit.code for unit in org.units})
    findings += told_of.check(bundle, roles)
    findings += parallel.check(whole, diagram)
    findings += messages.check(bundle, diagram)
    findings += external.check(bundle, diagram)
    findings += feeding.check(bundle, diagram, callees)
    findings += counting.check(bundle, diagram, callees)
    findings += [*showing.check(bundle, diagram), *showing.check_offered(bundle, callees)]
    findings += hearing.check(bundle, diagram, callees)
    findings += advice.check(bundle, diagram)
    findings += decisions.check_use(bundle, diagram)
    against = Against(whole, diagram, org, gone)
    for name, data in bundle.files.scenarios().items():
        _, about = read_scenario(f"scenarios/{name}.yaml", data, against)
        findings += about
    return [_of_secrets(each, bundle) for each in findings]


def _echoes(each: Finding, refused: Collection[str]) -> bool:
    """Whether a condition is blamed for naming a step that is refused at its own place."""
    return each.rule == "bpmn-unknown-step" and any(f"outcome({step})" in each.zh for step in refused)


def weighed(each: Finding) -> Finding:
    """A step that nobody is asked to do is a remark about a drawing; as a process it would stand for ever."""
    return replace(each, level="error") if each.rule == UNKNOWN_ROLE else each


def _only_diagram(files: BundleFiles) -> list[Finding]:
    """Errors of form alone: without the other files every name would be unknown."""
    from app.engine.xml import XmlRefused, read

    try:
        read(files.files[bundle_files.DIAGRAM])
    except XmlRefused as refused:
        return [
            Finding("error", refused.rule, bundle_files.DIAGRAM, refused.line, None, refused.zh, refused.en)
        ]
    return []


def _failed(error: Exception) -> Finding:
    kind = type(error).__name__
    zh = f"检查时出现意外（{kind}），这是检查程序的缺陷，请把这个文件夹交给管理员。"
    return finding(
        "error", "check-failed", bundle_files.PROCESS, None, zh, f"The check itself failed ({kind})."
    )


def _ordered(findings: list[Finding]) -> list[Finding]:
    """Errors first, then by file and line; the same sentence once."""
    rank: Mapping[str, int] = {"error": 0, "warning": 1}
    unique = {(each.rule, each.file, each.line, each.zh): each for each in findings}
    return sorted(unique.values(), key=lambda each: (rank[each.level], each.file, each.line or 0))
