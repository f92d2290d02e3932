"""Against the version before: steps that vanished, and ids that now mean something else."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.words import KINDS


def check_previous(
    report: Report, diagram: Diagram, before: Diagram, standing: Mapping[str, int] | None
) -> None:
    """Open cases stay on their version; this tells what a migration of them would stumble over."""
    for old in before.every.values():
        new = diagram.every.get(old.id)
        if new is None:
            if old.kind == "userTask":
                zh, en = _standing(standing, old.id)
                report.warning(
                    "bpmn-id-vanished",
                    old,
                    f"新版本删除了环节{old.short.zh}，{zh}。在办件仍按原来的版本办完；要保留这个环节就不要改它的编号。",
                    f"step {old.short.en} was removed; {en}. They finish by their own version.",
                )
        elif new.kind != old.kind:
            was, now = KINDS[old.kind], KINDS[new.kind]
            report.error(
                "bpmn-kind-changed",
                new,
                f"编号 {new.id} 在上一版是{was[0]}{old.short.zh}，现在成了{now[0]}{new.short.zh}。"
                "编号不能换作别用，请给新元素换一个编号。",
                f"id {new.id} was {was[1]} {old.short.en} before and is now {now[1]} {new.short.en}. "
                "An id keeps its meaning; give the new element another one.",
            )


def _standing(standing: Mapping[str, int] | None, step: str) -> tuple[str, str]:
    if standing is None:
        return "可能有在办件停在该环节", "open cases may stand there"
    count = standing.get(step, 0)
    if not count:
        return "现在没有在办件停在该环节", "no open case stands there now"
    return f"有 {count} 件在办件停在该环节", f"{count} open cases stand there"
