"""Which rules are in force, and how an administrator changes them: read, checked, tried, imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from app import bundles
from app.audit import streams
from app.audit.streams import Entry
from app.bundles import store
from app.bundles.keys import finding, nearest
from app.core import clock, dialects
from app.core.config import settings
from app.core.db import Session
from app.engine.check.finding import Finding
from app.identity.actor import Actor
from app.identity.permissions import INSPECTION_IMPORT
from app.identity.scopes import require
from app.inspection.detect import KINDS
from app.inspection.detect.replies import READS, read
from app.inspection.models import inspection_rules
from app.inspection.rule_file import FILE, InspectionRefused, Rule, read_rules

SECONDS = 30
"""How long a question may take while somebody waits for what a rule would list."""

_NEWEST = select(inspection_rules).order_by(inspection_rules.c.version.desc()).limit(1)
_TAKES = {kind: each.takes for kind, each in KINDS.items()}


@dataclass(frozen=True)
class Imported:
    """What an import brought, and how many cases each rule would list now."""

    version: int
    rules: tuple[Rule, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class InForce:
    """The rules, their text, and the version they were imported as; 0 is the file beside the processes."""

    version: int
    rules: tuple[Rule, ...]
    yaml: str


def in_force(session: Session) -> InForce:
    """The newest that were imported, else those of the file; none when there is no file."""
    row = session.execute(_NEWEST).one_or_none()
    if row is not None:
        return InForce(row.version, read_rules(FILE, row.yaml.encode(), _TAKES), row.yaml)
    file = settings().bpmn_dir / FILE
    data = file.read_bytes() if file.is_file() else b"rules: []\n"
    return InForce(0, read_rules(FILE, data, _TAKES), data.decode("utf-8-sig"))


def import_rules(session: Session, actor: Actor, text: str, *, dry_run: bool = False) -> Imported:
    """Puts rules in force from now on, and tells what each lists; `dry_run` only tells.

    Raises PermissionMissing, and InspectionRefused with file, line and plain words.
    """
    require(actor, INSPECTION_IMPORT)
    rules = read_rules(FILE, text.encode(), _TAKES)
    if wrong := _unknown(session, rules):
        raise InspectionRefused(wrong)
    now = clock.now(session)
    dialects.take_time(session.connection, SECONDS)
    version = in_force(session).version
    counts = {rule.key: count(session, rule, now) for rule in rules}
    if not dry_run:
        version += 1
        row = {"version": version, "yaml": text, "by_id": actor.id, "at": now}
        session.execute(insert(inspection_rules), row)
        told = {"version": version, "rules": len(rules)}
        streams.append(session, Entry(streams.ADMIN, "inspection.imported", actor.id, FILE, told, now))
    return Imported(version, rules, counts)


def count(session: Session, rule: Rule, now: datetime) -> int:
    """按此规则，现在会列出几件."""
    if rule.detect in READS:
        read(session, rule, now)
    return sum(1 for _ in KINDS[rule.detect].find(session, rule, now))


def _unknown(session: Session, rules: tuple[Rule, ...]) -> list[Finding]:
    """Processes, steps, clocks and names that do not exist in what is published now."""
    wrong: list[Finding] = []
    for rule in rules:
        head = store.head(session, rule.process)
        if head is None:
            wrong.append(_finding(rule, f"没有发布过流程“{rule.process}”。", f"No process {rule.process}."))
            continue
        bundle = bundles.get(head.version_id)
        for what, names, known in (
            ("环节", (*rule.steps, *rule.returned, *rule.of), bundle.drawn.steps),
            ("时钟", (rule.clock,) if rule.clock else (), bundle.sla.clocks),
            ("字段", (rule.field,) if rule.field else (), bundle.process.data),
        ):
            for name in names:
                if name not in known:
                    zh = f"流程 {rule.process} 没有{what}“{name}”；可以写{nearest(name, known)}。"
                    wrong.append(_finding(rule, zh, f"Unknown: {name}."))
    return wrong


def _finding(rule: Rule, zh: str, en: str) -> Finding:
    return finding("error", "name-unknown", FILE, None, f"规则“{rule.key}”：{zh}", f"{rule.key}: {en}")
