"""Whether the roles that a process asks may do what it asks: a step nobody can finish is no step."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM, PROCESS
from app.bundles.keys import finding
from app.bundles.rules import Rule
from app.bundles.yaml_file import read_yaml
from app.cases.assign import HANDLER_ROLE
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import separated
from app.identity.org_file import RoleLine
from app.identity.permissions import ALL, CASE_CREATE, TASK_COMPLETE, TASK_READ
from app.processes.cross import lane_of, rules_of

TO_COMPLETE = (TASK_READ, TASK_COMPLETE)


def check(bundle: Bundle, diagram: Diagram, roles: Mapping[str, RoleLine]) -> list[Finding]:
    """One finding for each lane (or candidate rule) and role that lacks a permission, and for each start."""
    process = read_yaml(PROCESS, bundle.files.files[PROCESS])
    found: dict[tuple[str, str], Finding] = {}
    for scope in diagram.scopes():
        for node in scope.of_kind("userTask"):
            own = separated(node.attributes.get("candidateGroups", ""))
            lane = lane_of(scope, node.id)
            for rule in rules_of(bundle, scope, node):
                role = roles.get(_asked(rule) or "")
                if role is None or not (lacking := _lacking(role, TO_COMPLETE)):
                    continue
                why = _why(rule, role, lacking, roles)
                if own:
                    zh = f"{node.named.zh} 的候选规则{why}"
                    en = f'{node.named.en}: role "{role.key}" lacks {", ".join(lacking)}.'
                    found[node.id, role.key] = Finding(
                        "error", "role-cannot-complete", DIAGRAM, node.line, node.id, zh, en
                    )
                elif lane is not None:
                    en = f'Lane "{lane}": role "{role.key}" lacks {", ".join(lacking)}.'
                    line = process.line(("lanes", lane))
                    found[lane, role.key] = finding(
                        "error", "role-cannot-complete", PROCESS, line, f"泳道“{lane}”的规则{why}", en
                    )
    return [*found.values(), *_starts(bundle, roles)]


def check_units(bundle: Bundle, units: Collection[str]) -> Iterator[Finding]:
    """Where the calendar files cases, there is a unit."""
    process = read_yaml(PROCESS, bundle.files.files[PROCESS])
    for i, each in enumerate(bundle.process.schedules):
        if each.unit not in units:
            line = process.line(("schedules", i, "unit"))
            zh = f"定期启动“{each.name}”的单位“{each.unit}”，机构文件 _org.yaml 里没有，到时登记不了。"
            yield finding("warning", "schedule-unit", PROCESS, line, zh, f'No unit "{each.unit}".')


def _asked(rule: Rule) -> str | None:
    """The role that a rule asks; None where it asks the one who did another step."""
    if rule.kind == "role":
        return rule.argument
    return HANDLER_ROLE if rule.kind in ("unit", "item") else None


def _lacking(role: RoleLine, needed: Sequence[str]) -> list[str]:
    return [each for each in needed if each not in role.permissions]


def _why(rule: Rule, role: RoleLine, lacking: Sequence[str], roles: Mapping[str, RoleLine]) -> str:
    named = "、".join(f"“{ALL[each].label}”({each})" for each in lacking)
    able = [each for each in roles.values() if not _lacking(each, TO_COMPLETE)]
    others = "、".join(f"{each.key}（{each.name}）" for each in able[:6]) or "（没有）"
    return (
        f" {rule.text} 找的是 {role.key}（{role.name}），这个角色没有权限{named}，待办开了也没有人能办；"
        f"请在机构里给它加上权限，或改用有权限的角色：{others}。"
    )


def _starts(bundle: Bundle, roles: Mapping[str, RoleLine]) -> Iterator[Finding]:
    process = read_yaml(PROCESS, bundle.files.files[PROCESS])
    written = process.value["starts"]
    for key in bundle.process.start_roles:
        role = roles.get(key)
        if role is not None and CASE_CREATE not in role.permissions:
            line = process.line(("starts", written.index(f"person:{key}")))
            zh = (
                f"starts 里的 person:{key}（{role.name}）没有权限“{CASE_CREATE.label}”({CASE_CREATE})，"
                "登记不了；请在机构里给它加上权限，或改用别的角色。"
            )
            yield finding("error", "role-cannot-start", PROCESS, line, zh, f'Role "{key}" cannot file cases.')
