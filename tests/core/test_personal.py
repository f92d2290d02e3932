"""Personal numbers in free text: found however they are written, and nothing else is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import personal
from app.core.personal import COVERS, check_digit, covered, found

ID = "31019919900101001"
IDCARD = ID + check_digit(ID)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("我电话13812345678，晚上打", "我电话138****5678，晚上打"),
        ("10112345678", "101****5678"),
        ("１３８１２３４５６７８", "138****5678"),
        ("138 1234 5678", "138****5678"),
        ("138-1234-5678", "138****5678"),
        ("+86 13812345678", "138****5678"),
        ("0086-13812345678", "138****5678"),
        ("8613812345678", "138****5678"),
        ("tel13812345678wx", "tel138****5678wx"),
        ("13812345678/13912345678-13712345678", "138****5678/139****5678-137****5678"),
        ("家里010-12345678或(021)87654321", "家里010-****5678或021-****4321"),
        ("0512-1234567转", "0512-****4567转"),
        (f"身份证{IDCARD}。", f"身份证310***********{IDCARD[-4:]}。"),
        (f"{IDCARD[:6]} {IDCARD[6:14]} {IDCARD[14:]}", f"310***********{IDCARD[-4:]}"),
        ("卡号6222021234567890128", "卡号6222***********0128"),
        ("6222 0212 3456 7890 128", "6222***********0128"),
        ("京A12345和沪A·D12345、沪A1B2C3", "京A***45和沪A***45、沪A***C3"),
    ],
)
def test_a_personal_number_is_covered_however_it_is_written(text: str, shown: str) -> None:
    assert covered(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "路灯不亮，3号楼2单元101室，已经20天了",
        "12345-20260302-00001",
        "T-20260302-00123",
        "GD20260302001",
        "2026-03-02T09:00:00+08:00",
        "0199c1c2-0000-7000-8000-013812345678",
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b13812345",
        "138123456789",
        f"{ID}{(int(check_digit(ID)) + 1) % 10 if check_digit(ID) != 'X' else 0}",
        "310199199002300018",
        "6222021234567890129",
        "热线12345，拨打110、400-810-8888",
        "津BOSCH冰箱",
        "",
    ],
)
def test_what_is_no_personal_number_stays_as_it_is(text: str) -> None:
    assert covered(text) == text
    assert found(text) == []


@given(st.text(alphabet="0123456789xX-+ ()京A·、张 １", max_size=60))
def test_a_covered_text_holds_nothing_more_to_cover(text: str) -> None:
    once = covered(text)

    assert covered(once) == once


@given(st.text(max_size=20), st.integers(10**9, 3 * 10**9 - 1), st.text(max_size=20))
def test_no_neighbours_hide_a_mobile_number(before: str, number: int, after: str) -> None:
    phone = f"1{number:010d}"
    text = f"{before}，{phone}，{after}"

    assert phone not in covered(text)


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        ("phone", "13812345678", "138****5678"),
        ("phone", "01012345678", "010-****5678"),
        ("phone", "051212345678", "0512-****5678"),
        ("phone", "4008108888", "400****8888"),
        ("idcard", IDCARD, f"310***********{IDCARD[-4:]}"),
        ("name", "张三", "张*"),
        ("name", "欧阳小明", "欧***"),
        ("name", "张", "*"),
        ("address", "东街道幸福社区3号楼502室", "东街道幸福社区****"),
        ("address", "西街道大王村12号", "西街道大王村****"),
        ("address", "东街道中山路8号", "东街道****"),
        ("address", "中山路8号", "中****"),
        ("plain", "聋哑人，请发短信", "聋****"),
    ],
)
def test_a_secret_field_is_shown_by_its_format(form: str, value: str, shown: str) -> None:
    assert COVERS[form](value) == shown


def test_the_check_digit_is_that_of_the_standard() -> None:
    assert check_digit("11010519491231002") == "X"  # GB 11643, its own example
    assert personal.right_idcard("11010519491231002X")
    assert not personal.right_idcard("110105194912310021")
