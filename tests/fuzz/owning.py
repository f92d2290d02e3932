"""Right requests of residents, about their own cases and communities: chance files nothing."""

from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from tests.fuzz.district import PASSWORD, RESIDENT, District
from tests.residents.test_matters import ASKED, GOOD, bring, file, handle
from tests.residents.test_memberships import PERSON, apply
from tests.world import Row, shipped

COMMUNITY, WORKER = "d1-s1-c1", "jia1"


def own(district: District) -> Row:
    """A case that the resident filed."""
    district.world.publish(shipped("resident_request"))
    return file(district.world, RESIDENT)


def asked(district: District) -> Row:
    """One that waits for the resident's rating: the step that waits."""
    case = own(district)
    handle(district.world, case)
    waiting = district.world.get(RESIDENT, "/my/tasks").json["items"]
    return next(row for row in waiting if row["case"] == case["id"])


def file_own(district: District) -> TestResponse:
    district.world.publish(shipped("resident_request"))
    return district.world.post(RESIDENT, "/my/cases", ASKED)


def read(path: str) -> Callable[[District], TestResponse]:
    """What is shown of an own case."""
    return lambda district: district.world.get(RESIDENT, f"/my/cases/{own(district)['id']}{path}")


def act(verb: str, body: dict[str, Any]) -> Callable[[District], TestResponse]:
    """What is done to one that was just filed."""
    return lambda district: district.world.post(RESIDENT, f"/my/cases/{own(district)['id']}/{verb}", body)


def write(district: District) -> TestResponse:
    return district.world.post(
        WORKER, f"/cases/{own(district)['id']}/letters", {"text": "锁换好了，请看看。"}
    )


def answer(district: District) -> TestResponse:
    case = write(district).json["case"]
    return district.world.post(RESIDENT, f"/my/cases/{case}/letters", {"text": "看到了。"})


def rate(district: District) -> TestResponse:
    return district.world.post(RESIDENT, f"/my/cases/{asked(district)['case']}/rate", GOOD)


def reopen(district: District) -> TestResponse:
    case = rate(district).json
    return district.world.post(RESIDENT, f"/my/cases/{case['id']}/reopen", {"reason": "又坏了"})


def look_at_form(district: District) -> TestResponse:
    return district.world.get(RESIDENT, f"/my/tasks/{asked(district)['id']}/form")


def complete(district: District) -> TestResponse:
    task, body = asked(district), {"outcome": "评价", **GOOD}
    return district.world.post(RESIDENT, f"/my/tasks/{task['id']}/complete", body, seen=task["revision"])


def attach(district: District) -> TestResponse:
    answer: TestResponse = bring(district.world, RESIDENT, f"/my/cases/{own(district)['id']}/attachments")
    return answer


def attach_before_filing(district: District) -> TestResponse:
    answer: TestResponse = bring(district.world, RESIDENT, "/my/attachments", "登记前.txt")
    return answer


def download(district: District) -> TestResponse:
    path = f"/my/cases/{own(district)['id']}/attachments"
    brought = bring(district.world, RESIDENT, path, "单元门锁的照片说明.txt").json
    return district.world.get(RESIDENT, f"/my/attachments/{brought['id']}")


def register(district: District) -> TestResponse:
    person = {**PERSON, "login": "jumin9", "password": f"{PASSWORD}-jumin9", "idNumber": "110199196006060064"}
    answer: TestResponse = district.world.app.test_client().post("/api/v1/residents", json=person)
    return answer


def enter(district: District) -> TestResponse:
    person = {**PERSON, "login": "jumin8", "password": None, "idNumber": "110199195505050050"}
    return district.world.post(WORKER, "/memberships", person)


def decide(who: str, how: str, body: dict[str, Any]) -> Callable[[District], TestResponse]:
    """A worker of the community decides about somebody who applied to it."""

    def decided(district: District) -> TestResponse:
        waiting = apply(district.world, who, COMMUNITY)
        return district.world.post(WORKER, f"/memberships/{waiting['id']}/{how}", body)

    return decided


def review_many(district: District) -> TestResponse:
    waiting = apply(district.world, "jumin3", COMMUNITY)
    body = {"decision": "refuse", "items": [waiting["id"]], "reason": "地址不在本社区"}
    return district.world.post(WORKER, "/memberships/review", body)


RIGHT: dict[str, Callable[[District], TestResponse]] = {
    "POST /api/v1/my/cases": file_own,
    "GET /api/v1/my/cases/{case_id}": read(""),
    "GET /api/v1/my/cases/{case_id}/timeline": read("/timeline"),
    "GET /api/v1/my/cases/{case_id}/attachments": read("/attachments"),
    "POST /api/v1/my/cases/{case_id}/attachments": attach,
    "POST /api/v1/my/attachments": attach_before_filing,
    "GET /api/v1/my/attachments/{attachment_id}": download,
    "GET /api/v1/my/cases/{case_id}/letters": read("/letters"),
    "POST /api/v1/my/cases/{case_id}/letters": answer,
    "POST /api/v1/cases/{case_id}/letters": write,
    "POST /api/v1/my/cases/{case_id}/rate": rate,
    "POST /api/v1/my/cases/{case_id}/urge": act("urge", {"text": "请快些"}),
    "POST /api/v1/my/cases/{case_id}/revoke": act("revoke", {"reason": "已经好了"}),
    "POST /api/v1/my/cases/{case_id}/reopen": reopen,
    "GET /api/v1/my/tasks/{task_id}/form": look_at_form,
    "POST /api/v1/my/tasks/{task_id}/complete": complete,
    "POST /api/v1/residents": register,
    "POST /api/v1/memberships": enter,
    "POST /api/v1/memberships/review": review_many,
    "POST /api/v1/memberships/{membership_id}/approve": decide("jumin4", "approve", {}),
    "POST /api/v1/memberships/{membership_id}/refuse": decide(
        "jumin3", "refuse", {"reason": "地址不在本社区"}
    ),
}
