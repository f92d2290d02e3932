"""What scenarios do with whole cases: rest, end, reopening, notes, marks, merging, splitting, rating."""

from app.bundles.keys import Flag, Key, Text, Whole
from app.cases import moves
from app.cases.commands.splitting import Part
from app.cases.notes import service as notes
from app.cases.rating import service as rating
from app.cases.resting import service as resting
from app.cases.splitting import service as splitting
from app.processes.acts import ANSWERS, CASE, REASON, Doing, act
from app.processes.scenario_file import FIRST
from app.processes.stage import case_of


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
