"""Publishes a checked folder as a version that never changes; running cases keep theirs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import bindparam, func, select

from app.bundles import store
from app.bundles.bundle import Bundle
from app.bundles.files import PROCESS, BundleFiles
from app.bundles.keys import finding
from app.bundles.store import Published
from app.bundles.yaml_file import read_yaml
from app.cases.models import cases, tasks
from app.categories import catalogue
from app.clocks import policies
from app.core import clock, once
from app.core.config import settings
from app.core.db import Session, reading, transaction
from app.core.errors import FieldError, Unprocessable
from app.core.once import Once, Stored
from app.engine.check.finding import Finding
from app.engine.source import Earlier
from app.identity import org
from app.identity.actor import Actor
from app.identity.org_file import OrgFile, RoleLine
from app.identity.permissions import PROCESS_PUBLISH
from app.identity.scopes import require
from app.processes.callees import Callee, Callees, among_published
from app.processes.check import Checked, check_files, check_folder, org_beside

_STANDING = (
    select(tasks.c.step, func.count(tasks.c.case_id.distinct()).label("cases"))
    .join(cases, cases.c.id == tasks.c.case_id)
    .where(cases.c.process_key == bindparam("key"), tasks.c.state.in_(("open", "claimed", "suspended")))
    .group_by(tasks.c.step)
)
"""Step → open cases of a process that stand there, whatever version they have."""


class ProcessRefused(Unprocessable):
    """流程检查没有通过，没有发布。"""


class TemplateNotForUse(Unprocessable):
    """样板不能发布，请先复制并改名。"""


@dataclass(frozen=True)
class Deployed:
    """A version that new cases start with now, the warnings it came with, and whether anything changed.

    `pins` are the processes it calls. `behind` are processes that call it and go on with an older version.
    """

    version: Published
    warnings: tuple[Finding, ...]
    changed: bool
    pins: Mapping[str, Callee] = field(default_factory=dict)
    behind: tuple[Published, ...] = ()


def publish(
    actor: Actor,
    files: BundleFiles,
    replaces: str | None = None,
    request: Once | None = None,
    before: Collection[Finding] = (),
) -> Deployed | Stored:
    """Checks and publishes the files; the same bytes again change nothing. `before`: what reading found.

    Raises PermissionMissing, ProcessRefused (one error per finding), TemplateNotForUse, and DeployConflict
    when the version new cases start with is no longer `replaces`.
    """
    require(actor, PROCESS_PUBLISH)
    checked = check_files(files, known_org(), before, earlier(files.key), known_roles(), others())
    return once.answered(request, lambda session: (_keep(session, checked, actor.id, replaces), None))


def publish_folder(folder: Path, by: str = "system", *, template: bool = False) -> Deployed:
    """The same from a folder on this machine: whoever can run commands here needs no further permission.

    `template` lets a folder whose key begins with `_` pass (walking its scenarios in a database of its own).
    """
    checked = check_folder(folder, earlier(folder.name), known_roles(), among_published(coming=folder.parent))
    with transaction() as session:
        return _keep(session, checked, by, None, template=template)


def others() -> Callees:
    """What a process that is sent may name: what is published, and what this installation will publish."""
    return among_published(coming=settings().bpmn_dir)


def shipped(folder: Path) -> list[Path]:
    """The process folders below a folder; names beginning with `_` or `.` are none."""
    return [
        each for each in sorted(folder.iterdir()) if each.is_dir() and not each.name.startswith(("_", "."))
    ]


def refused(findings: Iterable[Finding]) -> ProcessRefused:
    """The problem that carries every error of a check."""
    errors = [each for each in findings if each.level == "error"]
    told = [FieldError(pointer(each), each.rule, each.told) for each in errors]
    return ProcessRefused(f"有 {len(errors)} 处错误，请改正后再发布。", errors=told)


def pointer(each: Finding) -> str:
    """Where a finding is, as a JSON pointer into `files` of the request."""
    return "/files/" + each.file.replace("~", "~0").replace("/", "~1")


def known_org() -> OrgFile | None:
    """The organisation file of this installation, when it has one."""
    return org_beside(settings().bpmn_dir / "_")[0]


def not_loaded(bundle: Bundle) -> list[Finding]:
    """Tables of categories that a process chooses from and this installation does not have yet."""
    process = read_yaml(PROCESS, bundle.files.files[PROCESS])
    found = []
    with reading() as session:
        for name, declared in bundle.process.data.items():
            if declared.type == "category" and not catalogue.known(session, declared.table):
                zh = (
                    f"“{name}”的分类表 {declared.table} 还没有导入，现在什么也选不了；"
                    "请用 huying categories load 导入。"
                )
                line = process.line(("data", name, "table"))
                en = f'The category table "{declared.table}" is not loaded.'
                found.append(finding("warning", "category-table-missing", PROCESS, line, zh, en))
    return found


def known_roles() -> Sequence[RoleLine] | None:
    """The roles of this installation; None while it has none and the file's are to count."""
    with reading() as session:
        return org.role_lines(session) or None


def earlier(key: str) -> Earlier | None:
    """What new cases of a key start with now, and where its open cases stand; None when there is none."""
    with reading() as session:
        head = store.head(session, key)
        if head is None:
            return None
        standing = {row.step: row.cases for row in session.execute(_STANDING, {"key": key})}
        return Earlier(store.version(session, head.version_id).source, standing)


def _keep(
    session: Session, checked: Checked, by: str, replaces: str | None, *, template: bool = False
) -> Deployed:
    bundle = checked.bundle
    if bundle is None or not checked.good:
        raise refused(checked.findings)
    if bundle.key.startswith("_") and not template:
        raise TemplateNotForUse
    before = store.head(session, bundle.key)
    version = store.keep(session, checked.files, bundle.process.name, clock.now(session), by, replaces)
    policies.follow(session, bundle.key)
    changed = before is None or before.retired or before.version_id != version.id
    warnings = [each for each in (*checked.findings, *not_loaded(bundle)) if each.level == "warning"]
    behind = store.callers(session, bundle.key, version.id)
    return Deployed(version, tuple(warnings), changed, checked.pins, tuple(behind))
