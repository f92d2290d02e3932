"""By what numbers are grouped: unit, place, class, process, source, status, person, day … and any fact."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import String, and_, bindparam, case, cast, func, literal, or_, select

from app.bundles.data_fields import DataField
from app.bundles.models import process_heads, process_versions
from app.cases.measuring.terms import NOW
from app.cases.models import tasks
from app.categories.models import categories
from app.core.dialects import day_of, month_of, seconds_between, week_of
from app.identity.models import people, units
from app.reports.measures import GOING, Report
from app.reports.models import counted_cases as counted

FACT = "fact."
"""Before the name of a fact: `fact.level`."""
PERIODS = {
    "dispatched": counted.c.dispatched_at,
    "received": counted.c.received_at,
    "closed": counted.c.closed_at,
}
_TIMES: Mapping[str, Callable[[Any], Any]] = {"day": day_of, "week": week_of, "month": month_of}
LABELS = {
    "unit": "单位",
    "place": "发生地",
    "category": "分类",
    "process": "流程",
    "source": "来源",
    "status": "办件状态",
    "state": "状态",
    "end": "结果",
    "age": "在办多久",
    "returns": "退单几次",
    "person": "人员",
    "day": "日",
    "week": "周（按星期一）",
    "month": "月（按一日）",
}
NOBODY_ZH = {"unit": "（未派）", "category": "（未分类）", "person": "（无人办过）", "age": "（已不在办）"}
SOURCES = {"staff": "工作人员登记", "resident": "居民登记", "system": "系统登记"}
"""What a case came from; any other is the login of an interface, or its own words."""
AGES = {1: "不到1天", 3: "1至3天", 7: "3至7天", 15: "7至15天", 30: "15至30天", 90: "30至90天"}
OLDEST = "90天以上"
"""账龄: natural days since it was received, of what is under way; a class begins at its whole day."""


class Unknown(Exception):
    """统计不能这样分组。"""

    def __init__(self, zh: str) -> None:
        super().__init__(zh)
        self.zh = zh


def column(report: Report, name: str, period: str) -> Any:
    """The group of a case. Raises Unknown."""
    if name in _TIMES:
        return _TIMES[name](PERIODS[period])
    if name.startswith(FACT):
        return report.tables.fact(declared(report, name).name).as_text
    if name == "person":
        return _person(report)
    own = {"unit": counted.c.unit, "category": counted.c.category, "process": counted.c.process_key}
    if name in own:
        return own[name]
    kept = {"place": "place_unit", "source": "source", "status": "status", "end": "end_element"}
    if name in kept:
        return report.tables.column(kept[name])
    if name == "state":
        return counted.c.state
    if name == "age":
        return _age()
    if name == "returns":
        return cast(counted.c.returns, String)
    raise Unknown(f"不能按“{name[:40]}”分组；可以用 {'、'.join([*LABELS, FACT + '名字'])}。")


def declared(report: Report, name: str) -> DataField:
    """The fact that a dimension names. Raises Unknown."""
    bare = name.removeprefix(FACT)
    if report.bundle is None:
        raise Unknown("几个流程一起的统计不能按 fact.… 分组；请看一个流程自己的统计。")
    process = report.bundle.process
    if bare not in process.facts:
        raise Unknown(f"这个流程没有可以分组的“{bare[:40]}”；有 {'、'.join(process.facts) or '（没有）'}。")
    if process.data[bare].type in ("int", "decimal", "date", "datetime"):
        raise Unknown(f"“{bare}”（{process.data[bare].label}）是数或时刻，不能用来分组。")
    return process.data[bare]


def _person(report: Report) -> Any:
    """Whoever did the step last that `statistics.person` names."""
    counting = report.bundle.process.statistics if report.bundle is not None else None
    if counting is None or counting.person is None:
        raise Unknown("这个统计不能按人员分组：process.yaml 的 statistics 里没有写 person。")
    done = (tasks.c.case_id == counted.c.case_id, tasks.c.step == counting.person, tasks.c.state == "done")
    last = select(tasks.c.done_by).where(*done).order_by(tasks.c.closed_at.desc(), tasks.c.id.desc())
    return report.tables.once("person", last.limit(1).scalar_subquery(), String())


def _age() -> Any:
    lasted = seconds_between(counted.c.received_at, NOW)
    classes = [(lasted < days * 86_400, called) for days, called in AGES.items()]
    return case((GOING, case(*classes, else_=OLDEST)))


# — rolling up —


def rolled(name: str, unit_tier: str | None, category_level: int | None) -> Any:
    """Each unit or class with the one above it that is shown for it; None where each stands for itself.

    What has none above it at that level stands for itself: nothing is counted twice, nothing is lost.
    """
    if name in ("unit", "place") and unit_tier is not None:
        own, above = units.alias("own"), units.alias("above")
        held = or_(above.c.path == own.c.path, own.c.path.startswith(above.c.path + "/"))
        return (
            select(own.c.code.label("own"), func.min(above.c.code).label("shown"))
            .join(above, and_(held, above.c.tier == unit_tier))
            .group_by(own.c.code)
            .subquery(f"above_{name}")
        )
    if name == "category" and category_level is not None:
        kind, over = categories.alias("kind"), categories.alias("over")
        held = or_(over.c.path == kind.c.path, kind.c.path.startswith(over.c.path + "/"))
        same = and_(over.c.table_key == kind.c.table_key, held, over.c.depth == category_level)
        key = kind.c.table_key + literal("/")
        return (
            select((key + kind.c.code).label("own"), func.max(key + over.c.code).label("shown"))
            .join(over, same)
            .group_by(key + kind.c.code)
            .subquery("above_category")
        )
    return None


# — what people call a group —

_key = categories.c.table_key + "/" + categories.c.code


def names_of(report: Report, name: str) -> Any:
    """The statement that knows what `keys` are called; None where a key says it itself."""
    unit = select(units.c.code, units.c.name)
    person = select(people.c.id, people.c.name)
    if name.startswith(FACT):
        fact = declared(report, name)
        kind = select(categories.c.code, categories.c.name).where(categories.c.table_key == fact.table)
        by_type: dict[str, Any] = {
            "unit": (unit, units.c.code),
            "person": (select(people.c.login, people.c.name), people.c.login),
            "category": (kind.order_by(categories.c.valid_from), categories.c.code),
        }
        return _among(by_type.get(fact.type))
    newest_last = select(_key, categories.c.name).order_by(categories.c.valid_from)
    head = select(process_heads.c.key, process_versions.c.name).join(
        process_versions, process_versions.c.id == process_heads.c.version_id
    )
    known: dict[str, Any] = {
        "unit": (unit, units.c.code),
        "place": (unit, units.c.code),
        "person": (person, people.c.id),
        "source": (select(people.c.login, people.c.name), people.c.login),
        "category": (newest_last, _key),
        "process": (head, process_heads.c.key),
    }
    return _among(known.get(name))


def _among(found: Any) -> Any:
    if found is None:
        return None
    statement, key = found
    return statement.where(key.in_(bindparam("keys", expanding=True)))
