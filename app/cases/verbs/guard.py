"""The checks under the lock, in the order that people need: who may, who was faster, is the page stale."""

from sqlalchemy import bindparam, exists, select

from app.bundles.verbs import VERBS, VerbRule
from app.cases import names
from app.cases.errors import (
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    ReasonRequired,
    TaskDone,
    TaskTaken,
    VerbForbidden,
)
from app.cases.motion import Motion, Row
from app.cases.stack import PARTS, SIGNERS, not_handed_on
from app.cases.verbs import apart
from app.core import events, personal
from app.core.clock import BEIJING
from app.core.errors import FieldError, Forbidden, IfMatchMissing, NotFound, Stale
from app.identity import org, substitutes
from app.identity.models import case_access
from app.identity.permissions import TASK_COMPLETE
from app.identity.scopes import holders, let_in, missing, require, sees

_FILED = select(
    exists().where(
        case_access.c.case_id == bindparam("case"),
        case_access.c.holder == bindparam("holder"),
        case_access.c.reason == "started",
    )
)
_KNOWN = select(let_in(bindparam("case")).label("known"))


def task_of(motion: Motion, task_id: str) -> Row:
    task = motion.tasks.get(task_id)
    if task is None:
        raise NotFound
    return task


def authority(motion: Motion, task: Row) -> None:
    """A member of the task's pools, or the one who holds or held it; or who represents somebody of these.

    From then on whoever acts in another's name does so in this motion (`motion.actor`).
    """
    require(motion.actor, TASK_COMPLETE, subject=task["id"])
    in_whose_name(motion, task)
    actor = motion.actor
    if actor.id in (task["assignee_id"], task["done_by"]) or in_pool(motion, task):
        if actor.hand is not None:
            apart.four_eyes(motion, task)
            apart.one_vote(motion, task)
        return
    events.security("forbidden", actor.doer, task["id"], {"permission": TASK_COMPLETE})
    detail = f"您没有“{TASK_COMPLETE.label}”的权限：“{task['name']}”不在您的待办范围内。"
    raise Forbidden(detail, permission=TASK_COMPLETE)


def in_whose_name(motion: Motion, task: Row) -> None:
    """A substitute acts in the name of whom the task belongs to, as long as that holds at this instant."""
    me = motion.actor
    standing = names.standing(me, task, motion.case["process_key"])
    if standing is not None and substitutes.still_stands(motion.session, standing, motion.now):
        motion.actor = standing.by(me)


def right(motion: Motion, permission: str) -> None:
    """Whoever sees the case must hold this permission at its place too, or be let in with it (403)."""
    actor, case = motion.actor, motion.case
    if actor.allows(permission, case["org_path"]):
        return
    which = {"case": case["id"], "holders": holders(actor, permission)}
    if not sees(actor, permission, case["org_path"], bool(motion.session.scalar(_KNOWN, which))):
        raise missing(actor, permission, case["id"])


def filed(motion: Motion) -> bool:
    """Whether the actor filed the case, or it was filed for the actor."""
    me = {"case": motion.case["id"], "holder": f"person:{motion.actor.id}"}
    return bool(motion.session.scalar(_FILED, me))


def case_active(motion: Motion) -> None:
    """Raises CaseMerged, CaseSuspended or CaseClosed, with a link, when nothing can be done to the case."""
    if motion.case["state"] == "merged":
        raise CaseMerged(link=f"/api/v1/cases/{motion.case['merged_into']}")
    if motion.case["state"] == "suspended":
        who = org.name_of(motion.session, motion.case["suspended_by"])
        when = motion.case["suspended_at"].astimezone(BEIJING).isoformat(timespec="seconds")
        link = f"/api/v1/cases/{motion.case['id']}"
        raise CaseSuspended(f"已由{who}于 {when} 挂起，激活以后才能办理。", who=who, when=when, link=link)
    if motion.case["state"] != "active":
        raise CaseClosed(link=f"/api/v1/cases/{motion.case['id']}")


def in_pool(motion: Motion, task: Row) -> bool:
    return names.stands_in(motion.actor, task)


def still_open(motion: Motion, task: Row) -> None:
    """Raises who was faster and when: done, handed on, taken or closed, each with a link to the case."""
    not_over(motion, task)
    not_handed_on(motion, task)
    not_taken(motion, task)


def answered_for(motion: Motion, task: Row) -> None:
    """The same, but for who answers for the task while others work on it (委派, 交办, 加签)."""
    not_over(motion, task)
    not_taken(motion, task)


def not_over(motion: Motion, task: Row) -> None:
    """Raises TaskDone, with who and when, or what case_active raises."""
    if task["state"] in ("done", "cancelled", "returned"):
        who = _signed(motion, task, task["done_by"]) if task["done_by"] else None
        when = task["closed_at"].astimezone(BEIJING).isoformat(timespec="seconds")
        how = f"已由{who}于 {when} 办理。" if who else f"该环节已于 {when} 结束，无需再办。"
        raise TaskDone(how, who=who, when=when, link=f"/api/v1/cases/{motion.case['id']}")
    case_active(motion)


def not_taken(motion: Motion, task: Row) -> None:
    """Raises TaskTaken where somebody else holds the task."""
    holder = task["assignee_id"]
    if holder is not None and holder != motion.actor.id:
        who = _signed(motion, task, holder)
        when = task["claimed_at"].astimezone(BEIJING).isoformat(timespec="seconds")
        link = f"/api/v1/cases/{motion.case['id']}"
        raise TaskTaken(f"已由{who}于 {when} 签收。", who=who, when=when, link=link)


def _signed(motion: Motion, task: Row, person: str) -> str:
    return task["signature"] or org.name_of(motion.session, person)


_OF_A_PART = {
    "delegate": frozenset({"delegate", "resolve"}),
    "assigned": frozenset(
        {"claim", "unclaim", "complete", "transfer", "delegate", "resolve", "assignDown", "assist"}
    ),
    **dict.fromkeys(SIGNERS, frozenset({"claim", "complete", "delegate"})),
}
"""What may be done with a row that was put over another."""
_BESIDE = frozenset({"urge", "cc", "requestAnswer", "supervise", "supplement", "requestRevocation"})
"""What is done to the case, by whichever of its tasks it is asked."""
_INSTEAD = {
    "delegate": "办好以后交回",
    "assigned": "办理，或说明原因交回",
    **dict.fromkeys(SIGNERS, "写明同意或不同意"),
}


def allowed(motion: Motion, task: Row, verb: str) -> VerbRule:
    """What process.yaml says of a verb at this step, and what a row put over another leaves of it.

    Raises VerbForbidden.
    """
    if task["part"] is not None and verb not in _OF_A_PART[task["part"]] | _BESIDE:
        raise VerbForbidden(
            f"这是别人{PARTS[task['part']]}的“{task['name']}”，不能{VERBS[verb]}；请{_INSTEAD[task['part']]}。"
        )
    said = motion.bundle.process.verbs.get(task["step"])
    if said is None:
        return VerbRule()
    if verb in said.forbid:
        raise VerbForbidden(f"流程规定“{task['name']}”不能{VERBS[verb]}。")
    return said.rule(verb)


def given(motion: Motion, task: Row, verb: str) -> None:
    """Only what somebody else gave can be given back. Raises VerbForbidden."""
    if task["part"] is None:
        raise VerbForbidden(f"“{task['name']}”不是别人委派或交办的，不能{VERBS[verb]}。")
    allowed(motion, task, verb)


def written(said: str, what: str, at: str = "/reason") -> str:
    """What a person wrote, trimmed. Raises ReasonRequired when it is nothing."""
    said = said.strip()
    if not said:
        raise ReasonRequired(errors=[FieldError(at, "required", f"请填写{what}。")])
    return said


def noted(said: str, what: str) -> str:
    """The same for what is kept beside no case, where nothing can be sealed: personal numbers are covered."""
    return personal.covered(written(said, what))


def fresh(row: Row, seen: int | None) -> None:
    """`seen` is the revision the person looked at: missing 428, old 412 with the current one."""
    if seen is None:
        raise IfMatchMissing(headers={"ETag": f'"{row["revision"]}"'})
    if seen != row["revision"]:
        raise Stale(headers={"ETag": f'"{row["revision"]}"'})
