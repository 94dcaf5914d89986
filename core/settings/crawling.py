"""What an installation may decide about taking images from other people's servers."""

from ipaddress import ip_network

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core.settings.lists import Listed

ENGINES = ("google", "bing", "duckduckgo")


class CrawlSettings(BaseSettings):
    """How crawls behave, where they may not go, and the keys of what they may ask."""

    crawl_user_agent: str = Field(
        default="SeshatBot/0.1",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*(/\S+)?( [ -~]+)?$",
        description="How crawls present themselves; add an address where their operator can be reached. "
        "A robots.txt is read for what is before the slash.",
    )
    crawl_allow: Listed = Field(
        default=(),
        description="Hosts and networks to crawl although they are not in the public web, such as "
        "`images.intranet,10.1.0.0/16`, at any port. `127.0.0.0/8` is for tests.",
    )
    crawl_deny: Listed = Field(
        default=(), description="Hosts, with all names below them, and networks that are never crawled."
    )
    crawl_concurrency: int = Field(
        default=32, ge=1, le=1000, description="Requests of crawls that one process has under way."
    )
    crawl_host_concurrency: int = Field(
        default=4, ge=1, le=100, description="Requests that one process has under way at one host."
    )
    crawl_host_interval: float = Field(
        default=0.1,
        ge=0,
        le=60,
        description="Seconds between two requests to one host, if not its robots.txt says more.",
    )
    crawl_timeout: float = Field(
        default=60,
        gt=0,
        description="Seconds that one address may take, with redirects and further attempts.",
    )
    crawl_silence: float = Field(default=15, gt=0, description="Seconds to wait for a server to go on.")
    crawl_retries: int = Field(
        default=2, ge=0, le=10, description="Times that what time may cure is tried again, ever later."
    )
    crawl_image_bytes: int = Field(
        default=20 * 1024 * 1024, ge=1, description="Bytes of the largest image that is taken."
    )
    crawl_image_pixels: int = Field(
        default=100_000_000, ge=1, le=178_000_000, description="Pixels of the largest image that is taken."
    )
    crawl_company_chunks: int = Field(
        default=8, ge=1, le=1000, description="Pieces of crawls of one company that are worked on at a time."
    )
    crawl_chunk_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds after which a piece leaves its rest to another one, so that others get on.",
    )
    crawl_engines: Listed = Field(
        default=(),
        description="Search engines whose pages are read though their robots.txt asks machines not to: "
        "`google`, `bing`, `duckduckgo`. Ask them, or a lawyer, first.",
    )
    unsplash_key: SecretStr | None = Field(default=None, description="Access key of Unsplash.")
    pixabay_key: SecretStr | None = Field(default=None, description="Key of Pixabay.")
    openverse_token: SecretStr | None = Field(
        default=None, description="Access token of Openverse, which answers less often without."
    )
    crawl_s3_buckets: Listed = Field(
        default=(), description="Buckets that every company may take images from."
    )
    crawl_s3_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Where these buckets are, `http://` or `https://`. Unset: Amazon.",
    )
    crawl_s3_region: str = Field(default="us-east-1", description="Their region.")
    crawl_s3_key_id: str | None = Field(
        default=None, description="Access key to them. Unset: they are public."
    )
    crawl_s3_secret: SecretStr | None = Field(default=None, description="The secret of that key.")

    @field_validator("crawl_allow", "crawl_deny")
    @classmethod
    def _hosts_or_networks(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if "/" in entry:
                try:
                    ip_network(entry, strict=False)
                except ValueError:
                    raise ValueError(f"{entry} is no network such as 10.1.0.0/16") from None
            elif "*" in entry:
                raise ValueError(f"{entry} is no host such as images.example.com")
        return entries

    @field_validator("crawl_engines")
    @classmethod
    def _known_engines(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [engine for engine in engines if engine not in ENGINES]:
            raise ValueError(f"{unknown[0]} is none of {', '.join(ENGINES)}")
        return engines
