"""What happened to a case, event by event, in sentences a person reads; nothing is looked up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.bundles import Bundle
from app.bundles.limit_text import in_words
from app.bundles.sla import PAUSES
from app.cases.incidents.kinds import KINDS
from app.cases.requests.kinds import KINDS as KINDS_OF_REQUEST
from app.cases.secrets.showing import label
from app.core.clock import BEIJING
from app.core.http.fields import out

LINKS = {
    "duplicate_of": ("重复于 {}", "{} 与本件重复"),
    "caused_by": ("起因于 {}", "引起 {}"),
    "related": ("与 {} 相关", "与 {} 相关"),
    "escalated_as": ("上报为 {}", "由 {} 上报而来"),
    "split_from": ("由 {} 拆分而来", "拆分出 {}"),
}
"""How two cases are tied, said from the one that was linked and from the other."""
CONFIRMED = {"attachment-missing": "缺少要求的附件", "return-to-ruling": "再退单将提交裁定"}
"""Prompts that somebody went on with, in words."""
POLLED = {"passed": "通过", "rejected": "未通过", "no-quorum": "参加人数不足"}
WHERE = {"before": "在前", "beside": "同时", "after": "在后"}
ASKED = {key: kind.called for key, kind in KINDS_OF_REQUEST.items()}
GONE = "（内容已删除）"
RESULTS = {"passed": "通过", "rejected": "未通过", "undecided": "没有结果"}
"""How a vote ended, in words."""
TIMES = ("due", "since")
MILESTONES = {
    "case.dispatched": "已派遣",
    "case.signed": "已签收",
    "case.replied": "已答复",
    "case.resolved": "已解决",
    "case.rated": "已评价",
    "case.escalated": "已上报",
}


def shown(event: Mapping[str, Any], bundle: Bundle) -> dict[str, Any]:
    """An event as it leaves the house: its sentence, and instants in +08:00."""
    times = {name: out(datetime.fromisoformat(event[name])) for name in TIMES if event.get(name)}
    return {**event, **times, "text": sentence(event, bundle)}


def sentence(event: Mapping[str, Any], bundle: Bundle) -> str:
    """One event in plain Chinese."""
    step = event.get("label") or event.get("step")
    match event["name"]:
        case "case.received":
            return f"收到并登记，编号 {event['number']}"
        case "task.opened":
            return f"进入“{step}”"
        case "task.claimed":
            return f"签收“{step}”"
        case "task.unclaimed":
            return f"把“{step}”退回待办池，原因：{event['reason']}"
        case "task.done":
            opinion = f"，意见：{event['opinion']}" if event.get("opinion") else ""
            known = "、".join(CONFIRMED.get(code, code) for code in event.get("confirmed", ()))
            sure = f"（已确认：{known}）" if known else ""
            return f"办理“{step}”，结论：{event['outcome']}{opinion}{sure}{_advised(event)}"
        case "task.cancelled" if event.get("recused"):
            return f"回避“{step}”，原因：{event['reason']}"
        case "task.cancelled":
            return f"“{step}”不再需要办理"
        case "case.noted":
            return f"备注：{event.get('words') or GONE}"
        case "letter.sent":
            return f"给居民写信：{event.get('words') or GONE}"
        case "letter.answered":
            return f"居民回信：{event.get('words') or GONE}"
        case "case.remarked":
            return f"{event['who']}：{event['text']}"
        case "case.instructed":
            return f"领导批示：{event.get('words') or GONE}"
        case "file.attached":
            where = f"在“{bundle.step(event['step']).name}”" if event.get("step") else ""
            return f"{where}上传附件{event.get('words') or GONE}"
        case "file.withdrawn":
            return f"撤回附件{event.get('words') or GONE}"
        case "case.linked" | "case.unlinked":
            tied = LINKS[event["kind"]][0 if event["outward"] else 1]
            undone = "取消关联：" if event["name"] == "case.unlinked" else "关联："
            return undone + tied.format(event.get("words") or "另一件办件")
        case "case.prioritised":
            return f"优先级由 {event['was']} 调为 {event['priority']}，原因：{event['reason']}"
        case "task.handed_back":
            return f"{event['called']}的账号停用，“{step}”退回待办池，原因：{event['reason']}"
        case "task.transferred":
            return f"把“{step}”转给{event['called']}，原因：{event['reason']}"
        case "task.delegated":
            return f"把“{step}”委派给{event['called']}，原因：{event['reason']}"
        case "task.assigned":
            return f"把“{step}”交办给{event['called']}：{event['demand']}"
        case "task.resolved":
            return f"把“{step}”交回{event['called']}，意见：{event['opinion']}"
        case "task.taken_back":
            return f"收回“{step}”，原因：{event['reason']}"
        case "task.reported":
            opinion = f"，意见：{event['opinion']}" if event.get("opinion") else ""
            return f"报结“{step}”，结论：{event['outcome']}{opinion}，待{event['called']}核实"
        case "task.escalated":
            return f"把“{step}”上报{event['called']}，原因：{event['reason']}"
        case "task.signers_added":
            return f"请{event['called']}{WHERE[event['where']]}加签“{step}”，原因：{event['reason']}"
        case "task.signer_removed":
            return f"减签{event['called']}（“{step}”），原因：{event['reason']}"
        case "vote.decided":
            counted = "，".join(f"{said} {count}" for said, count in event["votes"].items()) or "无人表态"
            return f"“{step}”{RESULTS[event['result']]}：{counted}（名单 {event['total']} 人）"
        case "case.marked":
            return f"{'加上' if event['on'] else '去掉'}标记“{event['called']}”"
        case "case.amended":
            told = "，".join(f"{label}由 {was} 改为 {now}" for label, was, now in event["changed"])
            return f"更正：{told}，原因：{event['reason']}"
        case "publication.shown":
            return f"在“{event['section']}”给居民看"
        case "publication.closed":
            return f"“{event['section']}”里的到此为止，居民只能看"
        case "publication.hidden":
            why = f"，原因：{event['reason']}" if event.get("reason") else ""
            return f"不再在“{event['section']}”给居民看{why}"
        case "poll.opened":
            how = "无记名" if event["secret"] else "实名"
            until = minutes(event["until"])
            return f"开始居民投票“{event['title']}”（{how}），应投 {event['eligible']} 人，到 {until} 为止"
        case "poll.closed":
            counted = "；".join(event["counts"])
            took_part = f"应投 {event['eligible']} 人，参加 {event['voted']} 人"
            return f"居民投票结束，{POLLED[event['result']]}，{took_part}。{counted}"
        case "people.told":
            return f"已通知有关的人：{event['text']}"
        case "poll.cancelled":
            return "居民投票作废"
        case "task.sign_asked":
            return f"请{event['called']}加签“{step}”"
        case "task.signed":
            opinion = f"，意见：{event['opinion']}" if event.get("opinion") else ""
            return f"加签“{step}”：{event['outcome']}{opinion}"
        case "task.reopened":
            return f"“{step}”退给{event['called']}重新办理"
        case "task.returned" if event.get("target"):
            return f"从“{step}”退回到“{event['target']}”，原因：{event['reason']}"
        case "task.returned":
            return f"“{step}”随退回结束"
        case "task.withdrawn":
            return f"撤回“{step}”，原因：{event['reason']}"
        case "unit.assigned":
            return f"首接单位：{event['called']}"
        case "unit.released":
            return f"{event['called']}不再主办"
        case "case.returned":
            return f"{event['called']}申请退单（第 {event['count']} 次），原因：{event['reason'] or '未填'}"
        case "request.granted" if event.get("kind") == "return":
            return f"准予{event['called']}退单，本轮不再派给它"
        case "request.refused" if event.get("kind") == "return":
            return f"驳回{event['called']}的退单申请"
        case "request.opened" if event["kind"] == "supervise":
            return f"督办{event['called']}，{event['number']}：{event['reason']}"
        case "request.opened" if event["kind"] == "urge":
            return f"书面催办{event['called']}，{event['number']}：{event['reason']}"
        case "request.opened" if event["kind"] == "supplement":
            return f"补充，{event['number']}：{event['reason']}"
        case "request.ended" if event.get("kind") == "supervise":
            return f"督办解除{_said(event)}"
        case "case.supervised":
            return f"列入督办，优先级 {event['priority']}"
        case "request.opened" if event["kind"] in ASKED:
            return f"{event['called']}申请{ASKED[event['kind']]}，{event['number']}：{event['reason']}"
        case "request.granted":
            return f"{event['called']}申请通过{_said(event)}"
        case "request.refused":
            return f"{event['called']}申请不通过{_said(event)}"
        case "request.withdrawn":
            return f"{event['called']}撤销，原因：{event.get('reason') or '主办件已结束'}"
        case "request.renewed":
            return f"{event['called']}照旧，原因：{event['reason']}"
        case "request.ended" if "kind" in event:
            return f"{event['called']}结束{_said(event)}"
        case "request.opened":
            asked = "到场（吹哨）" if event["kind"] == "whistle" else "协办"
            return f"请{event['called']}{asked}，{event['number']}"
        case "request.ended":
            return "协办结束" + (f"：{event['assist_result']}" if event.get("assist_result") else "")
        case "task.rerouted":
            return f"“{step}”重新派到该去的待办池"
        case "incident.retried":
            return f"重试异常 {event['number']}（{KINDS[event['kind']].name}），原因：{event['reason']}"
        case "incident.resolved":
            return f"办结异常 {event['number']}（{KINDS[event['kind']].name}），原因：{event['reason']}"
        case "incident.skipped":
            what = event["element"] and (bundle.name_of(event["element"]) or event["element"])
            return f"跳过“{what}”，异常 {event['number']}，原因：{event['reason']}"
        case "incident.noted":
            return f"给异常 {event['number']} 添加说明"
        case "incident.assigned":
            return f"异常 {event['number']} 交给{event['called']}处理"
        case "case.urged" if event.get("text"):
            return f"催办：{event['text']}，优先级 {event['priority']}"
        case "case.urged":
            return f"催办，优先级 {event['priority']}"
        case "case.redone":
            return f"重办，第 {event['round']} 轮，总时限不重新起算"
        case "case.split":
            return f"拆分出 {event['number']}，原因：{event['reason']}"
        case "case.split_from":
            return f"由 {event['words']} 拆分而来"
        case "case.taken_back":
            return f"撤销拆分，原因：{event['reason']}"
        case "case.part_taken_back":
            return f"拆分出的 {event['words']} 已撤销"
        case "case.merged":
            return f"并入另一件办件，原因：{event['reason']}"
        case "case.copied":
            said = f"：{event['text']}" if event.get("text") else ""
            return f"抄送{event['called']}{said}"
        case "case.read":
            return "已阅"
        case "case.suspended":
            return f"挂起，原因：{event['reason']}"
        case "case.resumed":
            return f"激活，原因：{event['reason']}"
        case "case.terminated":
            return f"终止办件，原因：{event['reason']}"
        case "case.reopened":
            return f"重新打开，回到“{bundle.engine.step(event['to']).name}”，原因：{event['reason']}"
        case "case.revoked":
            return f"撤诉，原因：{event['reason']}"
        case "case.taken_up_again":
            return "并入的那一件重新办理，本件随它再次答复"
        case "case.took_in":
            return "有一件办件并入本件"
        case "case.unmerged":
            return f"撤销合并，原因：{event['reason']}"
        case "case.excluded":
            return f"剔除，不计入考核，原因：{event['reason']}"
        case "case.included":
            return f"恢复计入考核，原因：{event['reason']}"
        case "case.let_go":
            return "一件并入的办件撤销了合并"
        case "case.unit_moved":
            return f"“{event['called']}”改属别的上级，这里的待办随之转移"
        case "case.cancelled":
            return f"终止：{event['reason']}"
        case "timer.fired":
            return f"到时：{event['label']}"
        case "case.policy_changed":
            before = f"（原第 {event['was']} 版）" if event["was"] else ""
            by = f"{event['called']}发起，原因：{event['reason']}"
            return f"换用时限规则第 {event['policy']} 版{before}，{by}"
        case "clock.started":
            due = f"，到期 {minutes(event['due'])}" if event.get("due") else ""
            return f"“{clock_name(event, bundle)}”开始计时{due}{decided(event, bundle)}"
        case "clock.limit_changed":
            due = f"，到期 {minutes(event['due'])}" if event.get("due") else ""
            limits = f"由 {in_words(event['was'])} 改为 {in_words(event['limit'])}"
            return f"“{clock_name(event, bundle)}”{limits}{due}{decided(event, bundle)}"
        case "clock.policy_changed":
            due = f"，到期 {minutes(event['due'])}" if event.get("due") else ""
            same = event["was"] == event["limit"]
            limits = in_words(event["was"]) + ("不变" if same else f" 改为 {in_words(event['limit'])}")
            return f"“{clock_name(event, bundle)}”换用新规则，时限{limits}{due}{decided(event, bundle)}"
        case "clock.paused":
            kind = PAUSES.get(event["kind"], event["kind"])
            since = f"从申请时（{minutes(event['since'])}）起" if event.get("since") else ""
            return f"“{clock_name(event, bundle)}”{kind}，{since}暂停计时，原因：{event['reason']}"
        case "clock.extended":
            due = f"，到期 {minutes(event['due'])}" if event.get("due") else ""
            longer = f"延长{in_words(event['by'])}，原因：{event['reason']}"
            return f"“{clock_name(event, bundle)}”{longer}{due}"
        case "clock.resumed" if event.get("held"):
            kind = PAUSES[event["held"]]
            return f"“{clock_name(event, bundle)}”{kind}照旧，到 {minutes(event['until'])} 为止"
        case "clock.resumed":
            due = f"，到期 {minutes(event['due'])}" if event.get("due") else ""
            return f"“{clock_name(event, bundle)}”接着计时{due}"
        case "clock.stopped":
            return f"“{clock_name(event, bundle)}”停止计时"
        case "table.decided":
            drawn_by = bundle.part(event["element"])
            return "；".join(named_rule(hit["table"], [hit["number"]], drawn_by) for hit in event["rules"])
        case "secrets.kept":
            return f"加密保存：{'、'.join(label(name, bundle) for name in event['fields'])}"
        case "case.closed" if event["end"] is None:
            return f"随并入的办件办结：{event['reason']}"
        case "case.closed":
            end = bundle.engine.ends.get(event["end"])
            return f"办结：{end.name if end and end.name else event['end']}"
        case "message.received" if "words" in event:
            return f"{event['process']} {event['words']}：{event['status']}"
        case "message.received":
            return f"收到消息“{_message(event, bundle)}”"
        case "message.passed":
            return f"收到消息“{_message(event, bundle)}”，已转给并入的那一件"
        case "message.sent":
            return f"发出消息“{_message(event, bundle)}”，交给 {event['to']}"
        case "external.opened":
            return f"交给外部系统办理“{step}”"
        case "external.done":
            return f"外部系统办成“{step}”"
        case "external.error":
            return f"外部系统没有办成“{step}”，报出 {event['code']}"
        case "wait.opened" if event.get("again"):
            return f"接着等消息“{_message(event, bundle)}”"
        case "wait.opened":
            return f"开始等消息“{_message(event, bundle)}”"
        case "message.thrown":
            return f"发出“{_message({'message': event['label']}, bundle)}”"
        case "signal.thrown" | "escalation.thrown":
            return f"发出“{event['label']}”"
        case milestone:
            return MILESTONES.get(milestone, f"里程碑 {milestone}")


def _said(event: Mapping[str, Any]) -> str:
    return f"，意见：{event['opinion']}" if event.get("opinion") else ""


def _message(event: Mapping[str, Any], bundle: Bundle) -> str:
    known = bundle.messages.get(event["message"])
    return known.label if known is not None else str(event["message"])


def clock_name(event: Mapping[str, Any], bundle: Bundle) -> str:
    clock = bundle.sla.clocks.get(event["clock"])
    return clock.label if clock else str(event["clock"])


def decided(event: Mapping[str, Any], bundle: Bundle) -> str:
    """（决策表“办理时限”(limits)第 3 条规则） where a table said how long; nothing for a fixed limit."""
    return f"（{named_rule(event['table'], event['rules'], bundle)}）" if event.get("table") else ""


def named_rule(table: str, numbers: Sequence[int], bundle: Bundle) -> str:
    """决策表“办理时限”(limits)第 3 条规则."""
    found = bundle.limit_tables.tables.get(table) or bundle.tables.tables.get(table)
    named = found.written.named.zh if found is not None else table
    return named + "".join(f"第 {number} 条规则" for number in numbers)


def minutes(text: str) -> str:
    """An instant as people say it: day and minute in Beijing."""
    return datetime.fromisoformat(text).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def _advised(event: Mapping[str, Any]) -> str:
    """What became of the suggestions that the step was given."""
    said = [
        f"采用推荐的{each['title']}“{each['label']}”"
        if each["taken"]
        else f"推荐的{each['title']}“{each['label']}”改为“{each['chosenLabel'] or '（空）'}”"
        for each in event.get("suggested", ())
    ]
    return "".join(f"；{each}" for each in said)
