"""Right requests for what is shown to residents: chance shows nothing and signs nobody up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from tests.files import upload
from tests.fuzz.district import District
from tests.publications.conftest import ONE, WORKER, Activity, showing


def shown(district: District) -> Activity:
    """An activity with seats that is under way."""
    district.world.publish(showing())
    return Activity(district.world.database, world=district.world)


def act(who: str, path: str, body: dict[str, Any] | None = None) -> Callable[[District], TestResponse]:
    return lambda district: shown(district).post(who, path, body)


def take_back(path: str) -> Callable[[District], TestResponse]:
    def ask(district: District) -> TestResponse:
        activity = shown(district)
        activity.post(ONE, path)
        return district.world.delete(ONE, f"/publications/{activity.id}/{path}")

    return ask


def read(path: str, who: str = WORKER) -> Callable[[District], TestResponse]:
    return lambda district: district.world.get(who, f"/publications/{shown(district).id}{path}")


def booked(district: District) -> tuple[Activity, str]:
    activity = shown(district)
    soon = (district.world.now() + timedelta(days=1)).isoformat()
    made = activity.post(ONE, "bookings", {"wantedAt": soon, "text": "谈谈"})
    return activity, made.json["id"]


def book(district: District) -> TestResponse:
    soon = (district.world.now() + timedelta(days=1)).isoformat()
    answer: TestResponse = shown(district).post(ONE, "bookings", {"wantedAt": soon, "text": "谈谈"})
    return answer


def answer(district: District) -> TestResponse:
    activity, booking = booked(district)
    told: TestResponse = activity.post(WORKER, f"bookings/{booking}/answer", {"accepted": True})
    return told


def cancel_booking(district: District) -> TestResponse:
    activity, booking = booked(district)
    return district.world.delete(ONE, f"/publications/{activity.id}/bookings/{booking}")


def comment_then(path: str, body: dict[str, Any]) -> Callable[[District], TestResponse]:
    def ask(district: District) -> TestResponse:
        activity = shown(district)
        said = activity.post(ONE, "comments", {"text": "很好"}).json["id"]
        told: TestResponse = activity.post(WORKER, f"comments/{said}/{path}", body)
        return told

    return ask


def open_file(district: District) -> TestResponse:
    activity = shown(district)
    photo = upload(district.world, WORKER, activity.case, task=activity.task["id"]).json["id"]
    activity.go("清点", photos=[photo])
    return district.world.get(ONE, f"/publications/{activity.id}/files/{photo}")


def check_in(district: District) -> TestResponse:
    activity = shown(district)
    activity.post(ONE, "sign-up")
    told: TestResponse = activity.post(WORKER, "check-ins", {"person": ONE})
    return told


ON = "/api/v1/publications/{publication_id}"
RIGHT: dict[str, Callable[[District], TestResponse]] = {
    f"GET {ON}": read(""),
    f"GET {ON}/files/{{attachment_id}}": open_file,
    f"GET {ON}/comments": read("/comments"),
    f"GET {ON}/sign-ups": read("/sign-ups"),
    f"GET {ON}/bookings": read("/bookings"),
    f"POST {ON}/like": act(ONE, "like"),
    f"DELETE {ON}/like": take_back("like"),
    f"POST {ON}/comments": act(ONE, "comments", {"text": "很好"}),
    f"POST {ON}/objections": act(ONE, "objections", {"text": "占了消防通道。"}),
    f"POST {ON}/ratings": act(ONE, "ratings", {"stars": {"活动内容": 5, "活动安排": 4}}),
    f"POST {ON}/sign-up": act(ONE, "sign-up"),
    f"DELETE {ON}/sign-up": take_back("sign-up"),
    f"POST {ON}/bookings": book,
    f"DELETE {ON}/bookings/{{booking_id}}": cancel_booking,
    f"POST {ON}/bookings/{{booking_id}}/answer": answer,
    f"POST {ON}/comments/{{comment_id}}/hide": comment_then("hide", {"reason": "与主题无关"}),
    f"POST {ON}/comments/{{comment_id}}/show": comment_then("show", {}),
    f"POST {ON}/check-ins": check_in,
    f"POST {ON}/seats": act(WORKER, "seats", {"seats": 9, "reason": "换了场地"}),
}
