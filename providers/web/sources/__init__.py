"""Where images are found, one class for each kind of place."""

from core.ports import Fetcher, ImageSource, Sources
from core.settings import Settings
from providers.web.sources.apis import Openverse, Pixabay, Unsplash, Wikimedia
from providers.web.sources.buckets import S3Bucket
from providers.web.sources.search_engines import Bing, DuckDuckGo, Google
from providers.web.sources.site_crawler import SiteCrawler
from providers.web.sources.url_lists import UrlList, Feed

FETCHED_SOURCES = (Google, Bing, DuckDuckGo, Unsplash, Pixabay, Wikimedia, Openverse, SiteCrawler, UrlList, Feed)


def image_sources(fetcher: Fetcher, settings: Settings) -> Sources:
    """Every source, by its kind; whether it can be used is told by its `missing`."""
    sources: list[ImageSource] = [*(source(fetcher, settings) for source in FETCHED_SOURCES), S3Bucket(settings)]
    return {source.kind: source for source in sources}
