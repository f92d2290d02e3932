"""拆分: parts of a matter become cases of their own, linked to it; undone while nobody has touched them."""

from dataclasses import replace

from sqlalchemy import bindparam, exists, select

from app.bundles.forms import AnswersRefused
from app.bundles.verbs import VERBS
from app.cases.answers import check_answers
from app.cases.attachments.models import kept_whole
from app.cases.birth import born
from app.cases.commands.splitting import Part, PartTakenBack, Split, TakePartBack
from app.cases.env import awake
from app.cases.errors import CannotSplit, CannotTakeBack, VerbForbidden
from app.cases.links.tying import link_of
from app.cases.models import SPLIT_FROM, case_links
from app.cases.motion import Motion, Row
from app.cases.secrets.table import case_secrets
from app.cases.secrets.taking import hush
from app.cases.sync import grant
from app.cases.verbs import guard
from app.cases.verbs.attach import refer_to
from app.core.errors import FieldError
from app.engine.run import Run
from app.identity import org
from app.identity.permissions import CASE_SPLIT

TAKEN_BACK = "撤销拆分"
"""Why a part was closed that was taken back."""

_SECRETS = select(case_secrets.c.name).distinct().where(case_secrets.c.case_id == bindparam("case"))
_PART = select(exists().where(case_links.c.from_id == bindparam("case"), case_links.c.kind == SPLIT_FROM))


def split(motion: Motion, command: Split) -> list[Motion]:
    """The parts that were born; the caller lets them settle.

    Raises PermissionMissing, CaseClosed …, Stale, VerbForbidden, CannotSplit, AnswersRefused, ReasonRequired.
    """
    allowed(motion)
    guard.fresh(motion.case, command.seen)
    reason = guard.written(command.reason, "拆分的原因")
    parts = parts_of(motion, command)
    for part in parts:
        case = part.case
        motion.tell("case.split", other=case["id"], number=case["number"], reason=reason)
    return parts


def parts_of(motion: Motion, command: Split) -> list[Motion]:
    """The cases as they would be born, with their checks made; nothing is written yet."""
    return [_part(motion, part, f"/parts/{i}") for i, part in enumerate(command.parts)]


def allowed(motion: Motion) -> None:
    """Whether the case may be split at all, by whoever asks."""
    guard.right(motion, CASE_SPLIT)
    guard.case_active(motion)
    if motion.case["parent_id"] is not None:
        raise CannotSplit("协办件、申请件不能拆分，请拆分主办件。")
    for task in motion.open_tasks():
        said = motion.bundle.process.verbs.get(task["step"])
        if said is not None and "split" in said.forbid:
            raise VerbForbidden(f"流程规定“{task['name']}”时不能{VERBS['split']}。")


def take_back(motion: Motion, command: TakePartBack) -> Run:
    """The part ends; its engine is cancelled and not yet at rest. Raises CannotTakeBack, CaseClosed …"""
    guard.right(motion, CASE_SPLIT)
    guard.case_active(motion)
    if not motion.session.scalar(_PART, {"case": motion.case["id"]}):
        raise CannotTakeBack("该办件不是拆分出来的。")
    if motion.case["audit_seq"] > 1:  # its birth is the one row of an untouched case
        raise CannotTakeBack("这一件已经有人办理或有了变化，不能再撤销拆分；可以终止，写明原因。")
    reason = guard.written(command.reason, "撤销拆分的原因")
    motion.tell("case.taken_back", reason=reason)
    motion.case["close_reason"] = TAKEN_BACK
    run = awake(motion)
    run.cancel()
    return run


def part_taken_back(motion: Motion, command: PartTakenBack) -> bool:
    """The parent's part: its timeline says so."""
    motion.tell("case.part_taken_back", other=command.part)
    return True


def inherited(motion: Motion) -> Row:
    """What the start form asks and the case knows: what is secret stays with it, and so do its files."""
    data, declared = motion.case["data"], motion.bundle.process.data
    form = motion.bundle.forms.get(motion.bundle.engine.start_form or "")
    names = [field.name for field in form.fields] if form is not None else []
    plain = [name for name in names if not declared[name].secret and declared[name].type != "files"]
    return {name: data[name] for name in plain if data.get(name) is not None}


def secrets_of(motion: Motion) -> list[str]:
    """What people call the secrets that the case holds."""
    kept = set(motion.session.execute(_SECRETS, {"case": motion.case["id"]}).scalars())
    declared = motion.bundle.process.data
    return [declared[name].label for name in declared if name in kept & motion.bundle.secret_names]


def _part(motion: Motion, wanted: Part, at: str) -> Motion:
    case = motion.case
    place = org.unit_by_code(motion.session, case["place_unit"])
    assert place is not None, "a unit is never deleted"
    part = born(
        motion.session,
        motion.actor,
        motion.bundle,
        motion.now,
        place,
        number=wanted.number,
        title=wanted.title.strip(),
        source=case["source"],
        priority=case["priority"],
        received_at=case["received_at"],
        reporter_id=case["reporter_id"],
    )
    part.case["title"] = hush(part, "title", part.case["title"])
    part.files_of = motion.actor.id
    answers = {**inherited(motion), **wanted.answers}
    try:
        part.write(check_answers(part, motion.bundle.engine.start_form, answers))
    except AnswersRefused as refused:
        errors = [replace(each, pointer=at + each.pointer) for each in refused.errors]
        raise AnswersRefused(errors=errors) from refused
    if case["data"].get("reporter") is not None:
        part.write({"reporter": case["data"]["reporter"]})
    part.tell("case.received", since=case["received_at"].isoformat(), number=wanted.number)
    part.tell("case.split_from", other=case["id"])
    _refer(motion, part, wanted.attachments, at)
    part.changes.insert("case_links", link_of(motion, part.case["id"], motion.case["id"], SPLIT_FROM))
    part.acts.append("Start")
    for person in {motion.actor.id, case["reporter_id"]} - {None}:
        grant(part, f"person:{person}", "started")
    return part


def _refer(motion: Motion, part: Motion, ids: tuple[str, ...], at: str) -> None:
    """The part's own rows of the parent's files."""
    if not ids:
        return
    found = {row["id"]: row for row in kept_whole(motion.session, motion.case["id"], ids)}
    unknown = [
        FieldError(f"{at}/attachments/{i}", "attachment-unknown", "本件没有这个附件。")
        for i, each in enumerate(ids)
        if each not in found
    ]
    if unknown:
        raise AnswersRefused(errors=unknown)
    for each in dict.fromkeys(ids):
        refer_to(part, found[each])
