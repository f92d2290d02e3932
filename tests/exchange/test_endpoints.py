"""The file of other systems: read once, refused with line and words, the only source of addresses."""

from dataclasses import replace
from pathlib import Path

import pytest

from app import begin
from app.core import config, db
from app.core.config import SettingRefused, from_environment
from app.exchange import endpoints

GOOD = "city12345: {adapter: city12345, url: 'http://10.1.2.3:8080/orders', allow: ['10.1.2.0/24:8080']}\n"


@pytest.fixture
def written(sqlite: db.Database, tmp_path: Path) -> object:
    before = config.settings()

    def write(text: str, profile: str = "test") -> None:
        file = tmp_path / "connectors.yaml"
        file.write_text(text, "utf-8")
        config.use(replace(before, connectors=file, profile=profile))
        endpoints.forget()

    yield write
    config.use(before)
    endpoints.forget()


def test_without_a_file_there_is_no_other_system(sqlite: db.Database) -> None:
    assert endpoints.configured() == {}
    assert endpoints.sendable() == ()
    assert endpoints.of_account("city") is None


def test_a_file_names_systems_their_places_and_their_accounts(written: object) -> None:
    written(
        GOOD
        + "other: {adapter: plain, url: 'https://x.example/y', allow: ['10.0.0.0/8:443'], account: other, on: false}\n"
    )  # type: ignore[operator]

    assert sorted(endpoints.configured()) == ["city12345", "other"]
    assert endpoints.sendable() == ("city12345",)
    assert endpoints.of_account("other") is not None
    assert str(endpoints.configured()["city12345"].target) == "http://10.1.2.3:8080/orders"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("adapter: city12345", "adapter: city1234"), "第 1 行：没有这个对接器；可用的有 city12345、grid、plain、sms、wechat、mail（是不是 city12345？）"),
        (GOOD.replace("http://10.1.2.3:8080", "http://admin@10.1.2.3:8080"), "网址里不能写账号或口令"),
        (GOOD.replace("http://10.1.2.3:8080", "http://2130706433"), "IP 地址请写成四段十进制数"),
        (GOOD.replace("10.1.2.0/24:8080", "10.1.2.0/24"), "应写成 网段:端口"),
        (GOOD.replace("allow: ['10.1.2.0/24:8080']", "allow: []"), "应有 1 到 20 项"),
        (GOOD.replace("url:", "adress:"), "不认识“adress”"),
        (GOOD.replace("city12345: {", "City: {"), "“City”不能作名字"),
        (GOOD + GOOD, "写了两遍"),
        ("city12345：{}\n", "应为"),
        (GOOD.replace("}", ", account: city}") + GOOD.replace("city12345: {", "two: {").replace("}", ", account: city}"), "账号 city 已属于 city12345"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_in_plain_words(written: object, text: str, says: str) -> None:
    written(text)  # type: ignore[operator]

    with pytest.raises(SettingRefused) as refused:
        endpoints.configured()

    assert says in str(refused.value)
    assert "HUYING_CONNECTORS" in str(refused.value)


def test_a_process_does_not_start_with_a_wrong_file(written: object) -> None:
    written("city12345: {adapter: plain}\n")  # type: ignore[operator]

    with pytest.raises(SettingRefused, match="缺少“url”"):
        begin()


def test_production_refuses_a_played_partner_and_its_own_machine(written: object) -> None:
    written(GOOD.replace("}", ", stub: true}"), profile="production")  # type: ignore[operator]

    with pytest.raises(SettingRefused, match="正式环境不能连接模拟系统"):
        endpoints.configured()
    assert endpoints.loopback() is False


def test_a_file_that_is_not_there_is_refused_by_its_setting() -> None:
    with pytest.raises(SettingRefused, match="HUYING_CONNECTORS 指的文件"):
        from_environment({"HUYING_CONNECTORS": "/nowhere/connectors.yaml"})
