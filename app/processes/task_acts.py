"""What scenarios do with tasks: taken, done, handed on, given back, signed by more, assisted, urged."""

from app.bundles.keys import Flag, Key, Many, Text
from app.cases import moves, tasks, viewing
from app.cases.attachments import kinds, names, shelf
from app.cases.attachments import service as attachments
from app.cases.copies import service as copies
from app.cases.handing import service as handing
from app.cases.urging import service as urging
from app.cases.voting import service as voting
from app.core.ids import new_id
from app.processes.acts import ANSWERS, REASON, STEP, WHO, Doing, act, codes, files_by_id
from app.processes.stage import code_of


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
