"""From where bytes may be fetched."""

import pytest

from bridge.files.fetching import Origins, all_public, is_public, origin_of

ORIGINS = Origins(frozenset({"cdn.example.com", ".files.example"}), frozenset({"http://127.0.0.1:8080"}))


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example.com/a.png?ex=1&hm=a%2Fb",
        "https://cdn.example.com:443/a.png",
        "https://CDN.example.com./a.png",
        "https://a.b.files.example/x",
        "http://127.0.0.1:8080/x",
    ],
)
def test_what_may_be_asked(url: str) -> None:
    """The hosts named, and what the operator named as it is."""
    assert ORIGINS.allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example.com/a.png",
        "https://cdn.example.com:8443/a.png",
        "https://evil.cdn.example.com/",
        "https://cdn.example.com.evil.example/",
        "https://evilfiles.example/",
        "https://files.example/",
        "https://cdn.example.com@evil.example/",
        "https://user:secret@cdn.example.com/",
        "https://evil.example\\@cdn.example.com/",
        "https://cdn.example.com\\.evil.example/",
        "https://cdn.example.com\n.evil.example/",
        "https://cdn.example.com /",
        "http://127.0.0.1/x",
        "http://127.0.0.1:8081/x",
        "https://127.0.0.1:8080/x",
        "http://localhost:8080/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:8080/",
        "http://2130706433:8080/",
        "file:///etc/passwd",
        "ftp://cdn.example.com/",
        "//cdn.example.com/",
        "https://cdn.example.com:port/",
        "https://[cdn.example.com/",
        "https://",
        "",
    ],
)
def test_what_may_not(url: str) -> None:
    """Other hosts however they are dressed up, other schemes and ports, and this machine."""
    assert not ORIGINS.allows(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("no address", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    """Also those that hide a private one inside."""
    assert is_public(address) is public


def test_one_private_address_spoils_the_name() -> None:
    """Whoever connects may choose any of them; and a name that leads nowhere is not public."""
    assert all_public(["8.8.8.8", "1.1.1.1"])
    assert not all_public(["8.8.8.8", "10.0.0.1"])
    assert not all_public([])


def test_origins_are_compared_with_their_ports() -> None:
    """A usual port need not be written; a path plays no part."""
    assert origin_of("https://api.example/api/") == origin_of("https://API.example:443") == "https://api.example:443"
    assert origin_of("http://[::1]:80/") == "http://[::1]:80"
    assert ORIGINS.believes("127.0.0.1")
    assert not ORIGINS.believes("cdn.example.com")
