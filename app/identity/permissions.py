"""Every permission, named once as noun:verb, with the Chinese a person reads when it is missing."""


class Permission(str):
    """A permission's name that knows its Chinese label."""

    __slots__ = ("label",)

    label: str

    def __new__(cls, name: str, label: str) -> "Permission":
        permission = super().__new__(cls, name)
        permission.label = label
        return permission

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # str takes one
        return str(self), self.label


CASE_CREATE = Permission("case:create", "登记办件")
CASE_READ = Permission("case:read", "查看办件")
CASE_NOTE = Permission("case:note", "填写备注")
CASE_WRITE = Permission("case:write", "给居民写信")
CASE_ATTACH = Permission("case:attach", "上传附件")
CASE_LINK = Permission("case:link", "关联办件")
CASE_INSTRUCT = Permission("case:instruct", "领导批示")
CASE_PRIORITISE = Permission("case:prioritise", "调整优先级")
CASE_MARK = Permission("case:mark", "加上、去掉标记")
CASE_SPLIT = Permission("case:split", "拆分办件")
CASE_COPY = Permission("case:copy", "抄送办件")
CASE_URGE = Permission("case:urge", "催办")
CASE_SUSPEND = Permission("case:suspend", "挂起和激活办件")
CASE_EXCLUDE = Permission("case:exclude", "恢复剔除的办件")
CASE_SUPERVISE = Permission("case:supervise", "督办")
CASE_REOPEN = Permission("case:reopen", "重新打开办件")
CASE_TERMINATE = Permission("case:terminate", "终止办件")
CASE_REVEAL = Permission("case:reveal", "查看加密内容的完整值")
AUDIT_READ = Permission("audit:read", "查看审计记录")
TASK_READ = Permission("task:read", "查看待办")
TASK_COMPLETE = Permission("task:complete", "办理待办")
CASE_MERGE = Permission("case:merge", "合并办件")
INCIDENT_READ = Permission("incident:read", "查看流程异常")
INCIDENT_RETRY = Permission("incident:retry", "处理流程异常")
PROCESS_READ = Permission("process:read", "查看流程")
PROCESS_CHECK = Permission("process:check", "检查流程")
PROCESS_PUBLISH = Permission("process:publish", "发布流程")
POLICY_SWAP = Permission("policy:swap", "换用时限规则")
ORG_READ = Permission("org:read", "查看机构和人员")
ACCOUNT_DISABLE = Permission("account:disable", "停用账号")
SUBSTITUTION_MANAGE = Permission("substitution:manage", "设置代理人")
MESSAGE_SEND = Permission("message:send", "发来消息")
MESSAGE_READ = Permission("message:read", "查看收到的消息")
DELIVERY_READ = Permission("delivery:read", "查看对外发送")
DELIVERY_REDELIVER = Permission("delivery:redeliver", "重新处理收发的消息")
EXTERNAL_WORK = Permission("external:work", "领取外部任务")
EXTERNAL_READ = Permission("external:read", "查看外部任务")
REPORT_READ = Permission("report:read", "查看统计")
SCORE_ENTER = Permission("score:enter", "登记加分、扣分")
SCORE_APPROVE = Permission("score:approve", "审批加分、扣分")
FILTER_SHARE = Permission("filter:share", "共享筛选")
PHRASE_SHARE = Permission("phrase:share", "共用常用语")
RESIDENT_READ = Permission("resident:read", "查看居民")
RESIDENT_REVIEW = Permission("resident:review", "审核居民")
CATEGORY_IMPORT = Permission("category:import", "导入诉求分类")
CALENDAR_IMPORT = Permission("calendar:import", "导入工作日历")
POLL_READ = Permission("poll:read", "查看居民投票")
POLL_MANAGE = Permission("poll:manage", "录入线下票、登记回避")
PUBLICATION_READ = Permission("publication:read", "查看公示和居民互动")
PUBLICATION_MANAGE = Permission("publication:manage", "审核评论、签到、调整名额、答复预约")
SCHEDULE_READ = Permission("schedule:read", "查看定期任务")
SCHEDULE_RUN = Permission("schedule:run", "立即运行定期任务")
INSPECTION_READ = Permission("inspection:read", "查看巡检")
INSPECTION_IMPORT = Permission("inspection:import", "导入巡检规则")

ALL: dict[str, Permission] = {
    permission: permission
    for permission in (
        CASE_CREATE,
        CASE_READ,
        CASE_NOTE,
        CASE_WRITE,
        CASE_ATTACH,
        CASE_LINK,
        CASE_INSTRUCT,
        CASE_PRIORITISE,
        CASE_MERGE,
        CASE_MARK,
        CASE_SPLIT,
        CASE_COPY,
        CASE_URGE,
        CASE_SUSPEND,
        CASE_EXCLUDE,
        CASE_SUPERVISE,
        CASE_TERMINATE,
        CASE_REOPEN,
        CASE_REVEAL,
        AUDIT_READ,
        TASK_READ,
        TASK_COMPLETE,
        INCIDENT_READ,
        INCIDENT_RETRY,
        PROCESS_READ,
        PROCESS_CHECK,
        PROCESS_PUBLISH,
        POLICY_SWAP,
        ORG_READ,
        ACCOUNT_DISABLE,
        SUBSTITUTION_MANAGE,
        MESSAGE_SEND,
        MESSAGE_READ,
        DELIVERY_READ,
        DELIVERY_REDELIVER,
        EXTERNAL_WORK,
        EXTERNAL_READ,
        REPORT_READ,
        SCORE_ENTER,
        SCORE_APPROVE,
        FILTER_SHARE,
        PHRASE_SHARE,
        RESIDENT_READ,
        RESIDENT_REVIEW,
        CATEGORY_IMPORT,
        CALENDAR_IMPORT,
        POLL_READ,
        POLL_MANAGE,
        PUBLICATION_READ,
        PUBLICATION_MANAGE,
        SCHEDULE_READ,
        SCHEDULE_RUN,
        INSPECTION_READ,
        INSPECTION_IMPORT,
    )
}
"""Every permission by its name."""


def label(permission: str) -> str:
    """The Chinese name of a permission."""
    return ALL[permission].label if permission in ALL else permission
