"""Where a connection may lead: every spelling of a place that was not approved is refused."""

import pytest

from app.exchange.addresses import AddressRefused, address_of, approved, target

EXTRANET = (approved("10.1.2.0/24:8080"), approved("[fd00:12::/32]:8080"))
LOCAL = (approved("127.0.0.0/8:8080"), approved("[::1/128]:8080"))


def leads_to(*addresses: str, loopback: bool = False, allowed: object = EXTRANET) -> str:
    where = target("http://city.example:8080/orders")
    return address_of(where, allowed, loopback=loopback, resolving=lambda host, port: addresses)  # type: ignore[arg-type]


def test_a_url_is_taken_apart_and_written_again_as_it_was() -> None:
    for url in ("http://10.1.2.3:8080/orders?a=1", "https://city.example/x", "https://[fd00:12::1]:8443/"):
        assert str(target(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://10.1.2.3/x",
        "file:///etc/passwd",
        "gopher://10.1.2.3:6379/_x",
        "http://user@10.1.2.3:8080/",
        "http://user:word@10.1.2.3:8080/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://city.example:99999/",
        "http://城市.example/",
        "http://city..example/",
        "http://city.example/a b",
        "http://city.example\\@10.1.2.3/",
        "http://[::1/",
        "http:///x",
        "http://[v1.fe80]/",
        "//10.1.2.3/x",
        "",
    ],
)
def test_a_spelling_that_hides_where_it_leads_cannot_be_configured(url: str) -> None:
    with pytest.raises(AddressRefused):
        target(url)


@pytest.mark.parametrize("text", ["10.1.2.0/24", "10.1.2.3/24:8080", ":8080", "10.1.2.0/24:0", "all:80", "*"])
def test_an_approved_place_names_a_network_and_a_port(text: str) -> None:
    with pytest.raises(AddressRefused):
        approved(text)


def test_an_approved_address_is_answered_for_the_connection() -> None:
    assert leads_to("10.1.2.3") == "10.1.2.3"
    assert leads_to("fd00:12::7") == "fd00:12::7"


@pytest.mark.parametrize(
    "addresses",
    [
        ("10.1.3.3",),
        ("10.1.2.3", "10.1.3.3"),  # a name that leads to two places, one of them elsewhere
        ("127.0.0.1",),
        ("::1",),
        ("::ffff:127.0.0.1",),
        ("2002:7f00:1::",),
    ],
)
def test_every_address_of_a_name_must_be_approved(addresses: tuple[str, ...]) -> None:
    with pytest.raises(AddressRefused):
        leads_to(*addresses)


def test_loopback_is_for_demonstrations_and_must_be_approved_even_there() -> None:
    with pytest.raises(AddressRefused):
        leads_to("127.0.0.1", allowed=LOCAL)
    with pytest.raises(AddressRefused):
        leads_to("127.0.0.1", loopback=True)

    assert leads_to("127.0.0.1", allowed=LOCAL, loopback=True) == "127.0.0.1"


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "fe80::1"])
def test_metadata_and_link_local_addresses_are_refused_whatever_is_approved(address: str) -> None:
    everything = (approved("0.0.0.0/0:8080"), approved("[::/0]:8080"))

    with pytest.raises(AddressRefused):
        leads_to(address, allowed=everything, loopback=True)


def test_a_name_without_address_is_a_connection_that_fails() -> None:
    with pytest.raises(OSError, match="no address"):
        leads_to()
