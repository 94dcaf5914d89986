"""A site in many styles of markup: each page shows its pictures in another way, and the truth is known.

A style is a template for one picture: `FULL` is the picture, `MID` and `THUMB` are smaller renditions of it,
and `BLANK` is a placeholder. `HEAD` styles stand in the head of their page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.imagery.pipeline.conftest import walk
from tests.providers.web.fake_site import Site, a_page, picture

EACH = 3
"""Pictures of each style."""

BODY: Mapping[str, str] = {
    "src": '<img src="FULL">',
    "srcset-widths": '<img src="THUMB" srcset="THUMB 200w, MID 600w, FULL 1600w" sizes="50vw">',
    "srcset-densities": '<img src="THUMB" srcset="MID 1x, FULL 2x">',
    "picture-sources": '<picture><source srcset="FULL 1400w, MID 700w"><img src="THUMB"></picture>',
    "lazyload": '<img class="lazyload" src="BLANK" data-src="FULL">',
    "data-original": '<img src="BLANK" data-original="FULL">',
    "data-lazy": '<img src="BLANK" data-lazy="FULL">',
    "data-lazy-src": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-lazy-src="FULL">',
    "data-srcset": '<img src="BLANK" data-srcset="THUMB 300w, FULL 1200w">',
    "data-lazy-srcset": '<img src="BLANK" data-lazy-srcset="MID 1x, FULL 2x">',
    "data-zoom-image": '<img src="THUMB" data-zoom-image="FULL">',
    "data-full-url": '<img src="THUMB" data-full-url="FULL">',
    "data-large_image": '<img src="THUMB" data-large_image="FULL" data-caption="x">',
    "data-hi-res-src": '<img src="THUMB" data-hi-res-src="FULL">',
    "dynamic-image-json": '<img src="THUMB" data-a-dynamic-image=\'{"FULL":[1500,1000]}\'>',
    "noscript-after": '<img class="lazy" src="BLANK"><noscript><img src="FULL"></noscript>',
    "noscript-in-figure": '<figure><img src="BLANK"><noscript><img src="FULL"></noscript></figure>',
    "noscript-alone": '<noscript><img src="FULL"></noscript>',
    "linked-full": '<a href="FULL"><img src="THUMB"></a>',
    "linked-text": '<a href="FULL">Show</a>',
    "lightbox": '<a href="FULL" data-lightbox="g"><img src="THUMB" alt=""></a>',
    "style-background": '<div style="background-image:url(FULL)"></div>',
    "style-shorthand": "<div style=\"background: #eee url('FULL') no-repeat center / cover\"></div>",
    "style-image-set": '<div style="background-image:image-set(url(THUMB) 1x, url(FULL) 2x)"></div>',
    "style-variable": '<div style="--hero: url(FULL)"></div>',
    "data-bg": '<div data-bg="FULL"></div>',
    "data-background-image": '<section data-background-image="FULL"></section>',
    "data-bg-url": '<div data-bg="url(FULL)"></div>',
    "video-poster": '<video poster="FULL"></video>',
    "iframe": '<iframe src="FULL"></iframe>',
    "object": '<object data="FULL" type="image/jpeg"></object>',
    "embed": '<embed src="FULL">',
    "svg-image": '<svg><image href="FULL"/></svg>',
    "svg-xlink": '<svg><image xlink:href="FULL"/></svg>',
    "amp-img": '<amp-img src="MID" srcset="FULL 1200w"></amp-img>',
    "input-image": '<input type="image" src="FULL">',
    "table-background": '<table background="FULL"><tr><td>x</td></tr></table>',
    "area": '<map name="m"><area href="FULL"></map>',
    "itemprop-link": '<link itemprop="image" href="FULL">',
    "itemprop-meta": '<meta itemprop="image" content="FULL">',
    "figure-picture-lazy": '<picture><source data-srcset="FULL"><img src="BLANK" data-src="MID"></picture>',
    "ld-image-object": '<script type="application/ld+json">'
    '{"@type":"ImageObject","contentUrl":"FULL","thumbnailUrl":"THUMB"}</script>',
    "ld-product": '<script type="application/ld+json">{"@type":"Product","image":["FULL"]}</script>',
    "ld-graph": '<script type="application/ld+json">'
    '{"@graph":[{"@type":"Article","image":{"@type":"ImageObject","url":"FULL"}}]}</script>',
    "inline-style-sheet": "<style>.hero { background: url(FULL) }</style>",
    "inline-image-set": "<style>.h { background: -webkit-image-set('THUMB' 1x, 'FULL' 2x) }</style>",
    "cursor": '<p style="cursor: url(FULL), auto">x</p>',
    "list-style": '<ul style="list-style-image: url(FULL)"><li>x</li></ul>',
    "template": '<template><img src="FULL"></template>',
    "details": "<details><summary>x</summary><img src='FULL'></details>",
    "unquoted": "<img src=FULL>",
    "upper-case": '<IMG SRC="FULL">',
    "invented-1": '<img src="BLANK" data-qx7="FULL">',
    "invented-2": '<img src="BLANK" data-foto-gross="FULL">',
    "invented-3": '<div data-r4="FULL"></div>',
    "invented-4": '<img src="BLANK" zz-picture="FULL">',
    "invented-5": '<img src="BLANK" :kuva="FULL">',
    "invented-6": '<img src="BLANK" data-w-set="THUMB 320w, FULL 1600w">',
    "invented-7": '<div data-payload=\'{"items":[{"u":"FULL"}]}\'></div>',
    "invented-8": '<span v-immagine="FULL"></span>',
    "invented-9": '<a href="#" data-gallery-item="FULL"><img src="THUMB"></a>',
    "invented-10": '<figure data-obraz="FULL"><img src="BLANK"></figure>',
}
HEAD: Mapping[str, str] = {
    "og-image": '<meta property="og:image" content="FULL">',
    "og-secure": '<meta property="og:image:secure_url" content="FULL">',
    "twitter-image": '<meta name="twitter:image" content="FULL">',
    "preload": '<link rel="preload" as="image" href="THUMB" imagesrcset="MID 640w, FULL 1280w">',
    "image_src": '<link rel="image_src" href="FULL">',
    "touch-icon": '<link rel="apple-touch-icon" href="FULL">',
    "style-sheet": '<link rel="stylesheet" href="SHEET">',
}
STYLES = (*BODY, *HEAD, "numbered-pages", "next-pages", "feed-media", "feed-enclosure", "sitemap-image")


@dataclass
class MarkupSite:
    """What is served: the sources of a crawl, the pictures to find, and what stands for them."""

    sources: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[str, set[str]] = field(default_factory=dict)
    """Addresses of pictures by style."""
    decoys: set[str] = field(default_factory=set)
    """Addresses of thumbnails, smaller renditions and placeholders."""

    @property
    def pictures(self) -> set[str]:
        """All addresses to find."""
        return set().union(*self.truth.values())


class Builder:
    """Puts the styles on a site."""

    def __init__(self, site: Site) -> None:
        self._site, self.result = site, MarkupSite()
        self._seed = 0
        self._blank = self._put("/blank.gif", 16, "GIF")
        self.result.decoys.add(self._blank)

    def picture(self, style: str, number: int) -> dict[str, str]:
        """The renditions of a new picture by placeholder, which the style has to lead to."""
        renditions = {}
        for name, width in (("FULL", 320), ("MID", 160), ("THUMB", 48)):
            renditions[name] = self._put(f"/{style}/{number}-{name.lower()}.jpg", width, "JPEG")
            if name != "FULL":
                self.result.decoys.add(renditions[name])
        self.result.truth.setdefault(style, set()).add(renditions["FULL"])
        return renditions | {"BLANK": self._blank}

    def show(self, style: str, template: str) -> str:
        """The markup of the pictures of a style."""
        shown = []
        for number in range(EACH):
            markup, renditions = template, self.picture(style, number)
            if "SHEET" in markup:
                sheet = f".h{number} {{ background-image: url({renditions['FULL']}) }}"
                renditions["SHEET"] = self._site.put(f"/{style}/{number}.css", sheet, "text/css")
            for name, url in renditions.items():
                markup = markup.replace(name, url)
            shown.append(markup)
        return "\n<p>text</p>\n".join(shown) if style not in HEAD else "\n".join(shown)

    def page(self, path: str, body: str, head: str = "") -> str:
        """Serve a page."""
        return self._site.put(path, a_page(path, body, head), "text/html")

    def lists(self, style: str, link: str) -> str:
        """Pages of a list of which each links to the next only, beyond the depth of the crawl."""
        for number in range(1, EACH + 3):
            shown = f'<img src="{self.picture(style, number)["FULL"]}">'
            following = link.format(number + 1) if number < EACH + 2 else ""
            self.page(f"/{style}?page={number}", shown + following)
        return f"/{style}?page=1"

    def feeds(self) -> None:
        """Feeds and a sitemap that name pictures."""
        media = [self.picture("feed-media", number) for number in range(EACH)]
        items = "".join(
            f'<item><media:content url="{one["FULL"]}" medium="image"/>'
            f'<media:thumbnail url="{one["THUMB"]}"/></item>'
            for one in media
        )
        files = [self.picture("feed-enclosure", number)["FULL"] for number in range(EACH)]
        items += "".join(
            f'<item><enclosure url="{url}" type="image/jpeg" length="1"/></item>' for url in files
        )
        rss = (
            f'<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>{items}</channel></rss>'
        )
        feed = self._site.put("/feed.xml", rss, "application/rss+xml")
        listed = [self.picture("sitemap-image", number)["FULL"] for number in range(EACH)]
        images = "".join(f"<image:image><image:loc>{url}</image:loc></image:image>" for url in listed)
        entry = f"<url><loc>{self._site.url}/src</loc>{images}</url>"
        sitemap = self._site.put(
            "/sitemap.xml",
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            f'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">{entry}</urlset>',
            "application/xml",
        )
        self.result.sources += [{"kind": "FEED", "feedUrls": [feed]}, walk(sitemap, maxDepth=0)]

    def _put(self, path: str, width: int, format: str) -> str:
        self._seed += 1
        return self._site.put(
            path,
            picture(self._seed, width=width, height=width * 3 // 4, format=format),
            f"image/{format.lower()}",
        )


def build_markup_site(site: Site) -> MarkupSite:
    """Put all styles on a site."""
    builder = Builder(site)
    links = []
    for style, template in BODY.items():
        links.append(builder.page(f"/{style}", builder.show(style, template)))
    for style, template in HEAD.items():
        links.append(builder.page(f"/{style}", "Text.", builder.show(style, template)))
    links.append(builder.lists("numbered-pages", '<a href="/numbered-pages?page={0}">{0}</a>'))
    links.append(builder.lists("next-pages", '<a rel="next" href="/next-pages?page={0}">More</a>'))
    start = builder.page("/", "".join(f'<a href="{link}">page</a>' for link in links))
    builder.feeds()
    builder.result.sources.append(walk(start, maxDepth=1))
    return builder.result
