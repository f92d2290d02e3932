"""What may not be drawn, and what to draw instead: the tables behind elements.py, one line per kind."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """What to draw instead."""

    zh: str
    en: str


INSTEAD_OF_SCRIPT = Advice(
    "要算的、要自动做的，请画成服务任务，在 delegateExpression 写登记过的处理程序，"
    "或画成业务规则任务，在 decisionRef 写决策表；由人办理的画成用户任务。",
    "Draw a service task that names a handler in delegateExpression, or a business rule task that names "
    "a table in decisionRef; what a person does is a user task.",
)
KINDS_FORBIDDEN = {
    "task": Advice(
        "没有选定类型；由人办理的请画成用户任务。", "has no type; what a person does is drawn as a user task."
    ),
    "complexGateway": Advice(
        "不能使用；请改用包容网关或并行网关。",
        "is not allowed; use an inclusive or a parallel gateway.",
    ),
    "adHocSubProcess": Advice(
        "不能使用；请把环节和返回的连线画出来。",
        "is not allowed; draw the steps and the flows that lead back.",
    ),
    "transaction": Advice(
        "不能使用；请把撤销画成一个环节。", "is not allowed; draw the undoing as a step of its own."
    ),
    "dataObject": Advice(
        "不能使用；办件数据请在 process.yaml 的 data 中声明。",
        "is not allowed; declare case data in process.yaml.",
    ),
}
KINDS_FORBIDDEN["dataObjectReference"] = KINDS_FORBIDDEN["dataObject"]
KINDS_FORBIDDEN["dataStoreReference"] = KINDS_FORBIDDEN["dataObject"]

EVENT_WORDS = {
    "timer": "定时",
    "message": "消息",
    "signal": "信号",
    "conditional": "条件",
    "error": "错误",
    "escalation": "升级",
    "terminate": "终止",
    "link": "链接",
    "compensate": "补偿",
    "cancel": "取消",
}
EVENTS_OPEN = {
    "startEvent": ("message",),
    "boundaryEvent": ("timer", "message", "signal", "conditional", "error", "escalation"),
    "intermediateCatchEvent": ("timer", "message", "signal", "conditional"),
    "intermediateThrowEvent": ("message", "signal", "escalation"),
    "endEvent": ("message", "terminate", "error", "escalation"),
}
EVENTS_FORBIDDEN = {
    ("startEvent", "timer"): Advice(
        "不能定时启动；请画普通的开始事件，由人或接口登记。",
        "may not start by a timer; draw a plain start event.",
    ),
    ("endEvent", "signal"): Advice(
        "不能发信号；请先画抛出信号的中间事件，再画结束。",
        "may not throw a signal; throw it first, then end.",
    ),
    "link": Advice("不能用链接；请画一条连线。", "may not be a link; draw a flow."),
    "compensate": Advice(
        "不能用补偿；请把撤销画成一个环节。", "may not compensate; draw the undoing as a step."
    ),
    "cancel": Advice("不能用取消；请把撤销画成一个环节。", "may not cancel; draw the undoing as a step."),
}
HARMLESS = frozenset(
    [
        "sequenceFlow",
        "laneSet",
        "textAnnotation",
        "association",
        "group",
        "documentation",
        "extensionElements",
        "incoming",
        "outgoing",
    ]
)
# The library would need them; we read none of them, so they go, and their author is told.
STRIPPED = frozenset(
    [
        "ioSpecification",
        "dataInputAssociation",
        "dataOutputAssociation",
        "property",
        "correlationSubscription",
        "resourceRole",
        "performer",
        "potentialOwner",
        "humanPerformer",
        "rendering",
    ]
)
SCRIPTS = frozenset({"script", "prescript", "postscript"})
SCRIPT_LANGUAGES = ("javascript", "ecmascript", "groovy", "python", "jython", "ruby", "jruby", "php", "perl")
REFUSED_ATTRIBUTES = {
    "class": Advice("不能指定 Java 类（camunda:class）", "may not name a Java class (camunda:class)"),
    "expression": Advice("不能写 camunda:expression", "may not carry camunda:expression"),
}
REFUSED_EXTENSIONS = {
    "connector": Advice("不能使用连接器（camunda:connector）", "may not use a connector (camunda:connector)"),
    "formData": Advice(
        "不能使用生成的表单（camunda:formData）；请在 forms/ 中写表单，用 formKey 指定",
        "may not use a generated form (camunda:formData); write one in forms/ and name it by formKey",
    ),
    "failedJobRetryTimeCycle": Advice(
        "不能指定重试（camunda:failedJobRetryTimeCycle）；重试由系统统一安排",
        "may not set retries (camunda:failedJobRetryTimeCycle); the system arranges them",
    ),
}
