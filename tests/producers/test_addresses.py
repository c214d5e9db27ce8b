import pytest

from producers.addresses import ConnectTo, refusal
from producers.errors import ProducerError


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4007::1", "::ffff:8.8.8.8"])
def test_public_addresses_may_be_reached(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::", "2001:db8::1", "localhost", "",
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_a_reason(address: str) -> None:
    assert refusal(address)


def test_connect_to_finds_exact_hosts_before_suffixes_and_longer_suffixes_first() -> None:
    table = ConnectTo(
        {"*.example": "127.0.0.1:1", "*.lecanal.example": "127.0.0.1:2", "www.lecanal.example": "[::1]:3"}
    )
    hosts = ["www.lecanal.example", "WWW.LeCanal.Example.", "rss.lecanal.example", "leport.example", "example", "a.fr"]
    assert [table.target(host) for host in hosts] == [
        ("::1", 3),
        ("::1", 3),
        ("127.0.0.1", 2),
        ("127.0.0.1", 1),
        None,
        None,
    ]


@pytest.mark.parametrize("target", ["localhost:80", "127.0.0.1", "127.0.0.1:http", ""])
def test_a_target_must_be_an_address_and_a_port(target: str) -> None:
    with pytest.raises(ProducerError, match="no address"):
        ConnectTo({"a.example": target})
