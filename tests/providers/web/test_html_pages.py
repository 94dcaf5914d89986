"""What is read from pages, sitemaps and feeds."""

import gzip
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ports import FetchError, FetchErrorCode, ImageCandidate
from providers.web.feeds import parse_feed, parse_sitemap
from providers.web.html_pages import parse_page
from providers.web.page_images.collector import MAX_ELEMENTS
from tests.providers.web.fake_site import a_page

URL = "https://example.com/gallery/index.html"
HTML = {"content-type": "text/html"}


def images_of(body: str, head: str = "", **headers: str) -> list[str]:
    """The addresses of the images on a page with this body."""
    page = parse_page(a_page("Page", body, head).encode(), URL, {**HTML, **headers})
    return [image.url.removeprefix("https://example.com") for image in page.images]


def links_of(body: str, head: str = "") -> list[str]:
    """The addresses of the pages that a page with this body links to."""
    page = parse_page(a_page("Page", body, head).encode(), URL, HTML)
    return [link.removeprefix("https://example.com") for link in page.links]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<img src="1.jpg">', ["/gallery/1.jpg"]),
        ('<img src=" /1.jpg#part ">', ["/1.jpg"]),
        ('<img src="//cdn.example/1.jpg">', ["https://cdn.example/1.jpg"]),
        ('<img src="data:image/gif;base64,R0lG" data-src="/lazy.jpg">', ["/lazy.jpg"]),
        ('<img src="/s.jpg" srcset="/m.jpg 640w, /l.jpg 1280w">', ["/l.jpg"]),
        ('<img src="/s.jpg" srcset="/s.jpg, /d.jpg 2x">', ["/d.jpg"]),
        ('<img srcset="/a,b.jpg 100w,/c.jpg 50w">', ["/a,b.jpg"]),
        ('<picture><source srcset="/l.webp 900w"><img src="/s.jpg"></picture>', ["/l.webp"]),
        ('<img src="/count.gif" width="1" height="1">', []),
        ('<img alt="nothing">', []),
        ('<a href="/full.PNG"><img src="/thumb.png"></a>', ["/full.PNG"]),
        ('<img src="/1.jpg"><img src="/1.jpg"><a href="/1.jpg">again</a>', ["/1.jpg"]),
        ('<a href="/1.jpg">link</a>' * 10_000, ["/1.jpg"]),
        ('<img src="javascript:alert(1)"><img src="file:///etc/passwd"><img src="http://[::1">', []),
        ('<img src="/open.jpg"', ["/open.jpg"]),
    ],
)
def test_images_of_a_page(body: str, found: list[str]) -> None:
    assert images_of(body) == found


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ('<meta property="og:image" content="/shared.jpg">', ["/shared.jpg"]),
        ('<meta name="twitter:image" content="/shared.jpg">', ["/shared.jpg"]),
        ('<link rel="image_src" href="/shared.jpg">', ["/shared.jpg"]),
        ('<link rel="icon" href="/icon.png">', ["/icon.png"]),
        ('<base href="/elsewhere/"><meta property="og:image" content="1.jpg">', ["/elsewhere/1.jpg"]),
    ],
)
def test_images_in_a_pages_head(head: str, found: list[str]) -> None:
    assert images_of("", head) == found


def test_what_is_reported_of_an_image() -> None:
    page = parse_page(
        a_page(
            "Cats",
            '<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC BY</a>'
            '<img src="/1.jpg" alt="A  cat\nasleep">'
            '<figure><img src="/2.jpg"><figcaption>A <b>dog</b></figcaption></figure>',
        ).encode(),
        URL,
        HTML,
    )
    licence = "https://creativecommons.org/licenses/by/4.0/"

    assert page.images == (
        ImageCandidate("https://example.com/1.jpg", page_url=URL, licence=licence, caption="A cat asleep"),
        ImageCandidate("https://example.com/2.jpg", page_url=URL, licence=licence, caption="A dog"),
    )


@pytest.mark.parametrize("wish", ["noimageindex", "none", "NoAI", "noarchive, noimageai"])
def test_images_that_machines_shall_leave_are_left(wish: str) -> None:
    assert images_of('<img src="/1.jpg">', f'<meta name="robots" content="{wish}">') == []
    assert images_of('<img src="/1.jpg">', **{"x-robots-tag": wish}) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<a href="2.html">next</a>', ["/gallery/2.html"]),
        ('<a href="2.html#part">next</a><a href="2.html">again</a>', ["/gallery/2.html"]),
        ('<a href="mailto:a@example.com">write</a><a href="javascript:void(0)">no</a>', []),
        ('<a href="/list.pdf">list</a><a href="/1.jpg">image</a><a href="/a.zip?x=1">all</a>', []),
        ('<a rel="nofollow" href="/trap">trap</a><map><area href="/map"></map>', ["/map"]),
        ("<a>nothing</a>", []),
    ],
)
def test_links_of_a_page(body: str, found: list[str]) -> None:
    assert links_of(body) == found


@pytest.mark.parametrize("wish", ["nofollow", "NONE"])
def test_links_that_machines_shall_leave_are_left(wish: str) -> None:
    assert links_of('<a href="/2">2</a>', f'<meta name="robots" content="{wish}">') == []


@pytest.mark.parametrize("content", [b"", b"   ", b"\0\0\0", b"<", b"<!-- -->", bytes(range(256)) * 40])
def test_rubbish_is_an_empty_page(content: bytes) -> None:
    page = parse_page(content, URL, HTML)

    assert (page.images, page.links) == ((), ())


def test_only_so_much_of_a_page_is_looked_at() -> None:
    images = "".join(f'<img src="/{number}.jpg">' for number in range(MAX_ELEMENTS + 5))
    links = "".join(f'<a href="/{number}">x</a>' for number in range(MAX_ELEMENTS + 5))

    assert (len(images_of(images)), len(links_of(links))) == (MAX_ELEMENTS, MAX_ELEMENTS)


def test_pages_are_read_in_their_charset() -> None:
    latin = '<meta charset="iso-8859-1"><img src="/1.jpg" alt="Käse">'.encode("latin-1")
    received = parse_page(
        '<img src="/1.jpg" alt="Käse">'.encode(), URL, {"content-type": "text/html; charset=UTF-8"}
    )
    unknown = parse_page(b'<img src="/1.jpg" alt="x">', URL, {"content-type": "text/html; charset=klingon"})

    assert parse_page(latin, URL, HTML).images[0].caption == "Käse"
    assert received.images[0].caption == "Käse"
    assert unknown.images[0].caption == "x"


def test_very_deep_pages_are_read() -> None:
    assert images_of("<div>" * 20_000 + '<img src="/1.jpg">') in ([], ["/1.jpg"])


SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc>https://example.com/1.html</loc>
    <image:image><image:loc>/1.jpg</image:loc><image:caption>One</image:caption>
      <image:license>https://example.com/licence</image:license></image:image>
    <image:image><image:loc>https://cdn.example/2.jpg</image:loc></image:image></url>
  <url><loc>https://example.com/2.html</loc></url>
  <url><loc>javascript:alert(1)</loc></url>
</urlset>"""


@pytest.mark.parametrize("content", [SITEMAP, gzip.compress(SITEMAP)], ids=["plain", "compressed"])
def test_a_sitemap(content: bytes) -> None:
    listing = parse_sitemap(content, "https://example.com/sitemap.xml")

    page = "https://example.com/1.html"
    assert listing.images == (
        ImageCandidate(
            "https://example.com/1.jpg", page_url=page, licence="https://example.com/licence", caption="One"
        ),
        ImageCandidate("https://cdn.example/2.jpg", page_url=page),
    )
    assert listing.links == (page, "https://example.com/2.html")


def test_an_index_of_sitemaps() -> None:
    maps = "".join(f"<sitemap><loc>{path}</loc></sitemap>" for path in ("/a.xml", "/b.xml.gz"))

    listing = parse_sitemap(
        f"<sitemapindex>{maps}</sitemapindex>".encode(), "https://example.com/sitemap.xml"
    )

    assert listing.links == ("https://example.com/a.xml", "https://example.com/b.xml.gz")


RSS = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"
     xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>Photos</title><copyright>CC BY 4.0</copyright>
  <item><title>One</title><link>https://example.com/1</link><dc:creator>Ada</dc:creator>
    <enclosure url="https://example.com/1.jpg" type="image/jpeg" length="5"/>
    <enclosure url="https://example.com/1.mp3" type="audio/mpeg" length="5"/></item>
  <item><title>Two</title><link>/2</link>
    <media:group><media:content url="/2.img" medium="image"/><media:credit>Bob</media:credit></media:group>
    <description>&lt;p&gt;&lt;img src="/2b.png"&gt;&lt;img src="/2.img"&gt;&lt;/p&gt;</description></item>
  <item><title>Three</title><content:encoded><![CDATA[<img src="3.png">]]></content:encoded></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><link rel="license" href="https://example.com/licence"/>
  <entry><title>One</title><link href="/1"/><link rel="enclosure" type="image/png" href="/1.png"/>
    <author><name>Ada</name></author>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><img src="/in.png"/></div></content>
  </entry></feed>"""


def test_a_feed_of_rss() -> None:
    assert parse_feed(RSS, "https://example.com/feed/") == (
        ImageCandidate("https://example.com/1.jpg", "https://example.com/1", "CC BY 4.0", "Ada", "One"),
        ImageCandidate("https://example.com/2.img", "https://example.com/2", "CC BY 4.0", "Bob", "Two"),
        ImageCandidate("https://example.com/2b.png", "https://example.com/2", "CC BY 4.0", "Bob", "Two"),
        ImageCandidate(
            "https://example.com/feed/3.png", "https://example.com/feed/", "CC BY 4.0", None, "Three"
        ),
    )


def test_a_feed_of_atom() -> None:
    page, licence = "https://example.com/1", "https://example.com/licence"

    assert parse_feed(ATOM, "https://example.com/feed") == (
        ImageCandidate("https://example.com/1.png", page, licence, "Ada", "One"),
        ImageCandidate("https://example.com/in.png", page, licence, "Ada", "One"),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<html><body>no feed</body></html>",
        b"\x1f\x8bno gzip",
        b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>',
    ],
)
def test_what_is_no_listing_is_refused(content: bytes) -> None:
    for read in (parse_feed, parse_sitemap):
        with pytest.raises(FetchError) as refused:
            read(content, "https://example.com/feed")
        assert refused.value.code is FetchErrorCode.INVALID_ANSWER


def test_entities_are_not_expanded() -> None:
    received = "<rss><channel><item><title>{}</title><enclosure url='/1.jpg'/></item></channel></rss>"
    file = '<!DOCTYPE rss [<!ENTITY file SYSTEM "file:///etc/passwd">]>' + received.format("&file;")
    levels = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 12))
    bomb = f'<!DOCTYPE rss [<!ENTITY e0 "x">{levels}]>' + received.format("&e11;")

    assert [image.caption for image in parse_feed(file.encode(), URL)] == ["&file;"]
    assert [image.caption for image in parse_feed(bomb.encode(), URL) if image.caption] == []


PARTS = """
<a href=' <img src=' srcset=' 2x, ' > </a> <figure> <figcaption> <base href=' <picture> <source srcset='
<meta name=robots content=' <urlset> <url> <loc> <rss> <item> <enclosure url=' <?xml <!DOCTYPE [ ]> &amp; &#0;
http:// //[:: /1.jpg javascript: \x00 \ud7ff % %zz ?&# \\ <![CDATA[ ]]> <!-- --> xmlns:x=' x:y
"""


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(PARTS.split()) | st.text(max_size=5), max_size=30).map(" ".join),
    st.binary(max_size=20),
)
def test_nothing_that_is_served_is_an_error_of_ours(text: str, rubbish: bytes) -> None:
    content = text.encode("utf-8", "surrogatepass") + rubbish

    page = parse_page(content, URL, HTML)

    assert all(urlsplit(link).scheme in ("http", "https") for link in page.links)
    assert all(urlsplit(image.url).scheme in ("http", "https") for image in page.images)
    for read in (parse_feed, parse_sitemap):
        with suppress(FetchError):
            read(content, URL)
