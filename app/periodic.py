"""What the house does again and again, and how often: one line each. Other rooms know nothing of it."""

from app.schedules.service import Schedule, know

EVERY_MINUTE, EVERY_FIVE, EVERY_HOUR, EVERY_DAY = "PT1M", "PT5M", "PT1H", "P1D"


def install() -> None:
    """Makes them known; as often as you like."""
    from app.cases.attachments import service as attachments
    from app.cases.calendars import recounting
    from app.core import once
    from app.exchange import outbox, parking
    from app.identity import login
    from app.inspection import service as inspection
    from app.policies import swapping
    from app.publications import looking
    from app.reports import freezing
    from app.schedules import starting

    know(
        Schedule("process-schedules", "看看流程要定期登记什么", EVERY_MINUTE, starting.look),
        Schedule("calendars", "按新的工作日历重算到期时刻", EVERY_MINUTE, recounting.catch_up),
        Schedule("policy-swaps", "在办的件换用新的时限规则", EVERY_MINUTE, swapping.go_on),
        Schedule("answers", "清理过期的重复请求回答", EVERY_MINUTE, once.sweep),
        Schedule("sign-ins", "清理过期的登录", EVERY_MINUTE, login.sweep),
        Schedule("files", "清理没有办件使用的附件", EVERY_DAY, attachments.sweep),
        Schedule("outbox", "按配置停发、续发对外消息", EVERY_MINUTE, outbox.follow),
        Schedule("inbound-missed", "再看一次没有等到办件的来件", EVERY_MINUTE, parking.find_missed),
        Schedule("inbound-expired", "结束等过期限的来件", EVERY_MINUTE, parking.expire),
        Schedule("inspection", "巡检：按规则查一遍在办的件", EVERY_FIVE, inspection.inspect),
        Schedule("reads", "看过公示的人次记成数，忘掉是谁", EVERY_DAY, looking.sum_up),
        Schedule("report-months", "冻结已经过完的月份的统计", EVERY_HOUR, freezing.catch_up),
        Schedule("inbound-old", "清理三十天前送到的来件", EVERY_MINUTE, parking.forget_delivered),
    )
