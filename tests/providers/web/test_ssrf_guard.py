"""Nothing leads into this machine or its network: no connection is even begun."""

from ipaddress import ip_address

import pytest

from core.ports import FetchErrorCode
from providers.web.pinned_network import DnsResolver
from providers.web.ssrf_guard import SsrfGuard, is_public, parse_url
from tests.providers.web.fake_network import MEBIBYTE, OTHER, PUBLIC, Wire, open_fetcher, refusal
from tests.providers.web.fake_site import Reply, Site, redirect

ADDRESSES = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "2130706433",  # decimal
    "0x7f000001",  # hexadecimal
    "0x7f.0x0.0x0.0x1",
    "017700000001",  # octal
    "0177.0.0.1",
    "0177.0.0.0x1",  # mixed
    "127.0.0.1.",
    "127\u30020\u30020\u30021",  # ideographic full stops
    "127\uff0e0\uff0e0\uff0e1",  # fullwidth full stops
    "\uff11\uff12\uff17.0.0.1",  # fullwidth digits
    "\u2460\u2461\u2466.0.0.1",  # enclosed digits
    "%31%32%37.0.0.1",  # percent-encoded
    "127.0.0.1%00.example.com",
    "0",
    "0.0.0.0",
    "00000000",
    "10.0.0.1",
    "10.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.257",
    "100.64.0.1",  # behind a carrier
    "100.100.100.200",  # a cloud's metadata
    "169.254.169.254",  # most clouds' metadata
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "168.63.129.16",  # a cloud's host agent
    "192.0.0.192",  # a cloud's metadata
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::127.0.0.1]",  # compatible
    "[::ffff:127.0.0.1]",  # mapped
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",  # translated
    "[0:0:0:0:0:ffff:169.254.169.254]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::127.0.0.1]",  # NAT64
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]",  # NAT64 of a network's own
    "[2002:7f00:1::]",  # 6to4
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",  # Teredo
    "[2001:0000:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[100::1]",  # discarded
    "[5f00::1]",  # segment routing
    "[fc00::1]",
    "[fd00:ec2::254]",  # a cloud's metadata
    "[fe80::1]",
    "[fe80::1%25eth0]",  # with a zone
    "[fe80::1%eth0]",
    "[::1%25lo]",
    "[fec0::1]",  # site-local
    "[ff02::1]",
    "[v1.fe80::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost.localdomain",
    "ip6-localhost",
    "\uff4cocalhost",
]
URLS = [
    "http://public.example@127.0.0.1/",
    "http://public.example:80@127.0.0.1/",
    "http://user:password@public.example/",
    "http://127.0.0.1#@public.example/",
    "http://127.0.0.1?@public.example/",
    "http://127.0.0.1\\@public.example/",
    "http://public.example\\@127.0.0.1/",
    "http://public.example%2f@127.0.0.1/",
    "http://public.example%40127.0.0.1/",
    "http://public.example\t@127.0.0.1/",
    "http://public.example\r\nHost: 127.0.0.1/",
    "http://public.example\x00.127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http:/127.0.0.1/",
    "http:127.0.0.1",
    "///127.0.0.1/",
    "//127.0.0.1/",
    "http:///127.0.0.1/",
    "http://[::1/",
    "http://::1/",
    "http://[127.0.0.1]/",
    "http://public.example:99999/",
    "http://public.example:-80/",
    "http:// 127.0.0.1/",
    "http://127.0.0.1 .public.example/",
    " http://127.0.0.1/",
    "",
    "http://",
    "http://.",
    "http://" + "a" * 300 + "/",
    "http://public.example/" + "a" * 10_000,
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    "ftp://public.example/",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/",
    "jar:http://public.example!/",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "ws://public.example/",
    "blob:http://public.example/",
    "view-source:http://public.example/",
]
PORTS = [1, 22, 25, 53, 3306, 5432, 6379, 8000, 9200, 11211]
INNER = {FetchErrorCode.FORBIDDEN_ADDRESS, FetchErrorCode.BAD_ADDRESS, FetchErrorCode.UNKNOWN_HOST}


@pytest.fixture
def wire() -> Wire:
    """A network where names of this machine and one public name are known."""
    names = ("localhost", "localhost.localdomain", "ip6-localhost")
    return Wire(names={**{name: [["127.0.0.1", "::1"]] for name in names}, "public.example": [[PUBLIC]]})


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_form_of_an_inner_address_is_called(wire: Wire, address: str) -> None:
    async with open_fetcher(wire) as fetcher:
        for url in (f"http://{address}/", f"https://{address}:8443/x.jpg"):
            refused = await refusal(fetcher.read(url, limit=MEBIBYTE))

            assert refused.code in INNER
            assert not refused.is_transient

    assert wire.called == []


@pytest.mark.parametrize("url", URLS)
async def test_no_trick_of_writing_leads_inside(wire: Wire, url: str) -> None:
    async with open_fetcher(wire) as fetcher:
        refused = await refusal(fetcher.read(url, limit=MEBIBYTE))

    assert refused.code in INNER
    assert wire.called == []


@pytest.mark.parametrize("target", [*(f"http://{address}/" for address in ADDRESSES), *URLS])
async def test_no_redirect_leads_inside(wire: Wire, target: str) -> None:
    headers = {"Location": target.encode("utf-8").decode("latin-1").replace("\r\n", "").replace("\0", "")}
    async with Site().serving() as site, open_fetcher(wire) as fetcher:
        wire.sites[PUBLIC] = site
        site.put("/start", Reply(status=302, headers=headers))
        refused = await refusal(fetcher.read("http://public.example/start", limit=MEBIBYTE))

    assert refused.code in INNER | {FetchErrorCode.NOT_FOUND, FetchErrorCode.TOO_MANY_REDIRECTS}
    assert set(wire.called) == {(PUBLIC, 80)}


async def test_a_long_way_inside_ends_at_its_last_step(wire: Wire) -> None:
    wire.name("other.example", OTHER)
    async with Site().serving() as site, Site().serving() as other, open_fetcher(wire) as fetcher:
        wire.sites = {PUBLIC: site, OTHER: other}
        site.put("/1", redirect("http://other.example/2", 301))
        other.put("/2", redirect("//public.example/3", 307))
        site.put("/3", redirect("http://[::ffff:169.254.169.254]/latest/meta-data/", 308))
        refused = await refusal(fetcher.read("http://public.example/1", limit=MEBIBYTE))

    assert refused.code is FetchErrorCode.FORBIDDEN_ADDRESS
    assert {address for address, _ in wire.called} == {PUBLIC, OTHER}
    assert [path for path in site.paths if path != "/robots.txt"] == ["/1", "/3"]


async def test_a_robots_txt_does_not_lead_inside(wire: Wire) -> None:
    async with Site().serving() as site, open_fetcher(wire) as fetcher:
        wire.sites[PUBLIC] = site
        site.put("/robots.txt", redirect("http://169.254.169.254/robots.txt"))
        site.put("/page.html", "text")
        await fetcher.read("http://public.example/page.html", limit=MEBIBYTE)

    assert set(wire.called) == {(PUBLIC, 80)}


async def test_a_name_that_changes_its_mind_is_called_where_it_was_checked(wire: Wire) -> None:
    wire.name("rebinding.example", PUBLIC, "127.0.0.1")
    async with Site().serving() as site, open_fetcher(wire) as fetcher:
        wire.sites = {PUBLIC: site, "127.0.0.1": site}
        site.put("/last", Reply(b"text", headers={"Connection": "close"}))
        first = await fetcher.read("http://rebinding.example/last", limit=MEBIBYTE, robots=False)
        second = await refusal(fetcher.read("http://rebinding.example/last", limit=MEBIBYTE, robots=False))

    assert first.content == b"text"
    assert second.code is FetchErrorCode.FORBIDDEN_ADDRESS
    assert wire.looked_up == ["rebinding.example"] * 2
    assert wire.called == [(PUBLIC, 80)]
    assert [ask.headers["host"] for ask in site.requests] == ["rebinding.example"]


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%2", "64:ff9b::7f00:1"])
async def test_one_inner_address_among_public_ones_is_enough(wire: Wire, inner: str) -> None:
    wire.name("mixed.example", [PUBLIC, inner, OTHER])
    async with open_fetcher(wire) as fetcher:
        refused = await refusal(fetcher.read("http://mixed.example/", limit=MEBIBYTE))

    assert refused.code is FetchErrorCode.FORBIDDEN_ADDRESS
    assert wire.called == []


@pytest.mark.parametrize("port", PORTS)
async def test_only_ports_of_the_web_are_called(wire: Wire, port: int) -> None:
    async with open_fetcher(wire) as fetcher:
        refused = await refusal(fetcher.read(f"http://public.example:{port}/", limit=MEBIBYTE))

    assert refused.code is FetchErrorCode.BAD_ADDRESS
    assert wire.called == []


async def test_no_proxy_of_the_environment_is_used(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    async with Site().serving() as site, open_fetcher(wire) as fetcher:
        wire.sites[PUBLIC] = site
        site.put("/page.html", "text")
        await fetcher.read("http://public.example/page.html", limit=MEBIBYTE)

    assert set(wire.called) == {(PUBLIC, 80)}


async def test_what_is_allowed_by_name_or_network_is_called_at_any_port(wire: Wire) -> None:
    wire.name("images.intranet", "10.9.8.7")
    async with Site().serving() as site:
        wire.sites = {"10.9.8.7": site, "10.1.2.3": site}
        site.put("/page.html", "text")
        async with open_fetcher(wire, crawl_allow="images.intranet, 10.1.0.0/16") as fetcher:
            for host in ("images.intranet:9000", "10.1.2.3:81"):
                await fetcher.read(f"http://{host}/page.html", limit=MEBIBYTE)
            refused = await refusal(fetcher.read("http://10.2.0.1/", limit=MEBIBYTE))

    assert refused.code is FetchErrorCode.FORBIDDEN_ADDRESS
    assert set(wire.called) == {("10.9.8.7", 9000), ("10.1.2.3", 81)}


@pytest.mark.parametrize("host", ["bad.example", "images.bad.example", "elsewhere.example", OTHER])
async def test_what_is_denied_is_not_called(wire: Wire, host: str) -> None:
    for name in ("bad.example", "images.bad.example", "elsewhere.example"):
        wire.name(name, OTHER)
    denied = f"bad.example, {OTHER}/32"
    async with open_fetcher(wire, crawl_deny=denied, crawl_allow=OTHER) as fetcher:
        refused = await refusal(fetcher.read(f"http://{host}/", limit=MEBIBYTE))

    assert refused.code is FetchErrorCode.FORBIDDEN_ADDRESS
    assert wire.called == []


def test_public_addresses_are_public() -> None:
    for address in (
        "1.1.1.1",
        PUBLIC,
        "172.32.0.1",
        "100.128.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        "2a00::1",
    ):
        assert is_public(ip_address(address)), address
        SsrfGuard().check("public.example", 443, [ip_address(address)])


def test_addresses_have_one_form() -> None:
    assert str(parse_url("HTTP://Images.EXAMPLE.com.:80/a b#part")) == "http://images.example.com/a%20b"
    assert str(parse_url("https://bücher.example?q=ü")) == "https://xn--bcher-kva.example/?q=%C3%BC"
    assert str(parse_url("http://[2606:4700:0:0::1]:8080")) == "http://[2606:4700:0:0::1]:8080/"


async def test_the_system_knows_this_machine() -> None:
    lookup = DnsResolver()
    found = {address for name in ("localhost", "2130706433") for address in await lookup(name, 80)}
    lookup.close()

    assert found <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in found
