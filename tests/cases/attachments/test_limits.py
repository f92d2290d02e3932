"""How much is taken, and what happens to an upload that is too large, cut short, or meets a full disk."""

import errno
import io
import logging
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.cases.attachments import scanner, service
from app.cases.attachments import shelf as shelves
from app.cases.attachments.models import attachments
from app.cli import main
from app.core import clock, config, db
from tests.bad.test_bad_case_requests import everything
from tests.files import MADE, form, upload
from tests.world import World

MB = 1 << 20


class Endless(io.RawIOBase):
    """A body that never ends; counts what was taken of it."""

    def __init__(self, start: bytes) -> None:
        self.start, self.taken = start, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self.start or b"\x00" * max(size, 1)
        self.start = b""
        self.taken += len(piece)
        return piece


def send(world: World, case_id: str, body: Any, **environ: Any) -> tuple[int, str]:
    """A raw request of paiqian1; `environ` replaces what the server would have said of it."""
    headers = {
        "Authorization": f"Bearer {world.token('paiqian1')}",
        "Idempotency-Key": "a-key",
    }
    made = EnvironBuilder(
        path=f"/api/v1/cases/{case_id}/attachments", method="POST", headers=headers
    ).get_environ()
    made |= {
        "wsgi.input": body,
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "multipart/form-data; boundary=b0undary",
    }
    made |= environ
    answer, status, _ = run_wsgi_app(world.app, made, buffered=True)
    return int(status[:3]), b"".join(answer).decode()


def lying(shelf: Path) -> list[Path]:
    return [path for path in shelf.rglob("*") if path.is_file()]


def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(
    world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_BYTES", 4 * MB)
    case_id = world.file().case["id"]
    exact = MADE["mp3"]() + b"\x00" * (4 * MB - len(MADE["mp3"]()))

    taken = upload(world, "paiqian1", case_id, exact, "a.mp3")
    refused = upload(world, "paiqian1", case_id, exact + b"\x00", "a.mp3")

    assert (taken.status_code, taken.json["size"]) == (201, 4 * MB)
    assert (refused.status_code, refused.json["type"]) == (413, "/problems/too-large")
    assert "4 MB" in refused.json["detail"]
    assert len(lying(shelf)) == 1


def test_a_length_over_the_limit_is_refused_before_anything_is_read(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    body = Endless(b"")

    status, told = send(world, case_id, body, CONTENT_LENGTH=str(60 * MB))

    assert (status, "too-large" in told) == (413, True)
    assert body.taken == 0


def test_chunks_without_an_end_are_cut_off_at_the_limit(
    world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_BYTES", 2 * MB)
    case_id = world.file().case["id"]
    body = Endless(form([("file", "a.mp4", MADE["mp4"]())])[:-20])

    status, told = send(
        world, case_id, body, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}
    )

    assert (status, "too-large" in told) == (413, True)
    assert body.taken < 3 * MB
    assert lying(shelf) == []


def test_chunks_that_end_are_a_file(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    body = io.BytesIO(form([("file", "a.pdf", MADE["pdf"]())]))

    status, told = send(
        world, case_id, body, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True}
    )

    assert status == 201, told
    assert len(lying(shelf)) == 1


@pytest.mark.parametrize(
    ("claimed", "problem"), [(10, "multipart-malformed"), (100_000, "body-truncated"), (-1, "body-truncated")]
)
def test_a_false_length_is_refused(world: World, shelf: Path, claimed: int, problem: str) -> None:
    case_id = world.file().case["id"]
    world.token("paiqian1")
    before = everything()

    status, told = send(
        world, case_id, io.BytesIO(form([("file", "a.pdf", MADE["pdf"]())])), CONTENT_LENGTH=str(claimed)
    )

    assert (status, problem in told) == (400, True), told
    assert lying(shelf) == []
    assert everything() == before


@pytest.mark.parametrize(
    "body",
    [b"", b"--b0undary", b"garbage", b"--b0undary\r\nX: y\r\n\r\nz\r\n--b0undary--\r\n", b"\x00" * 600_000],
)
def test_a_body_that_is_no_form_is_refused(world: World, shelf: Path, body: bytes) -> None:
    case_id = world.file().case["id"]

    status, told = send(world, case_id, io.BytesIO(body), CONTENT_LENGTH=str(len(body)))

    assert (status, "multipart-malformed" in told) == (400, True), told
    assert lying(shelf) == []


def test_json_is_no_file(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]

    answer = world.post("paiqian1", f"/cases/{case_id}/attachments", {"file": "x"})

    assert (answer.status_code, answer.headers["Accept-Post"]) == (415, "multipart/form-data")


@pytest.mark.promise("P18")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("where", ["write", "fsync", "rename"])
def test_a_full_disk_is_said_leaves_nothing_half_written_and_passes(
    world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch, code: int, where: str
) -> None:
    case_id = world.file().case["id"]
    kept = upload(world, "paiqian1", case_id, "pdf", "a.pdf").json
    before = everything()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        if where == "fsync":
            broken.setattr(os, "fsync", full)
        elif where == "rename":
            broken.setattr(Path, "rename", full)
        else:
            plain = Path.open

            def device(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
                return plain(Path("/dev/full") if "w" in mode else path, mode, *args, **kwargs)

            broken.setattr(Path, "open", device)
        refused = upload(world, "paiqian1", case_id, "pdf", "b.pdf")

    assert (refused.status_code, refused.json["type"]) == (503, "/problems/storage-full")
    assert refused.headers["Retry-After"] == "60"
    assert everything() == before
    assert len(lying(shelf)) == 1
    assert world.get("paiqian1", f"/attachments/{kept['id']}").status_code == 200  # reads go on
    assert upload(world, "paiqian1", case_id, "pdf", "b.pdf").status_code == 201  # and it recovers by itself


def test_a_full_disk_while_a_picture_is_drawn_is_no_fault_of_the_picture(
    world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = world.file().case["id"]
    plain, opened = Path.open, []

    def device(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        opened.append(mode)
        full = "w" in mode and opened.count("wb") == 2  # the draft is written, the drawn one is not
        return plain(Path("/dev/full") if full else path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", device)
    refused = upload(world, "paiqian1", case_id, "jpeg", "b.jpg")

    assert (refused.status_code, refused.json["type"]) == (503, "/problems/storage-full")
    assert lying(shelf) == []


def test_without_a_folder_nothing_is_taken_and_it_is_said(world: World, tmp_path: Path) -> None:
    case_id = world.file().case["id"]

    answer = upload(world, "paiqian1", case_id)

    assert (answer.status_code, answer.json["type"]) == (503, "/problems/storage-unavailable")


def test_bytes_that_changed_on_disk_are_not_handed_out(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    made = upload(world, "paiqian1", case_id, "pdf", "a.pdf").json
    file = lying(shelf)[0]

    file.write_bytes(file.read_bytes()[:-1] + b"!")
    changed = world.get("paiqian1", f"/attachments/{made['id']}")
    file.unlink()
    lost = world.get("paiqian1", f"/attachments/{made['id']}")

    assert [each.json["type"] for each in (changed, lost)] == ["/problems/attachment-damaged"] * 2


def test_verifying_names_the_case_of_a_damaged_file(world: World, shelf: Path) -> None:
    case = world.file().case
    upload(world, "paiqian1", case["id"], "pdf", "a.pdf")
    whole = CliRunner().invoke(main, ["files", "verify"])
    lying(shelf)[0].write_bytes(b"x")

    damaged = CliRunner().invoke(main, ["files", "verify"])

    assert (whole.exit_code, whole.output) == (0, "附件 1 个：完好。\n")
    assert damaged.exit_code == 1
    assert "1 个损坏或丢失" in damaged.output
    assert case["number"] in damaged.output


def test_the_sweep_takes_what_no_row_keeps_and_nothing_else(world: World, shelf: Path) -> None:
    case_id = world.file().case["id"]
    kept = upload(world, "paiqian1", case_id, "pdf", "a.pdf").json
    gone = upload(world, "paiqian1", case_id, "docx", "b.docx").json
    world.delete("paiqian1", f"/attachments/{gone['id']}")
    with shelves.drafts() as drafts:  # a request that was killed between its file and its row
        draft = drafts.new()
        draft.write_bytes(b"orphan")
        orphan = shelves.keep(draft)
        left = drafts.new()
        drafts._paths.clear()
    assert service.sweep() == 0  # too young: their rows may be on the way

    old = (clock.wall() - timedelta(hours=25)).timestamp()
    for path in lying(shelf):
        os.utime(path, (old, old))
    assert service.sweep() == 3

    row = world.rows(attachments, id=kept["id"])[0]
    assert [path.relative_to(shelf).as_posix() for path in lying(shelf)] == [row["stored"]]
    assert not left.exists()
    assert orphan.stored != row["stored"]
    assert world.get("paiqian1", f"/attachments/{kept['id']}").status_code == 200


def test_bytes_stay_while_nobody_can_tell_whether_their_row_was_committed(
    world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    case_id = world.file().case["id"]
    world.token("paiqian1")

    def lost(*_: Any) -> None:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr(service, "advance", lost)
    monkeypatch.setattr(service, "reading", lost)
    taken = _taken()
    with pytest.raises(OperationalError), service.unless_named(taken):
        service.attach(world.actor("paiqian1"), case_id, None, taken)

    assert len(lying(shelf)) == 1


def _taken() -> service.Taken:
    with shelves.drafts() as drafts:
        draft = drafts.new()
        draft.write_bytes(MADE["pdf"]())
        return service.take(draft, "a.pdf", drafts)


@pytest.mark.parametrize(("ends", "status"), [(0, 201), (1, 422), (2, 503)])
def test_a_sites_own_scanner_decides(
    world: World, shelf: Path, tmp_path: Path, ends: int, status: int
) -> None:
    case_id = world.file().case["id"]
    script = tmp_path / "scan"
    script.write_text(f'#!/bin/sh\ntest "$1" = --quiet && test -r "$2" || exit 9\nexit {ends}\n')
    script.chmod(0o700)
    config.use(replace(config.settings(), scanner=f"{script} --quiet"))

    answer = upload(world, "paiqian1", case_id, "pdf", "a.pdf")

    assert answer.status_code == status, answer.json
    assert len(lying(shelf)) == (1 if status == 201 else 0)


def test_a_scanner_that_is_not_there_lets_nothing_pass(
    world: World, shelf: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case_id = world.file().case["id"]
    config.use(replace(config.settings(), scanner="/nonexistent/scanner"))

    with caplog.at_level(logging.ERROR):
        answer = upload(world, "paiqian1", case_id, "pdf", "a.pdf")

    assert (answer.status_code, answer.json["type"]) == (503, "/problems/scanner-unavailable")
    assert "scanner did not answer" in caplog.text


def test_the_test_virus_is_found_across_the_edges_of_pieces(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\x00" * ((1 << 20) - 30) + scanner.EICAR + b"\x00" * 99)

    assert scanner.holds_the_test_virus(file)


def test_a_task_that_vanishes_keeps_its_files(world: World, shelf: Path) -> None:
    """A file outlives its task: it belongs to the case."""
    task = world.dispatched()
    made = upload(world, "cgw1", task["case_id"], task=task["id"]).json
    world.wait(hours=3)
    from app.cases import firing

    firing.fire_due()  # nobody signed: the task is cancelled

    assert world.get("cgw1", f"/attachments/{made['id']}").status_code == 200
    refused = upload(world, "cgw1", task["case_id"], task=task["id"])
    assert refused.json["type"] == "/problems/task-not-open"
    with db.transaction() as session:  # rows are never deleted, only their state changes
        session.execute(update(attachments).values(state="withdrawn"))
    assert world.get("cgw1", f"/attachments/{made['id']}").status_code == 410
