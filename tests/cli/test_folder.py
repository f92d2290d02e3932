"""The data folder belongs to one run: whoever is refused leaves everything of the running one in place."""

from pathlib import Path

import pytest

from app.cli.local import LocalRefused, folder


def never() -> bool:
    return False


def test_a_refused_second_start_leaves_the_way_to_the_running_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "WAIT_FOR_LAST_RUN", 0.2)
    told = {"DATABASE_URL": "sqlite:////data/of/the/first.db"}
    data = tmp_path / "data"

    with folder.opened(data, None, never) as first:
        first.tell(told)
        with pytest.raises(LocalRefused, match="正被另一个呼应使用"), folder.opened(data, None, never):
            pass
        found = folder.running(data)

    assert found == told
    assert folder.running(data) == {}
    assert not (data / folder.RUNNING).exists()
