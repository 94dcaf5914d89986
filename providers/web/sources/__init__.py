"""Image sources of crawls: search engines, APIs, websites, URL lists, feeds and buckets."""

from core.ports import Fetcher, ImageSource, Sources
from core.settings import Settings
from providers.web.sources.apis import Openverse, Pixabay, Unsplash, Wikimedia
from providers.web.sources.buckets import S3Bucket
from providers.web.sources.search_engines import Bing, DuckDuckGo, Google
from providers.web.sources.site_crawler import SiteCrawler
from providers.web.sources.url_lists import Feed, UrlList

FETCHED_SOURCES = (
    Google,
    Bing,
    DuckDuckGo,
    Unsplash,
    Pixabay,
    Wikimedia,
    Openverse,
    SiteCrawler,
    UrlList,
    Feed,
)


def image_sources(fetcher: Fetcher, settings: Settings) -> Sources:
    """All sources by kind, including those with a `missing_setting`."""
    sources: list[ImageSource] = [
        *(source_class(fetcher, settings) for source_class in FETCHED_SOURCES),
        S3Bucket(settings),
    ]
    return {source.kind: source for source in sources}
