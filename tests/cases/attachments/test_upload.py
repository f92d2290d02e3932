"""上传, 列出, 下载, 撤回: what becomes of a file that somebody brings to a case."""

import io
import os
import stat
from pathlib import Path

import orjson
import pytest
from PIL import Image

from app.audit.chain import case_chain
from app.cases.attachments.models import attachments
from app.cases.attachments.schemas import AttachmentOut, AttachmentPage
from app.crypto.sm3 import sm3_hex
from tests.cases.test_shapes import misfits
from tests.files import MADE, form, upload
from tests.world import Row, World

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def lying(shelf: Path) -> list[Path]:
    return [path for path in shelf.rglob("*") if path.is_file()]


def timeline(world: World, case_id: str) -> list[str]:
    items = world.get("paiqian1", f"/cases/{case_id}/timeline").json["items"]
    return [event["text"] for item in items for event in item["events"]]


def test_a_file_comes_to_a_task_and_is_listed_told_and_downloaded(world: World, shelf: Path) -> None:
    task = world.dispatched()
    case_id = task["case_id"]

    answer = upload(world, "cgw1", case_id, "pdf", "处理报告.pdf", task=task["id"])

    told: Row = answer.json
    assert answer.status_code == 201, told
    assert answer.headers["Location"] == f"/api/v1/attachments/{told['id']}"
    assert misfits(AttachmentOut(), told) == []
    assert (told["task"], told["step"], told["kind"], told["mime"]) == (
        task["id"],
        "sign",
        "pdf",
        "application/pdf",
    )
    assert (told["sm3"], told["size"]) == (sm3_hex(MADE["pdf"]()), len(MADE["pdf"]()))
    page = world.get("guancha1", f"/cases/{case_id}/attachments").json
    assert misfits(AttachmentPage(), page) == []
    assert page["items"] == [{**told, "uploaderName": "城管委值班员"}]
    assert timeline(world, case_id)[-1] == "在“签收”上传附件“处理报告.pdf”（PDF，1 KB）"
    got = world.get("guancha1", f"/attachments/{told['id']}")
    assert (got.status_code, got.data) == (200, MADE["pdf"]())


def test_a_download_is_saved_and_never_shown(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    made = upload(world, "paiqian1", case_id, "jpeg", '现场 (1);a="b.jpg').json

    got = world.get("paiqian1", f"/attachments/{made['id']}")

    assert got.headers["Content-Disposition"] == (
        "attachment; filename=\"__ (1);a=_b.jpg\"; filename*=UTF-8''%E7%8E%B0%E5%9C%BA%20%281%29%3Ba%3D_b.jpg"
    )
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert got.headers["Content-Type"] == "image/jpeg"
    assert int(got.headers["Content-Length"]) == made["size"] == len(got.data)


def test_bytes_lie_under_a_name_nobody_chose_readable_by_us_alone(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]

    upload(world, "paiqian1", case_id, "pdf", "../../../etc/报告.pdf")

    row = world.rows(attachments)[0]
    assert row["name"] == "报告.pdf"
    assert [path.relative_to(shelf).as_posix() for path in lying(shelf)] == [row["stored"]]
    assert "报告" not in row["stored"]
    for path, mode in ((shelf / row["stored"], 0o600), ((shelf / row["stored"]).parent, 0o700)):
        assert stat.S_IMODE(os.stat(path).st_mode) == mode
    assert not shelf.is_relative_to(Path(world.app.root_path))


def test_a_photo_is_drawn_anew_upright_and_keeps_no_place_and_no_name(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    sent = MADE["photo"]()
    assert b"Canary Owner" in sent
    assert Image.open(io.BytesIO(sent)).size == (32, 20)

    made = upload(world, "paiqian1", case_id, sent, "IMG_0001.JPG").json

    got = world.get("paiqian1", f"/attachments/{made['id']}").data
    drawn = Image.open(io.BytesIO(got))
    assert drawn.size == (20, 32)  # as the phone meant it
    assert dict(drawn.getexif()) == {}
    assert b"Canary" not in got
    assert "exif" not in drawn.info
    assert made["sm3"] == sm3_hex(got)


@pytest.mark.parametrize(
    ("what", "name"),
    [("jpeg-and-zip", "a.jpg"), ("jpeg-and-html", "a.jpeg"), ("png", "a.png"), ("webp", "a.webp")],
)
def test_what_hid_in_a_picture_stays_behind(world: World, shelf: Path, what: str, name: str) -> None:
    case_id = world.file().case["id"]

    made = upload(world, "paiqian1", case_id, what, name).json

    got = world.get("paiqian1", f"/attachments/{made['id']}").data
    assert b"Canary Payload" not in got
    assert b"script" not in got
    assert b"PK\x05\x06" not in got
    red = Image.open(io.BytesIO(got)).convert("RGB").getpixel((4, 10))
    assert isinstance(red, tuple)
    assert (red[0] > 200, red[1] < 80) == (True, True)


def test_the_chain_names_no_file_and_holds_its_hash(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]

    made = upload(world, "paiqian1", case_id, "pdf", "张某某身份证.pdf").json

    row = world.rows(case_chain, case_id=case_id)[-1]
    event = orjson.loads(row["events"])[0]
    assert (row["command"], event["name"], event["sm3"]) == ("Attach", "file.attached", made["sm3"])
    assert "身份证" not in row["events"]
    assert timeline(world, case_id)[-1] == "上传附件“张某某身份证.pdf”（PDF，1 KB）"


def test_a_retry_with_another_boundary_is_the_same_request_and_leaves_one_file(
    world: World, shelf: Path
) -> None:
    case_id = world.file().case["id"]

    first = upload(world, "paiqian1", case_id, "pdf", "a.pdf", key="same", boundary="one")
    again = upload(world, "paiqian1", case_id, "pdf", "a.pdf", key="same", boundary="two")
    other = upload(world, "paiqian1", case_id, "docx", "a.docx", key="same")

    assert (first.status_code, again.data) == (201, first.data)
    assert (other.status_code, other.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(world.rows(attachments)) == len(lying(shelf)) == 1


def test_who_may_bring_a_file_to_a_task_and_who_to_the_case(world: World, shelf: Path) -> None:
    task = world.dispatched()
    case_id = task["case_id"]

    def answered(by: str, of_task: str | None) -> tuple[int, str]:
        answer = upload(world, by, case_id, task=of_task)
        return answer.status_code, answer.json.get("type", answer.json.get("uploaderName"))

    assert answered("cgw2", task["id"]) == (201, "城管委承办员")  # in the pool
    world.claim("cgw1", task)
    assert answered("cgw1", task["id"]) == (201, "城管委值班员")
    assert answered("cgw2", task["id"]) == (409, "/problems/task-taken")
    assert answered("paiqian1", task["id"]) == (403, "/problems/forbidden-action")
    assert answered("paiqian1", None) == (201, "派遣员甲")
    assert answered("city", None) == (201, "市级平台")
    assert answered("guancha1", None) == (403, "/problems/forbidden-action")
    assert answered("zjw1", None) == (404, "/problems/not-found")
    assert answered("cgw1", "no-such-task") == (422, "/problems/task-not-open")
    assert len(world.rows(attachments)) == len(lying(shelf)) == 4  # what was refused left nothing behind


def test_a_task_of_another_case_takes_no_file_of_this_one(world: World, shelf: Path) -> None:
    mine, other = world.dispatched(), world.dispatched()

    answer = upload(world, "cgw1", mine["case_id"], task=other["id"])

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/task")
    assert lying(shelf) == []


def test_an_attachment_of_a_case_out_of_sight_is_not_there(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    made = upload(world, "paiqian1", case_id).json

    for by in ("zjw1", "xijie1", "jia1"):
        assert world.get(by, f"/attachments/{made['id']}").status_code == 404
        assert world.get(by, f"/cases/{case_id}/attachments").status_code == 404
        assert world.delete(by, f"/attachments/{made['id']}").status_code == 404
    assert world.get("paiqian1", "/attachments/no-such-file").status_code == 404


def test_nothing_is_attached_to_a_closed_case(world: World, shelf: Path) -> None:
    task = world.complete("cgw1", world.dispatched(), "签收").opened[0]
    task = world.complete("cgw1", task, "报结", HANDLED).opened[0]
    task = world.complete("shenhe1", task, "通过").opened[0]
    world.complete("paiqian1", task, "归档")

    answer = upload(world, "paiqian1", task["case_id"])

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/case-closed")
    assert lying(shelf) == []


def test_who_uploaded_takes_it_back_while_the_task_is_open(world: World, shelf: Path) -> None:
    task = world.dispatched()
    case_id = task["case_id"]
    made = upload(world, "cgw1", case_id, task=task["id"]).json
    path = f"/attachments/{made['id']}"

    other = world.delete("cgw2", path)
    first = world.delete("cgw1", path)
    again = world.delete("cgw1", path)

    assert (other.status_code, other.json["detail"]) == (403, "只有上传的人可以撤回附件。")
    assert (first.status_code, first.json["state"]) == (200, "withdrawn")
    assert (again.status_code, again.json) == (200, first.json)
    assert misfits(AttachmentOut(), first.json) == []
    assert [row["state"] for row in world.get("cgw1", f"/cases/{case_id}/attachments").json["items"]] == [
        "withdrawn"
    ]
    assert world.get("cgw1", path).json["type"] == "/problems/attachment-withdrawn"
    assert timeline(world, case_id)[-1].startswith("撤回附件“现场.jpg”")
    assert len([row for row in world.rows(case_chain, case_id=case_id) if row["command"] == "Detach"]) == 1


def test_what_was_handed_in_stays(world: World, shelf: Path) -> None:
    task = world.dispatched()
    made = upload(world, "cgw1", task["case_id"], task=task["id"]).json
    world.complete("cgw1", task, "签收")

    answer = world.delete("cgw1", f"/attachments/{made['id']}")

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/attachment-fixed")
    assert world.get("cgw1", f"/attachments/{made['id']}").status_code == 200


def test_attachments_come_in_pages(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    names = [f"{number}.pdf" for number in range(3)]
    for name in names:
        upload(world, "paiqian1", case_id, "pdf", name)

    first = world.get("paiqian1", f"/cases/{case_id}/attachments?limit=2").json
    rest = world.get("paiqian1", f"/cases/{case_id}/attachments?after={first['page']['next']}").json

    assert [row["name"] for row in first["items"] + rest["items"]] == names
    assert rest["page"]["next"] is None


@pytest.mark.parametrize(
    ("parts", "problem", "pointer"),
    [
        ([], "file-missing", "/file"),
        ([("file", "a.pdf", b"")], "file-missing", "/file"),
        ([("other", "a.pdf", MADE["pdf"]())], "fields-refused", "/other"),
        ([("file", "a.pdf", MADE["pdf"]()), ("status", None, b"done")], "fields-refused", "/status"),
        ([("file", "a.pdf", MADE["pdf"]()), ("file", "b.pdf", MADE["pdf"]())], "fields-refused", "/file"),
        ([("task", None, b"x"), ("task", None, b"y")], "fields-refused", "/task"),
        ([("task", None, b"\x00"), ("file", "a.pdf", MADE["pdf"]())], "fields-refused", "/task"),
        ([("file", None, MADE["pdf"]())], "fields-refused", "/file"),
    ],
)
def test_a_form_that_holds_something_else_is_refused(
    world: World, shelf: Path, parts: list[tuple[str, str | None, bytes]], problem: str, pointer: str
) -> None:
    case_id = world.file().case["id"]
    headers = {"Content-Type": "multipart/form-data; boundary=b0undary"}

    answer = world.post("paiqian1", f"/cases/{case_id}/attachments", form(parts), headers=headers)

    assert (answer.status_code, answer.json["type"]) == (422, f"/problems/{problem}")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert lying(shelf) == []
