"""The verbs of scenarios: what each needs to be told, and how it is done by the services people use.

A new verb is one function here; the file format, its check and its schema follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app import bundles
from app.bundles import Bundle
from app.bundles.forms import Form
from app.bundles.keys import Any_, Flag, Key, Many, Named, Text, Whole
from app.cases import moves, tasks, viewing
from app.cases.attachments import kinds, names, shelf
from app.cases.attachments import service as attachments
from app.cases.attachments.models import kept
from app.cases.commands.splitting import Part
from app.cases.copies import service as copies
from app.cases.handing import service as handing
from app.cases.notes import service as notes
from app.cases.rating import service as rating
from app.cases.resting import service as resting
from app.cases.splitting import service as splitting
from app.cases.urging import service as urging
from app.cases.voting import service as voting
from app.core.db import reading
from app.core.ids import new_id
from app.identity.actor import Actor
from app.processes.scenario_file import FIRST
from app.processes.stage import Row, Walk, case_of, code_of

STEP = Text(says="环节", longest=120)
WHO = Text(says="人员姓名或账号", longest=60)
CASE = Text(says="一件的名称", longest=60)
ANSWERS = Named(Any_())
REASON = Key(Text(says="原因", longest=500), "原因", required=True)


@dataclass(frozen=True)
class Doing:
    """Somebody does something: with a task, or (then `task` is the empty row) with the case."""

    walk: Walk
    actor: Actor
    case: Row
    task: Row
    given: Row

    @property
    def bundle(self) -> Bundle:
        """What the task's own case runs: a side request runs another process than the walk."""
        return bundles.get(self.task["version_id"])

    def text(self, name: str) -> str:
        return str(self.given.get(name) or "")


Run = Callable[[Doing], str]
Of = Literal["task", "done task", "case"]


@dataclass(frozen=True)
class Act:
    """One verb: its Chinese word, what it is done with (an open task, one already done, the case), the keys
    beside `as` and `step`; `run` does it and says the line of the story that follows the name."""

    verb: str
    says: str
    of: Of
    keys: Mapping[str, Key]
    run: Run


ACTS: dict[str, Act] = {}


def act(verb: str, says: str, of: Of = "task", **keys: Key) -> Callable[[Run], Run]:
    """Registers how a verb is done."""

    def register(run: Run) -> Run:
        ACTS[verb] = Act(verb, says, of, keys, run)
        return run

    return register


@act("claim", "签收")
def _claim(doing: Doing) -> str:
    tasks.claim(doing.actor, doing.task["id"])
    return f"签收“{doing.task['name']}”"


@act("unclaim", "退回待办池", reason=REASON)
def _unclaim(doing: Doing) -> str:
    tasks.unclaim(doing.actor, doing.task["id"], doing.text("reason"), doing.task["revision"])
    return f"把“{doing.task['name']}”退回待办池：{doing.text('reason')}"


@act(
    "complete",
    "办理",
    outcome=Key(Text(says="办理结论", longest=60), "办理结论；只有一个时可以不写"),
    answers=Key(ANSWERS, "表单答案；单位可以写编码或名称"),
    opinion=Key(Text(says="意见", longest=2000), "意见"),
    confirm=Key(Many(Text(says="提示", longest=60)), "看过仍要办理的提示，例如 attachment-missing"),
)
def _complete(doing: Doing) -> str:
    step = doing.bundle.step(doing.task["step"])
    first = viewing.outcomes_of(doing.task, doing.bundle) or [{"name": step.outcomes[0].name}]
    outcome: str = doing.given.get("outcome") or first[0]["name"]
    form = doing.bundle.forms.get(step.form or "")
    answers = files_by_id(doing, codes(doing.given.get("answers", {}), form), form)
    opinion, confirm = doing.given.get("opinion"), doing.given.get("confirm", ())
    tasks.complete(
        doing.actor, doing.task["id"], outcome, answers, opinion, doing.task["revision"], confirm=confirm
    )
    return f"办理“{doing.task['name']}” → {outcome}" + (f"，意见：{opinion}" if opinion else "")


@act("transfer", "转办", to=Key(WHO, "转给谁", required=True), reason=REASON)
def _transfer(doing: Doing) -> str:
    to = doing.walk.actor(doing.text("to"))
    moves.transfer(doing.actor, doing.task["id"], to.login, doing.text("reason"), doing.task["revision"])
    return f"把“{doing.task['name']}”转办给{to.name}：{doing.text('reason')}"


@act(
    "rejectOrder",
    "退单",
    reason=REASON,
    suggest=Key(Text(says="单位", longest=60), "建议单位，编码或名称"),
    opinion=Key(Text(says="意见", longest=2000), "意见"),
)
def _reject_order(doing: Doing) -> str:
    suggested = code_of(doing.given["suggest"]) if doing.given.get("suggest") else None
    reason, opinion = doing.text("reason"), doing.text("opinion")
    moves.reject_order(doing.actor, doing.task["id"], reason, suggested, opinion, doing.task["revision"])
    return f"退单：{reason}" + (f"，建议{doing.text('suggest')}" if suggested else "")


@act("return", "退回", to=Key(STEP, "退回哪个环节", required=True), reason=REASON)
def _return(doing: Doing) -> str:
    step, reason = doing.text("to"), doing.text("reason")
    moves.give_back(doing.actor, doing.task["id"], step, reason, doing.task["revision"])
    return f"从“{doing.task['name']}”退回到“{doing.bundle.step(step).name}”：{reason}"


@act("delegate", "委派", to=Key(WHO, "委派给谁", required=True), reason=REASON)
def _delegate(doing: Doing) -> str:
    to = doing.walk.actor(doing.text("to"))
    handing.delegate(doing.actor, doing.task["id"], to.login, doing.text("reason"), doing.task["revision"])
    return f"把“{doing.task['name']}”委派给{to.name}：{doing.text('reason')}"


@act(
    "assignDown",
    "交办",
    unit=Key(Text(says="单位", longest=60), "下级单位，编码或名称", required=True),
    demand=Key(Text(says="要求", longest=2000), "要办什么", required=True),
)
def _assign_down(doing: Doing) -> str:
    unit, demand = str(code_of(doing.given.get("unit"))), doing.text("demand")
    handing.assign_down(doing.actor, doing.task["id"], unit, demand, doing.task["revision"])
    return f"把“{doing.task['name']}”交办给{doing.text('unit')}：{demand}"


@act(
    "resolve",
    "交回",
    opinion=Key(Text(says="意见", longest=500), "交回的意见", required=True),
    answers=Key(ANSWERS, "填好的内容，成为对方的草稿"),
)
def _resolve(doing: Doing) -> str:
    form = doing.bundle.forms.get(doing.bundle.step(doing.task["step"]).form or "")
    answers, opinion = codes(doing.given.get("answers", {}), form), doing.text("opinion")
    handing.resolve(doing.actor, doing.task["id"], opinion, doing.task["revision"], answers)
    return f"交回“{doing.task['name']}”：{opinion}"


@act(
    "addSigner",
    "加签",
    people=Key(
        Many(Text(says="人员或单位", longest=60), least=1), "请谁加签；会签里也可以是单位", required=True
    ),
    where=Key(
        Text(one_of=("before", "beside", "after"), says="位置"),
        "before 前、beside 并、after 后",
        required=True,
    ),
    reason=REASON,
)
def _add_signer(doing: Doing) -> str:
    people = [_signer(doing, str(each)) for each in doing.given.get("people", ())]
    where, reason = doing.text("where"), doing.text("reason")
    handing.add_signers(doing.actor, doing.task["id"], people, where, reason, doing.task["revision"])
    return f"给“{doing.task['name']}”加签{'、'.join(doing.given.get('people', ()))}：{reason}"


@act(
    "removeSigner",
    "减签",
    person=Key(Text(says="人员或单位", longest=60), "减去谁", required=True),
    reason=REASON,
)
def _remove_signer(doing: Doing) -> str:
    handing.remove_signer(
        doing.actor, doing.task["id"], _signer(doing, doing.text("person")), doing.text("reason")
    )
    return f"减签{doing.text('person')}：{doing.text('reason')}"


@act("recuse", "回避", reason=REASON)
def _recuse(doing: Doing) -> str:
    voting.recuse(doing.actor, doing.task["id"], doing.text("reason"), doing.task["revision"])
    return f"回避“{doing.task['name']}”：{doing.text('reason')}"


def _signer(doing: Doing, named: str) -> str:
    """The login of a person, or the code of a unit."""
    code = str(code_of(named))
    return code if code != named else doing.walk.actor(named).login


@act("escalate", "上报", reason=REASON)
def _escalate(doing: Doing) -> str:
    handing.escalate(doing.actor, doing.task["id"], doing.text("reason"), doing.task["revision"])
    return f"上报“{doing.task['name']}”：{doing.text('reason')}"


@act("withdraw", "撤回", "done task", reason=REASON)
def _withdraw(doing: Doing) -> str:
    moves.withdraw(doing.actor, doing.task["id"], doing.text("reason"))
    return f"撤回“{doing.task['name']}”：{doing.text('reason')}"


@act(
    "assist",
    "协办",
    units=Key(Many(Text(says="单位", longest=60), least=1), "协办单位，编码或名称", required=True),
    demand=Key(Text(says="要求", longest=2000), "协办要求", required=True),
    whistle=Key(Flag(), "是否吹哨"),
)
def _assist(doing: Doing) -> str:
    units = [str(code_of(each)) for each in doing.given.get("units", ())]
    whistle = bool(doing.given.get("whistle"))
    moves.assist(doing.actor, doing.task["id"], units, doing.text("demand"), whistle)
    return (
        f"{'吹哨' if whistle else '请'}{'、'.join(doing.given.get('units', ()))}协办：{doing.text('demand')}"
    )


@act("attach", "上传附件", name=Key(Text(says="文件名", longest=60), "文件名，例如 现场.jpg", required=True))
def _attach(doing: Doing) -> str:
    name = doing.text("name")
    ending = names.ending_of(name)
    found = next((each for each in kinds.TYPES if ending in each.endings), kinds.TEXT)
    kept = shelf.Kept(f"00000000/{new_id()}", 1, bytes(32))  # a walk keeps no bytes
    attachments.attach(doing.actor, doing.case["id"], doing.task["id"], attachments.Taken(name, found, kept))
    return f"在“{doing.task['name']}”上传附件“{name}”"


@act(
    "cc",
    "抄送",
    people=Key(Many(WHO, least=1), "抄送给谁", required=True),
    text=Key(Text(says="文字", longest=500), "抄送说明"),
)
def _cc(doing: Doing) -> str:
    people = [doing.walk.actor(str(each)) for each in doing.given.get("people", ())]
    copies.copy(doing.actor, doing.task["id"], [each.login for each in people], doing.text("text"))
    return f"抄送{'、'.join(each.name for each in people)}"


@act("read", "已阅")
def _read(doing: Doing) -> str:
    copies.read(doing.actor, doing.task["id"])
    return "已阅"


@act("urge", "催办", text=Key(Text(says="文字", longest=500), "催什么", required=True))
def _urge(doing: Doing) -> str:
    urging.urge(doing.actor, doing.task["id"], doing.text("text"))
    return f"催办：{doing.text('text')}"


@act("suspend", "挂起", "case", reason=REASON)
def _suspend(doing: Doing) -> str:
    resting.suspend(doing.actor, doing.case["id"], doing.text("reason"), doing.case["revision"])
    return f"挂起：{doing.text('reason')}"


@act("resume", "激活", "case", reason=REASON)
def _resume(doing: Doing) -> str:
    resting.resume(doing.actor, doing.case["id"], doing.text("reason"), doing.case["revision"])
    return f"激活：{doing.text('reason')}"


@act("terminate", "终止", "case", reason=REASON)
def _terminate(doing: Doing) -> str:
    resting.terminate(doing.actor, doing.case["id"], doing.text("reason"), doing.case["revision"])
    return f"终止：{doing.text('reason')}"


@act("reopen", "重新打开", "case", reason=REASON)
def _reopen(doing: Doing) -> str:
    resting.reopen(doing.actor, doing.case["id"], doing.text("reason"))
    return f"重新打开：{doing.text('reason')}"


@act(
    "rate",
    "评价",
    "case",
    outcome=Key(Text(says="办理结论", longest=60), "办理结论；只有一个时可以不写"),
    answers=Key(ANSWERS, "评价表的答案"),
)
def _rate(doing: Doing) -> str:
    answers = doing.given.get("answers", {})
    rating.rate(doing.actor, doing.case["id"], answers, doing.given.get("outcome"))
    return "评价：" + "，".join(str(value) for value in answers.values())


@act("revoke", "撤诉", "case", reason=REASON)
def _revoke(doing: Doing) -> str:
    resting.revoke(doing.actor, doing.case["id"], doing.text("reason"))
    return f"撤诉：{doing.text('reason')}"


@act("note", "备注", "case", text=Key(Text(says="文字", longest=2000), "写什么", required=True))
def _note(doing: Doing) -> str:
    notes.add(doing.actor, doing.case["id"], doing.text("text"), "note")
    return f"备注：{doing.text('text')}"


@act("instruct", "领导批示", "case", text=Key(Text(says="文字", longest=2000), "批示什么", required=True))
def _instruct(doing: Doing) -> str:
    notes.add(doing.actor, doing.case["id"], doing.text("text"), "instruction")
    return f"批示：{doing.text('text')}"


@act(
    "prioritise",
    "调整优先级",
    "case",
    priority=Key(Whole(0, 100), "新的优先级，0 到 100", required=True),
    reason=REASON,
)
def _prioritise(doing: Doing) -> str:
    given, case = doing.given, doing.case
    to, reason = given.get("priority", 0), doing.text("reason")
    moves.prioritise(doing.actor, case["id"], to, reason, case["revision"])
    return f"把优先级调整为 {given.get('priority')}：{doing.text('reason')}"


@act(
    "mark",
    "标记",
    "case",
    name=Key(Text(says="标记", longest=60), "process.yaml 的 marks 里的名字", required=True),
    on=Key(Flag(), "true 加上（不写就是），false 去掉"),
)
def _mark(doing: Doing) -> str:
    name, on = doing.text("name"), bool(doing.given.get("on", True))
    moves.mark(doing.actor, doing.case["id"], name, on)
    label = doing.walk.bundle.process.data[name].label
    return f"{'加上' if on else '去掉'}标记“{label}”"


@act(
    "merge",
    "合并",
    "case",
    into=Key(CASE, f"并入哪一件：{FIRST}，或 called 的名称", required=True),
    reason=REASON,
)
def _merge(doing: Doing) -> str:
    into, reason = doing.text("into"), doing.text("reason")
    with doing.walk.about(into):
        other = case_of(doing.walk)
    moves.merge(doing.actor, doing.case["id"], other["id"], reason, doing.case["revision"])
    return f"并入“{other['title']}”（{other['number']}）：{reason}"


@act("unmerge", "撤销合并", "case", reason=REASON)
def _unmerge(doing: Doing) -> str:
    moves.unmerge(doing.actor, doing.case["id"], doing.text("reason"))
    return f"撤销合并：{doing.text('reason')}"


@act(
    "split",
    "拆分",
    "case",
    title=Key(Text(says="标题", longest=200), "拆出的一件的标题", required=True),
    answers=Key(ANSWERS, "登记表里与原件不同的内容"),
    reason=REASON,
)
def _split(doing: Doing) -> str:
    part = Part("", doing.text("title"), doing.given.get("answers", {}))
    reason, case = doing.text("reason"), doing.case
    splitting.split(doing.actor, case["id"], [part], reason, case["revision"])
    return f"拆分出“{part.title}”：{reason}"


def files_by_id(doing: Doing, answers: dict[str, Any], form: Form | None) -> dict[str, Any]:
    """Answers with names of attachments turned into ids: a scenario cannot know those."""
    asked = [each.name for each in form.fields if each.asks == "files"] if form is not None else []
    if not any(answers.get(name) for name in asked):
        return answers
    with reading() as session:
        known = {file.name: file.id for file in kept(session, doing.case["id"])}
    called = {name: [known.get(file, file) for file in answers[name]] for name in asked if answers.get(name)}
    return {**answers, **called}


def codes(answers: Row, form: Form | None) -> dict[str, Any]:
    """Answers with unit names turned into codes: scenarios may write either."""
    units = {each.name for each in form.fields if each.asks == "unit"} if form is not None else set()
    return {
        name: ([code_of(each) for each in value] if isinstance(value, list) else code_of(value))
        if name in units and value is not None
        else value
        for name, value in answers.items()
    }
