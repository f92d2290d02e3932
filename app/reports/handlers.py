"""What diagrams may ask of statistics: the brief of a period."""

from dataclasses import replace
from datetime import timedelta

from app.cases.handlers import Context, Results, handler
from app.core.clock import BEIJING
from app.core.errors import NotFound
from app.engine.errors import HandlerFailed
from app.identity.actor import SYSTEM
from app.identity.permissions import REPORT_READ
from app.reports import brief, service
from app.reports.query import Asked
from app.reports.service import ReportRefused

LONGEST = 366


@handler(
    "reports.brief",
    "写简报：process 流程的指标，days 天里（到昨天为止）收到的、本件所在单位范围内的，每个指标与上一期相比；"
    "by 再按它分组（unit、fact.名字……），写出最多的几类；list 是一个指标，列出是哪些件；"
    "text 是写好的文字（流程没有发布或没有写指标的，只说这一句），first、last 是起止",
    needs=("process", "days"),
    takes=("by", "list"),
    gives=("text", "first", "last"),
)
def write(context: Context) -> Results:
    """Every number is the one that `GET /reports/{process}` shows for the same days. Raises HandlerFailed."""
    motion, given = context.motion, context.params
    try:
        days = int(given["days"])
    except ValueError:
        days = 0
    if not 1 <= days <= LONGEST:
        raise HandlerFailed(f"（天数“{given['days']}”不是 1 到 {LONGEST} 的整数）")
    last = motion.now.astimezone(BEIJING).date() - timedelta(days=1)
    path = motion.case["org_path"]
    asked = Asked(last - timedelta(days=days - 1), last, "received")
    house = replace(SYSTEM, permissions={REPORT_READ: (path,)})
    by = [each.strip() for each in str(given.get("by") or "").split(",") if each.strip()]
    name = str(given.get("list") or "").strip()
    try:
        report = service.named(motion.session, str(given["process"]))
        found = service.counted(motion.session, house, report, asked, by, "previous")
        behind = (
            service.behind(motion.session, house, report, asked, name, "numerator", brief.MOST_CASES + 1)
            if name
            else []
        )
        text = brief.written(found, report.measures[name] if name else None, behind)
    except NotFound:  # whoever edits the brief reads it, and can write on
        text = f"流程“{given['process']}”没有发布，或没有写指标（measures），没有可以写的数。"
    except ReportRefused as refused:
        said = "；".join(each.message for each in refused.errors)
        raise HandlerFailed(f"（{said}）") from refused
    return {"text": text, "first": asked.first.isoformat(), "last": asked.last.isoformat()}
