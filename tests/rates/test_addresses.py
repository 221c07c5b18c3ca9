"""Whence a request comes, and that no client chooses that itself."""

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from tripgate.gateway.admission.addresses import Addresses, Forwarded

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def address(
    remote: str, *forwarded: str, header: Forwarded = "X-Forwarded-For", name: str = "", trusting: bool = True
) -> str:
    """The address of a request from `remote` with these header lines."""
    headers = CIMultiDict((name or header, line) for line in forwarded)
    request = make_mocked_request("POST", "/graphql", headers).clone(remote=remote)
    return Addresses(PROXIES if trusting else (), header=header).of(request)


def test_without_proxies_nobody_is_believed() -> None:
    assert address("203.0.113.9", "198.51.100.1", trusting=False) == "203.0.113.9"
    assert address("10.1.1.1", "198.51.100.1", trusting=False) == "10.1.1.1"


def test_who_is_no_proxy_is_not_believed() -> None:
    assert address("203.0.113.9", "198.51.100.1") == "203.0.113.9"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        # What the client wrote stands before what the proxy added.
        (["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        (["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        # The outer proxy is trusted too; beyond it nobody is.
        (["1.1.1.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        (["198.51.100.1,10.9.9.9 , 10.8.8.8"], "198.51.100.1"),
        # A client inside the trusted networks.
        (["10.9.9.9"], "10.9.9.9"),
        (["10.7.7.7, 10.9.9.9"], "10.7.7.7"),
        # Nonsense ends what can be known.
        (["198.51.100.1, unknown"], "10.1.1.1"),
        (["198.51.100.1, , 10.9.9.9"], "10.9.9.9"),
        (["198.51.100.1' or 1=1"], "10.1.1.1"),
        ([], "10.1.1.1"),
        # With ports, as some proxies write them.
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["[2001:db8:1:2:3:4:5:6]:4711"], "2001:db8:1:2::/64"),
        (["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
    ],
)
def test_behind_proxies_the_last_that_is_none_counts(lines: list[str], found: str) -> None:
    assert address("10.1.1.1", *lines) == found


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["for=198.51.100.1"], "198.51.100.1"),
        (['for=1.1.1.1, For="198.51.100.1:80";proto=https;by=10.1.1.1'], "198.51.100.1"),
        (['for="[2001:db8:1:2::9]:4711"'], "2001:db8:1:2::/64"),
        (["for=198.51.100.1", "for=10.9.9.9"], "198.51.100.1"),
        (["for=198.51.100.1, for=_hidden"], "10.1.1.1"),
        (["for=198.51.100.1, proto=https"], "10.1.1.1"),
    ],
)
def test_the_standard_header_instead(lines: list[str], found: str) -> None:
    assert address("10.1.1.1", *lines, header="Forwarded") == found


def test_only_the_header_that_the_proxies_write_is_read() -> None:
    assert address("10.1.1.1", "for=1.1.1.1", name="Forwarded") == "10.1.1.1"
    assert address("10.1.1.1", "1.1.1.1", header="Forwarded", name="X-Forwarded-For") == "10.1.1.1"


def test_one_client_has_all_of_a_64() -> None:
    assert address("2001:db8:1:2:3:4:5:6") == address("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert address("2001:db8:1:3::1") == "2001:db8:1:3::/64"
    assert address("::ffff:203.0.113.9") == "203.0.113.9"
    assert address("fe80::1%eth0") == "fe80::/64"


def test_a_proxy_may_have_an_ipv6_address() -> None:
    assert address("fd00::7", "198.51.100.1") == "198.51.100.1"


def test_whoever_has_no_address_counts_together() -> None:
    assert address("") == "unknown"


def test_a_proxy_that_nobody_named_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    addresses = Addresses()
    forwarded = CIMultiDict({"X-Forwarded-For": "198.51.100.1"})
    for remote in ("8.8.8.8", "10.1.1.1", "10.1.1.1"):
        addresses.of(make_mocked_request("POST", "/graphql", forwarded).clone(remote=remote))
    (record,) = caplog.records
    assert record.getMessage() == (
        "requests seem to come by a proxy at 10.1.1.1, so all its clients count as one address; "
        "if it is yours, name it in TRIPGATE_TRUSTED_PROXIES"
    )
