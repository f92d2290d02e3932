"""How a walk words what it saw: refusals, and why a process stopped, in plain Chinese."""

from sqlalchemy import select

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM
from app.cases.models import incidents
from app.core.db import reading
from app.core.errors import Problem
from app.processes.cross import open_diagram


def refused(problem: Problem, bundle: Bundle) -> str:
    """A refusal in one sentence: what it says of each field, and of a process that failed where and why."""
    if (why := _why(problem, bundle)) is not None:
        return f"流程配置出错。{why}"
    told = problem.detail or problem.title
    fields = "；".join(error.message.rstrip("。") for error in problem.errors)
    return f"{told.rstrip('。')}：{fields}。" if fields and fields != told.rstrip("。") else told


def worded(problem: Problem, bundle: Bundle) -> str:
    """The same for who writes the scenario: with the slug and the codes that `problem:` may name."""
    if (why := _why(problem, bundle)) is not None:
        return f"流程配置出错（{problem.slug}）。{why}"
    fields = "".join(f"；{error.pointer} {error.message}（{error.code}）" for error in problem.errors)
    return f"{problem.detail or problem.title}（{problem.slug}）{fields}"


def _why(problem: Problem, bundle: Bundle) -> str | None:
    number = problem.extra.get("incident")
    return stopped(str(number), bundle) if number is not None else None


def stopped(number: str, bundle: Bundle) -> str | None:
    """What an incident explains, with the element's label before it; None when there is no such incident."""
    with reading() as session:
        query = select(incidents.c.element, incidents.c.explanation).where(incidents.c.number == number)
        row = session.execute(query).one_or_none()
    return None if row is None else f"原因：{element(row.element, bundle)}{row.explanation}"


def element(identifier: str | None, bundle: Bundle) -> str:
    """网关“是否退单”(gw_sign)： as the check names it, or nothing for what the diagram does not show."""
    if identifier is None:
        return ""
    bundle, identifier = bundle.part(identifier), identifier.rpartition("/")[2]
    diagram = open_diagram(bundle.files.files[DIAGRAM])
    if diagram is None:
        return ""
    if (node := diagram.nodes.get(identifier)) is not None:
        return f"{node.named.zh}："
    flow = next((each for each in diagram.flows if each.id == identifier), None)
    return f"{diagram.flow_named(flow).zh}：" if flow is not None else ""
