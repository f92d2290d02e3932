"""The shipped work order from filing to archive: who sends what, and how many statements each step takes."""

from collections.abc import Mapping
from typing import Any

from app import create_app
from app.core import db
from app.core.ids import new_id
from tests.world import statements

# Who does which step of the work order, and what they send; filing is done by the one who dispatches.
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "receive": ("paiqian1", {"outcome": "受理"}),
    "dispatch": (
        "paiqian1",
        {
            "outcome": "派遣",
            "answers": {"main_unit": "d1-cgw", "appeal": "投诉", "dispatch_note": "请尽快到场查看。"},
        },
    ),
    "sign": ("cgw1", {"outcome": "签收"}),
    "handle": (
        "cgw1",
        {
            "outcome": "报结",
            "answers": {"contacted": True, "solved": True, "result": "已到场修复，来电人表示满意。"},
        },
    ),
    "review": ("shenhe1", {"outcome": "通过", "confirm": ["attachment-missing"]}),
    "visit": (
        "paiqian1",
        {
            "outcome": "已回访",
            "answers": {"visit_contacted": True, "visit_solved": True, "visit_satisfied": True},
        },
    ),
    "archive": ("paiqian1", {"outcome": "归档"}),
}
FILING = {
    "process": "work_order_12345",
    "title": "路灯不亮",
    "placeUnit": "d1-s1-c2",
    "answers": {"content": "乙社区3号楼前的路灯不亮，晚上出行不便，请尽快处理。", "level": "一般"},
}


def statements_of_each_step(tokens: Mapping[str, str]) -> dict[str, int]:
    """How many statements one request sends from its first to its last, for each step of a work order."""
    client, counts = create_app().test_client(), {}
    send = {"Content-Type": "application/json"}

    def post(path: str, who: str, body: Any) -> Any:
        given = {"Authorization": f"Bearer {tokens[who]}", "Idempotency-Key": new_id(), "If-Match": '"1"'}
        answer = client.post(path, json=body, headers=send | given)
        assert answer.status_code < 300, answer.text
        return answer.json

    for _ in range(2):  # the first time, what is kept in memory is read
        opened = post("/api/v1/cases", "paiqian1", FILING)["tasks"]
        while opened:
            step = opened[0]["step"]
            with statements(db.current()) as sent:
                opened = post(f"/api/v1/tasks/{opened[0]['id']}/complete", *STEPS[step])["next"]
            counts[step] = len(sent)
    return counts
