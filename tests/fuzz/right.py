"""Where words drawn by chance hardly ever fit, one request that is right: every operation must succeed once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from app import notices, periodic
from app.cases.incidents import opening
from app.cases.models import cases, incidents
from app.core import db
from app.core.ids import new_id
from app.identity.actor import SYSTEM
from app.notices.models import notice_deliveries
from app.notices.models import notices as notice_rows
from app.schedules import service as schedules
from tests.cases import secret_process, test_splitting
from tests.cases.external.conftest import fetch, fetching, said
from tests.engine.drawing import Drawing
from tests.files import bring, upload
from tests.fuzz import freezing, owning, polling, publishing
from tests.fuzz.district import PASSWORD, PERSON, SERVICE, District, outside
from tests.world import bundle_of, by_role, folder, shipped


def sign_in(district: District) -> TestResponse:
    return district.world.post(PERSON, "/sessions", {"login": PERSON, "password": PASSWORD})


CALENDAR = (
    "region: cn\nname: 中国大陆\nyear: {}\nsource: 通知\nholidays: [{{days: {}-10-01, name: 国庆节}}]\n"
)


def import_calendar(district: District) -> TestResponse:
    body = {"yaml": CALENDAR.format(2026, 2026)}
    return district.world.post(PERSON, "/calendars/cn/import", body)


def look_at_a_year(district: District) -> TestResponse:
    import_calendar(district)
    return district.world.get(PERSON, "/calendars/cn/2027")


def file_case(district: District) -> TestResponse:
    return district.world.post_filing(PERSON)


def complete(district: District) -> TestResponse:
    task = district.world.file(PERSON).opened[0]
    body = {"outcome": "派遣", "answers": {"main_unit": "d1-cgw"}}
    return district.world.post(PERSON, f"/tasks/{task['id']}/complete", body, seen=task["revision"])


def unclaim(district: District) -> TestResponse:
    task = taken(district)
    return district.world.post(
        PERSON, f"/tasks/{task['id']}/unclaim", {"reason": "请假"}, seen=task["revision"]
    )


def withdraw(district: District) -> TestResponse:
    world = district.world
    filed = world.file(PERSON).opened[0]
    world.complete(PERSON, filed, "派遣", {"main_unit": "d1-cgw"})
    return world.post(PERSON, f"/tasks/{filed['id']}/withdraw", {"reason": "派错了"})


def plan_return(district: District) -> TestResponse:
    return district.world.post(PERSON, f"/tasks/{taken(district)['id']}/return-plan", {"step": "dispatch"})


def return_(district: District) -> TestResponse:
    task = taken(district)
    body = {"step": "dispatch", "reason": "派错单位"}
    return district.world.post(PERSON, f"/tasks/{task['id']}/return", body, seen=task["revision"])


def unmerge(district: District) -> TestResponse:
    world = district.world
    one, other = world.file(PERSON).case, world.file(PERSON).case
    body = {"into": other["id"], "reason": "同一盏路灯"}
    assert world.post(PERSON, f"/cases/{one['id']}/merge", body, seen=one["revision"]).status_code == 200
    return world.post(PERSON, f"/cases/{one['id']}/unmerge", {"reason": "不是同一盏"})


def delete_phrase(district: District) -> TestResponse:
    kept = district.world.post(PERSON, "/phrases", {"text": "已派员核实"}).json
    return district.world.delete(PERSON, f"/phrases/{kept['id']}")


def remove_link(district: District) -> TestResponse:
    world = district.world
    one, other = world.file(PERSON).case, world.file(PERSON).case
    made = world.post(PERSON, f"/cases/{one['id']}/links", {"to": other["id"], "kind": "related"})
    return world.delete(PERSON, f"/cases/{one['id']}/links/{made.json['id']}")


def list_tasks(district: District) -> TestResponse:
    return district.world.get(PERSON, "/tasks?view=todo")


def keep_draft(district: District) -> TestResponse:
    return district.world.put(PERSON, f"/tasks/{taken(district)['id']}/draft", {"opinion": "先看看"})


def transfer(district: District) -> TestResponse:
    task = taken(district)
    body = {"to": "cgw1", "reason": "调休"}
    return district.world.post(PERSON, f"/tasks/{task['id']}/transfer", body, seen=task["revision"])


def reject(district: District) -> TestResponse:
    task = district.world.dispatched()
    body = {"reason": "非职责", "opinion": "不属本单位职责。"}
    return district.world.post(PERSON, f"/tasks/{task['id']}/reject-order", body, seen=task["revision"])


def reveal(district: District) -> TestResponse:
    answers = {"content": "来电", **secret_process.CALLER}
    case = district.world.file(PERSON, secret_process.KEY, answers=answers).case
    body = {"fields": ["caller_phone"], "reason": "回访核实"}
    return district.world.post(PERSON, f"/cases/{case['id']}/reveal", body)


def publish(district: District) -> TestResponse:
    files = {name: content.decode() for name, content in shipped("side_assist").files.items()}
    return district.world.post(PERSON, "/deployments", {"key": "side_assist", "files": files})


def attach(district: District) -> TestResponse:
    return upload(district.world, PERSON, district.world.file(PERSON).case["id"])


def attach_before_filing(district: District) -> TestResponse:
    return bring(district.world, PERSON)


def retry_incident(district: District) -> TestResponse:
    return treat(district, "retry", {"reason": "再试"})


def resolve_incident(district: District) -> TestResponse:
    return treat(district, "resolve", {"reason": "不用再试"}, "message-expired")


def skip_incident(district: District) -> TestResponse:
    return treat(district, "skip", {"reason": "不再发送"})


def assign_incident(district: District) -> TestResponse:
    return treat(district, "assign", {})


def treat(district: District, act: str, body: dict[str, Any], kind: str = "delivery-blocked") -> TestResponse:
    """An act on an incident of a message of its own."""
    case = district.world.file(PERSON).case
    with db.transaction() as session:
        where = opening.Where(case["process_key"], case["org_path"], case["id"])
        number = opening.open_incident(session, kind, where, RuntimeError(), SYSTEM)
    (incident,) = district.world.rows(incidents, number=number)
    return district.world.post(PERSON, f"/incidents/{incident['id']}/{act}", body)


def external(act: str, **body: Any) -> Callable[[District], TestResponse]:
    """An act on a task that the service has fetched."""

    def ask(district: District) -> TestResponse:
        outside(district.world)
        tasks = fetch(district.world, by=SERVICE, most=100)
        return said(district.world, tasks[-1], act, by=SERVICE, **body)

    ask.__name__ = act
    return ask


def fetch_and_lock(district: District) -> TestResponse:
    outside(district.world)
    return fetching(district.world, by=SERVICE)


def delegate(district: District) -> TestResponse:
    task = taken(district)
    body = {"to": "cgw2", "reason": "请先核对"}
    return district.world.post(PERSON, f"/tasks/{task['id']}/delegate", body, seen=task["revision"])


def resolve(district: District) -> TestResponse:
    delegated = delegate(district).json["task"]
    path = f"/tasks/{delegated['id']}/resolve"
    return district.world.post(PERSON, path, {"opinion": "自己办"}, seen=delegated["revision"])


def assign_down(district: District) -> TestResponse:
    task = taken(district)
    body = {"unit": "d1-zjw", "demand": "请核实"}
    return district.world.post(PERSON, f"/tasks/{task['id']}/assign-down", body, seen=task["revision"])


def escalate(district: District) -> TestResponse:
    district.world.appoint(PERSON, "handler", "d1")
    task = taken(district)
    path = f"/tasks/{task['id']}/escalate"
    return district.world.post(PERSON, path, {"reason": "需区级协调"}, seen=task["revision"])


def add_signers(district: District) -> TestResponse:
    task = taken(district)
    body = {"people": ["zjw1"], "where": "after", "reason": "请把关"}
    return district.world.post(PERSON, f"/tasks/{task['id']}/signers", body, seen=task["revision"])


def remove_signer(district: District) -> TestResponse:
    task = add_signers(district).json["task"]
    return district.world.delete(PERSON, f"/tasks/{task['id']}/signers?person=zjw1&reason=x")


def copy_case(district: District) -> TestResponse:
    task = taken(district)
    body = {"people": [PERSON, "zjw1"], "text": "请知悉"}
    return district.world.post(PERSON, f"/tasks/{task['id']}/cc", body)


def read_copy(district: District) -> TestResponse:
    copied = copy_case(district).json["task"]
    return district.world.post(PERSON, f"/tasks/{copied['id']}/read", {})


def told(district: District) -> str:
    """A notice of the person's own, told over the console by now, in vain; its id."""
    me = district.world.actor(PERSON).id
    now = district.world.now()
    with db.transaction() as session:
        notices.tell(session, [me], notices.Notice("other", "巡检提示", now.isoformat(), now, quiet=False))
    (row,) = [row for row in district.world.rows(notice_rows, person_id=me) if row["at"] == now]
    return str(row["id"])


def read_notice(district: District) -> TestResponse:
    return district.world.post(PERSON, f"/notices/{told(district)}/read", {})


def choose_notices(district: District) -> TestResponse:
    seen = district.world.get(PERSON, "/notice-settings").json["revision"]
    body = {"channels": ["console"], "digest": True, "quiet": False, "classes": {"pool": True}}
    return district.world.put(PERSON, "/notice-settings", body, seen=seen)


def redeliver_notice(district: District) -> TestResponse:
    row = {"id": new_id(), "notice_id": told(district), "person_id": district.world.actor(PERSON).id}
    row |= {"channel": "console", "state": "dead", "attempts": 6}
    now = district.world.now()
    with db.transaction() as session:
        session.execute(notice_deliveries.insert(), {**row, "next_at": now, "created_at": now})
    return district.world.post(PERSON, f"/notice-deliveries/{row['id']}/redeliver", {})


def urge(district: District) -> TestResponse:
    return district.world.post(PERSON, f"/tasks/{taken(district)['id']}/urge", {"text": "请尽快"})


def ask(district: District) -> TestResponse:
    district.world.publish(shipped("side_supplement"))
    body = {"kind": "supplement", "answers": {"request_reason": "是北侧的两盏。"}}
    return district.world.post(PERSON, f"/tasks/{taken(district)['id']}/requests", body)


def supervise(district: District) -> TestResponse:
    district.world.publish(shipped("side_supervise"))
    body = {"answers": {"request_reason": "请三日内办结。", "supervise_within": "3天"}}
    return district.world.post("lingdao1", f"/tasks/{taken(district)['id']}/supervise", body)


def explain_clock(district: District) -> TestResponse:
    clocks = district.world.get(PERSON, f"/cases/{taken(district)['case_id']}/clocks").json["items"]
    return district.world.get(PERSON, f"/clocks/{clocks[0]['id']}/explain")


def bulk_cases(district: District) -> TestResponse:
    items = [{"case": taken(district)["case_id"]}]
    return district.world.post(PERSON, "/cases/bulk", {"verb": "follow", "items": items})


def list_requests(district: District) -> TestResponse:
    return district.world.get(PERSON, "/requests?kind=supplement")


def list_requests_of_case(district: District) -> TestResponse:
    return district.world.get(PERSON, f"/cases/{ask(district).json['case']}/requests")


def show_request(district: District) -> TestResponse:
    return district.world.get(PERSON, f"/requests/{ask(district).json['id']}")


def include(district: District) -> TestResponse:
    case = district.world.file(PERSON).case
    district.world.change(cases, case["id"], excluded=True)
    path = f"/cases/{case['id']}/include"
    return district.world.post(PERSON, path, {"reason": "应当计入"}, seen=case["revision"])


def bulk(district: District) -> TestResponse:
    task = district.world.dispatched()
    body = {"verb": "claim", "items": [{"task": task["id"]}]}
    return district.world.post(PERSON, "/tasks/bulk", body)


def reopen(district: District) -> TestResponse:
    drawn = Drawing("reopened").start().task("work", by_role(), outcomes="完成").end()
    rule = "reopen: {to: work, within: P15D, max: 20}\n"
    district.world.publish(bundle_of("reopened", drawn.line("start", "work", "end"), more=rule))
    task = district.world.file(PERSON, process="reopened").opened[0]
    district.world.complete(PERSON, task)
    return district.world.post(PERSON, f"/cases/{task['case_id']}/reopen", {"reason": "又坏了"})


def mark(district: District) -> TestResponse:
    drawn = Drawing("marked").start().task("work", by_role(), outcomes="完成").end()
    key = {"data": "key: {type: bool, label: 重点}", "facts": "[key]", "more": "marks: [key]\n"}
    district.world.publish(bundle_of("marked", drawn.line("start", "work", "end"), **key))
    case = district.world.file(PERSON, process="marked").case
    return district.world.post(PERSON, f"/cases/{case['id']}/marks", {"name": "key", "on": True})


def suspend(district: District) -> TestResponse:
    case = district.world.file(PERSON).case
    path = f"/cases/{case['id']}/suspend"
    return district.world.post(PERSON, path, {"reason": "等待判决"}, seen=case["revision"])


def resume(district: District) -> TestResponse:
    case = suspend(district).json
    path = f"/cases/{case['id']}/resume"
    return district.world.post(PERSON, path, {"reason": "已判决"}, seen=case["revision"])


def terminate(district: District) -> TestResponse:
    case = district.world.file(PERSON).case
    path = f"/cases/{case['id']}/terminate"
    return district.world.post(PERSON, path, {"reason": "依规终止"}, seen=case["revision"])


def revoke(district: District) -> TestResponse:
    case = district.world.file(PERSON).case
    return district.world.post(PERSON, f"/cases/{case['id']}/revoke", {"reason": "已恢复"})


def add_link(district: District) -> TestResponse:
    one, other = district.world.file(PERSON).case, district.world.file(PERSON).case
    return district.world.post(PERSON, f"/cases/{one['id']}/links", {"to": other["id"], "kind": "related"})


def split_case(district: District) -> TestResponse:
    case = district.world.file(PERSON).case
    answer: TestResponse = test_splitting.split(district.world, case, by=PERSON)
    return answer


def take_back(district: District) -> TestResponse:
    part = split_case(district).json["parts"][0]
    return district.world.post(PERSON, f"/cases/{part['id']}/take-back", {"reason": "其实是一件事"})


def run_schedule(district: District) -> TestResponse:
    periodic.install()
    schedules.enter()
    return district.world.post(PERSON, "/schedules/answers/run", {})


def backtest(district: District) -> TestResponse:
    """The published policy of the order, tried on nothing."""
    body = {"key": "work_order_12345", "files": {}, "from": "2020-01-01", "to": "2020-01-02"}
    return district.world.post(PERSON, "/processes/work_order_12345/policies/backtest", body)


def swap(district: District) -> tuple[str, str]:
    """The order's limits are changed by a publication; running cases are asked to go over to the new policy:
    where that was asked, and where its report is."""
    key, files = "work_order_12345", folder("work_order_12345").files
    texts = {path: data.decode() for path, data in files.items()}
    for limit in ("PT4H", "PT5H"):
        texts["sla.yaml"] += f"# {limit}\n"
        district.world.post(PERSON, "/deployments", {"key": key, "files": texts})
    items = district.world.get(PERSON, f"/processes/{key}/policies").json["items"]
    asked = f"/processes/{key}/policies/{items[0]['number']}/swap"
    return asked, f"/processes/{key}/policy-swaps"


def look_at_a_swap(district: District) -> TestResponse:
    return district.world.get(PERSON, swap(district)[0])


def ask_for_a_swap(district: District) -> TestResponse:
    return district.world.post(PERSON, swap(district)[0], {"reason": "执行新的时限"})


def swap_report(district: District) -> TestResponse:
    asked, swaps = swap(district)
    district.world.post(PERSON, asked, {"reason": "执行新的时限"})
    newest = district.world.get(PERSON, swaps).json["items"][0]
    return district.world.get(PERSON, f"{swaps}/{newest['id']}/cases")


def count(path: str, **asked: str) -> Callable[[District], TestResponse]:
    """A year's orders, or the cases behind one of its numbers."""
    query = urlencode({"from": "2026-01-01", "to": "2026-12-31", **asked})
    return lambda district: district.world.get(PERSON, f"/reports/orders{path}?{query}")


def taken(district: District) -> dict[str, Any]:
    """A task that the person works on."""
    task = district.world.claim(PERSON, district.world.dispatched()).task
    assert task is not None
    return task


def assist(district: District) -> TestResponse:
    body = {"units": ["d1-zjw"], "demand": "请确认产权。"}
    task = taken(district)
    return district.world.post(PERSON, f"/tasks/{task['id']}/assist", body, seen=task["revision"])


def represent(district: District, days: int = 300) -> TestResponse:
    now = district.world.now()
    dates = {name: (now + timedelta(days=days + i)).isoformat() for i, name in enumerate(("from", "until"))}
    return district.world.post(
        PERSON, "/substitutions", {"substitute": "paiqian2", "reason": "休假", **dates}
    )


def represent_no_more(district: District) -> TestResponse:
    which = represent(district, 200).json["id"]
    return district.world.post(PERSON, f"/substitutions/{which}/end", {"reason": "返岗"})


RIGHT: dict[str, Callable[[District], TestResponse]] = {
    "POST /api/v1/cases/{case_id}/marks": mark,
    "POST /api/v1/sessions": sign_in,
    "POST /api/v1/cases": file_case,
    "POST /api/v1/substitutions": represent,
    "POST /api/v1/substitutions/{substitution_id}/end": represent_no_more,
    "POST /api/v1/calendars/{region}/import": import_calendar,
    "GET /api/v1/calendars/{region}/{year}": look_at_a_year,
    "POST /api/v1/tasks/{task_id}/complete": complete,
    "POST /api/v1/tasks/{task_id}/unclaim": unclaim,
    "POST /api/v1/tasks/{task_id}/withdraw": withdraw,
    "POST /api/v1/tasks/{task_id}/return-plan": plan_return,
    "POST /api/v1/tasks/{task_id}/return": return_,
    "POST /api/v1/tasks/{task_id}/delegate": delegate,
    "POST /api/v1/tasks/{task_id}/resolve": resolve,
    "POST /api/v1/tasks/{task_id}/assign-down": assign_down,
    "POST /api/v1/tasks/{task_id}/assist": assist,
    "POST /api/v1/tasks/{task_id}/escalate": escalate,
    "POST /api/v1/tasks/{task_id}/signers": add_signers,
    "DELETE /api/v1/tasks/{task_id}/signers": remove_signer,
    "POST /api/v1/tasks/{task_id}/urge": urge,
    "POST /api/v1/tasks/{task_id}/requests": ask,
    "POST /api/v1/tasks/{task_id}/supervise": supervise,
    "GET /api/v1/clocks/{clock_id}/explain": explain_clock,
    "GET /api/v1/requests": list_requests,
    "GET /api/v1/cases/{case_id}/requests": list_requests_of_case,
    "GET /api/v1/requests/{request_id}": show_request,
    "POST /api/v1/cases/{case_id}/include": include,
    "POST /api/v1/notices/{notice_id}/read": read_notice,
    "PUT /api/v1/notice-settings": choose_notices,
    "POST /api/v1/notice-deliveries/{delivery_id}/redeliver": redeliver_notice,
    "POST /api/v1/tasks/bulk": bulk,
    "POST /api/v1/cases/bulk": bulk_cases,
    "POST /api/v1/cases/{case_id}/reopen": reopen,
    "POST /api/v1/tasks/{task_id}/cc": copy_case,
    "POST /api/v1/tasks/{task_id}/read": read_copy,
    "POST /api/v1/cases/{case_id}/suspend": suspend,
    "POST /api/v1/cases/{case_id}/resume": resume,
    "POST /api/v1/cases/{case_id}/terminate": terminate,
    "POST /api/v1/cases/{case_id}/revoke": revoke,
    "POST /api/v1/cases/{case_id}/unmerge": unmerge,
    "DELETE /api/v1/cases/{case_id}/links/{link_id}": remove_link,
    "DELETE /api/v1/phrases/{phrase_id}": delete_phrase,
    "GET /api/v1/tasks": list_tasks,
    "PUT /api/v1/tasks/{task_id}/draft": keep_draft,
    "POST /api/v1/tasks/{task_id}/transfer": transfer,
    "POST /api/v1/tasks/{task_id}/reject-order": reject,
    "POST /api/v1/cases/{case_id}/reveal": reveal,
    "POST /api/v1/deployments": publish,
    "POST /api/v1/incidents/{incident_id}/retry": retry_incident,
    "POST /api/v1/incidents/{incident_id}/resolve": resolve_incident,
    "POST /api/v1/incidents/{incident_id}/skip": skip_incident,
    "POST /api/v1/incidents/{incident_id}/assign": assign_incident,
    "POST /api/v1/cases/{case_id}/attachments": attach,
    "POST /api/v1/attachments": attach_before_filing,
    "POST /api/v1/external-tasks/fetch-and-lock": fetch_and_lock,
    "POST /api/v1/external-tasks/{external_task_id}/complete": external(
        "complete", variables={"number": "P-7", "units": None}
    ),
    "POST /api/v1/external-tasks/{external_task_id}/bpmn-error": external("bpmn-error", errorCode="no_paper"),
    "POST /api/v1/external-tasks/{external_task_id}/failure": external("failure", retries=1),
    "POST /api/v1/external-tasks/{external_task_id}/extend-lock": external("extend-lock", newDuration=9000),
    "POST /api/v1/external-tasks/{external_task_id}/unlock": external("unlock"),
    "POST /api/v1/cases/{case_id}/links": add_link,
    "POST /api/v1/cases/{case_id}/split": split_case,
    "POST /api/v1/cases/{case_id}/take-back": take_back,
    "POST /api/v1/schedules/{name}/run": run_schedule,
    "GET /api/v1/reports/{name}": count(""),
    "GET /api/v1/reports/{name}/table": count("/table", by="unit"),
    "GET /api/v1/reports/{name}/cases": count("/cases", measure="received"),
    "POST /api/v1/processes/{key}/policies/backtest": backtest,
    "GET /api/v1/processes/{key}/policies/{number}/swap": look_at_a_swap,
    "POST /api/v1/processes/{key}/policies/{number}/swap": ask_for_a_swap,
    "GET /api/v1/processes/{key}/policy-swaps/{swap_id}/cases": swap_report,
    **polling.RIGHT,
    **publishing.RIGHT,
    **owning.RIGHT,
    **freezing.RIGHT,
}
