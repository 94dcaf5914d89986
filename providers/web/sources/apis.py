"""Image APIs: Unsplash, Pixabay, Wikimedia Commons and Openverse."""

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, Field

from core.ports import ImageCandidate, SearchCursor, SourceKind
from providers.web.html_pages import normalize_text, plain_text
from providers.web.sources.base import KeywordSource


def _none_to_empty(value: Any) -> Any:
    return "" if value is None else value


NullableText = Annotated[str, BeforeValidator(_none_to_empty)]
"""A string; null becomes empty."""


class UnsplashUser(BaseModel):
    """The photographer."""

    name: NullableText = ""


class UnsplashPhoto(BaseModel):
    """A photo. `urls` has its renditions by name, `links` its pages."""

    width: int
    height: int
    description: NullableText = ""
    alt_description: NullableText = ""
    urls: dict[str, str]
    links: dict[str, str] = Field(default_factory=dict)
    user: UnsplashUser = Field(default_factory=UnsplashUser)


class UnsplashPage(BaseModel):
    """A page of search results."""

    total_pages: int
    results: list[UnsplashPhoto]


class Unsplash(KeywordSource):
    """https://unsplash.com/documentation#search-photos"""

    kind, name = SourceKind.UNSPLASH, "Unsplash"
    lends_files = True
    headers = {"Accept-Version": "v1"}  # noqa: RUF012
    endpoint = "https://api.unsplash.com/search/photos"
    licence = "https://unsplash.com/license"
    per_page = 30

    @property
    def missing_setting(self) -> str | None:
        """Requires an API key."""
        return (
            None if self._settings.unsplash_key else "Unsplash requires an API key: UNSPLASH_KEY is not set."
        )

    def credentials(self) -> dict[str, str]:
        """The installation's API key."""
        key = self._settings.unsplash_key
        return {"Authorization": f"Client-ID {key.get_secret_value()}"} if key else {}

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of a page by number."""
        page = cursor.get("page", 1)
        return f"{self.endpoint}?{urlencode({'query': keyword, 'page': page, 'per_page': self.per_page})}"

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Photos at full size."""
        response, page = UnsplashPage.model_validate_json(content), cursor.get("page", 1)
        candidates = [
            ImageCandidate(
                photo.urls["full"],
                page_url=photo.links.get("html"),
                licence=self.licence,
                attribution=normalize_text(photo.user.name),
                caption=normalize_text(photo.description or photo.alt_description),
                width=photo.width,
                height=photo.height,
            )
            for photo in response.results
        ]
        return candidates, {"page": page + 1} if page < response.total_pages else None


class PixabayHit(BaseModel):
    """An image of at most 1280 pixels a side at `largeImageURL`."""

    page: NullableText = Field("", alias="pageURL")
    image: str = Field(alias="largeImageURL")
    tags: NullableText = ""
    user: NullableText = ""


class PixabayPage(BaseModel):
    """A page of search results, of `total` images that can be retrieved."""

    total: int = Field(alias="totalHits")
    hits: list[PixabayHit]


class Pixabay(KeywordSource):
    """https://pixabay.com/api/docs/"""

    kind, name = SourceKind.PIXABAY, "Pixabay"
    lends_files = True
    endpoint = "https://pixabay.com/api/"
    licence = "https://pixabay.com/service/license-summary/"
    per_page, max_keyword_length = 200, 100

    @property
    def missing_setting(self) -> str | None:
        """Requires an API key."""
        return None if self._settings.pixabay_key else "Pixabay requires an API key: PIXABAY_KEY is not set."

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of a page by number, with the API key as a parameter."""
        key = self._settings.pixabay_key
        parameters = {
            "key": key.get_secret_value() if key else "",
            "q": keyword[: self.max_keyword_length],
            "image_type": "photo",
            "per_page": self.per_page,
            "page": cursor.get("page", 1),
        }
        return f"{self.endpoint}?{urlencode(parameters)}"

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Images in the largest size available to a standard API key."""
        response, page = PixabayPage.model_validate_json(content), cursor.get("page", 1)
        candidates = [
            ImageCandidate(
                hit.image,
                page_url=hit.page or None,
                licence=self.licence,
                attribution=normalize_text(hit.user),
                caption=normalize_text(hit.tags),
            )
            for hit in response.hits
        ]
        return candidates, {
            "page": page + 1
        } if response.hits and page * self.per_page < response.total else None


class MetadataValue(BaseModel):
    """A value of the extended metadata of Commons, which may contain HTML."""

    value: Any = ""

    @property
    def text(self) -> str | None:
        """The value as plain text."""
        return plain_text(str(self.value))


class CommonsFile(BaseModel):
    """A file with its metadata."""

    url: str
    page: str | None = Field(None, alias="descriptionurl")
    width: int | None = None
    height: int | None = None
    mime: str = ""
    metadata: dict[str, MetadataValue] = Field(default_factory=dict, alias="extmetadata")

    def first_value(self, *names: str) -> str | None:
        """The first non-empty metadata value of these names."""
        return next(
            (text for name in names if name in self.metadata and (text := self.metadata[name].text)), None
        )


class CommonsPage(BaseModel):
    """A file's page, with its rank in the search results."""

    index: int = 0
    files: list[CommonsFile] = Field(default_factory=list, alias="imageinfo")


class CommonsQuery(BaseModel):
    """Search results."""

    pages: list[CommonsPage] = Field(default_factory=list)


class CommonsResponse(BaseModel):
    """A page of search results; `next_page` has the parameters of the next one."""

    query: CommonsQuery = Field(default_factory=CommonsQuery)
    next_page: dict[str, Any] | None = Field(None, alias="continue")


class Wikimedia(KeywordSource):
    """https://www.mediawiki.org/wiki/API:Search and https://www.mediawiki.org/wiki/API:Imageinfo"""

    kind, name = SourceKind.WIKIMEDIA, "Wikimedia Commons"
    lends_files = True
    endpoint = "https://commons.wikimedia.org/w/api.php"
    parameters = {  # noqa: RUF012
        "action": "query",
        "format": "json",
        "formatversion": 2,
        "generator": "search",
        "gsrnamespace": 6,
        "gsrlimit": 50,
        "prop": "imageinfo",
        "iiprop": "url|size|mime|extmetadata",
        "iiextmetadatafilter": "LicenseShortName|LicenseUrl|Artist|Credit|ImageDescription|ObjectName",
    }

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of a page, with the `continue` parameters of the previous one."""
        parameters = {
            **self.parameters,
            "gsrsearch": f"filetype:bitmap {keyword}",
            **cursor.get("continue", {}),
        }
        return f"{self.endpoint}?{urlencode(parameters)}"

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Raster image files, best first."""
        response = CommonsResponse.model_validate_json(content)
        files = [
            file for page in sorted(response.query.pages, key=lambda page: page.index) for file in page.files
        ]
        candidates = [
            ImageCandidate(
                file.url,
                page_url=file.page,
                licence=file.first_value("LicenseUrl", "LicenseShortName"),
                attribution=file.first_value("Artist", "Credit"),
                caption=file.first_value("ImageDescription", "ObjectName"),
                width=file.width,
                height=file.height,
            )
            for file in files
            if file.mime.startswith("image/")
        ]
        return candidates, {"continue": response.next_page} if response.next_page else None


class OpenverseImage(BaseModel):
    """An image and its landing page."""

    url: str
    page: str | None = Field(None, alias="foreign_landing_url")
    title: NullableText = ""
    creator: NullableText = ""
    attribution: NullableText = ""
    licence: NullableText = Field("", alias="license")
    licence_url: str | None = Field(None, alias="license_url")
    width: int | None = None
    height: int | None = None


class OpenversePage(BaseModel):
    """A page of search results."""

    page_count: int
    results: list[OpenverseImage]


class Openverse(KeywordSource):
    """https://api.openverse.org/v1/"""

    kind, name = SourceKind.OPENVERSE, "Openverse"
    endpoint = "https://api.openverse.org/v1/images/"
    per_page = 20
    """Maximum for anonymous requests."""

    def credentials(self) -> dict[str, str]:
        """The installation's API token, if it is set."""
        token = self._settings.openverse_token
        return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}

    def page_url(self, keyword: str, cursor: SearchCursor) -> str:
        """URL of a page by number."""
        parameters = {"q": keyword, "page": cursor.get("page", 1), "page_size": self.per_page}
        return f"{self.endpoint}?{urlencode(parameters)}"

    def parse(
        self, content: bytes, cursor: SearchCursor
    ) -> tuple[Iterable[ImageCandidate], SearchCursor | None]:
        """Images at their original hosts."""
        response, page = OpenversePage.model_validate_json(content), cursor.get("page", 1)
        candidates = [
            ImageCandidate(
                image.url,
                page_url=image.page,
                licence=image.licence_url or image.licence or None,
                attribution=normalize_text(image.creator or image.attribution),
                caption=normalize_text(image.title),
                width=image.width,
                height=image.height,
            )
            for image in response.results
        ]
        return candidates, {"page": page + 1} if response.results and page < response.page_count else None
