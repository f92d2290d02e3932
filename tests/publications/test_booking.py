"""预约交流: who has the case in hand is told when somebody asks for a talk, and when it is off."""

from datetime import timedelta

from tests.notices.reading import told
from tests.publications.conftest import ONE, Activity


def test_who_has_the_case_in_hand_is_told_of_a_booking_and_of_its_end(activity: Activity) -> None:
    world = activity.world
    wanted = (world.now() + timedelta(days=1)).isoformat()

    booked = activity.post(ONE, "bookings", {"wantedAt": wanted, "text": "谈谈助餐，10000000001"}).json["id"]
    world.delete(ONE, f"/publications/{activity.id}/bookings/{booked}")

    (asked, off) = reversed(told(world, kind="booking"))
    assert asked[:2] == off[:2] == ("甲社区社工", "booking")
    assert asked[2].startswith("居民甲预约交流“重阳敬老”，")
    assert "谈谈助餐" in asked[2]
    assert off[2] == "居民甲取消了“重阳敬老”的预约"
    assert "10000000001" not in asked[2]
