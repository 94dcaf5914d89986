"""Settings of crawls."""

from ipaddress import ip_network

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core.settings.types import CommaSeparated

SEARCH_ENGINES = ("google", "bing", "duckduckgo")


class CrawlSettings(BaseSettings):
    """Limits of crawls, hosts they may access, and keys of image sources."""

    crawl_user_agent: str = Field(
        default="SeshatBot/0.1",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*(/\S+)?( [ -~]+)?$",
        description="User agent of crawls; include an address where the operator can be contacted. The part "
        "before the slash is matched against robots.txt.",
    )
    crawl_allow: CommaSeparated = Field(
        default=(),
        description="Hosts and networks that may be crawled although they are not public, such as "
        "`images.intranet,10.1.0.0/16`, at any port. `127.0.0.0/8` is for tests.",
    )
    crawl_deny: CommaSeparated = Field(
        default=(), description="Hosts, including their subdomains, and networks that are never crawled."
    )
    crawl_concurrency: int = Field(
        default=32, ge=1, le=1000, description="Concurrent crawl requests per process."
    )
    crawl_host_concurrency: int = Field(
        default=4, ge=1, le=100, description="Concurrent crawl requests per process to one host."
    )
    crawl_host_interval: float = Field(
        default=0.1,
        ge=0,
        le=60,
        description="Minimum number of seconds between two requests to one host, unless its robots.txt "
        "requires more.",
    )
    crawl_timeout: float = Field(
        default=60,
        gt=0,
        description="Maximum number of seconds to fetch one URL, including redirects and retries.",
    )
    crawl_silence: float = Field(
        default=15, gt=0, description="Seconds to wait for the next bytes of a response."
    )
    crawl_retries: int = Field(
        default=2,
        ge=0,
        le=10,
        description="Number of retries after a transient error, with exponential backoff.",
    )
    crawl_retry_seconds: float = Field(
        default=3600,
        ge=0,
        le=7 * 86_400,
        description="Seconds for which an address is requested again whose server is overloaded, out of "
        "order or silent. It waits in the queue for the time that the server asks for.",
    )
    crawl_image_bytes: int = Field(
        default=20 * 1024 * 1024, ge=1, description="Maximum size of a crawled image, in bytes."
    )
    crawl_image_pixels: int = Field(
        default=100_000_000, ge=1, le=178_000_000, description="Maximum number of pixels of a crawled image."
    )
    crawl_company_chunks: int = Field(
        default=8, ge=1, le=1000, description="Concurrent crawl chunks per company."
    )
    crawl_chunk_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds after which a chunk passes its remaining work to a new chunk, so that other "
        "jobs can run.",
    )
    crawl_engines: CommaSeparated = Field(
        default=(),
        description="Search engines to read although their robots.txt disallows it: `google`, `bing`, "
        "`duckduckgo`. Obtain their permission, or legal advice, first.",
    )
    unsplash_key: SecretStr | None = Field(default=None, description="Unsplash access key.")
    pixabay_key: SecretStr | None = Field(default=None, description="Pixabay API key.")
    openverse_token: SecretStr | None = Field(
        default=None,
        description="Openverse access token. Without a token, Openverse applies lower rate limits.",
    )
    crawl_s3_buckets: CommaSeparated = Field(
        default=(), description="S3 buckets from which every company may crawl images."
    )
    crawl_s3_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Endpoint of these buckets, `http://` or `https://`. Unset: Amazon S3.",
    )
    crawl_s3_region: str = Field(default="us-east-1", description="Region of these buckets.")
    crawl_s3_key_id: str | None = Field(
        default=None, description="Access key ID for these buckets. Unset: the buckets are public."
    )
    crawl_s3_secret: SecretStr | None = Field(
        default=None, description="Secret access key for these buckets."
    )

    @field_validator("crawl_allow", "crawl_deny")
    @classmethod
    def _hosts_or_networks(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if "/" in entry:
                try:
                    ip_network(entry, strict=False)
                except ValueError:
                    raise ValueError(f"{entry} is not a network such as 10.1.0.0/16") from None
            elif "*" in entry:
                raise ValueError(f"{entry} is not a host such as images.example.com")
        return entries

    @field_validator("crawl_engines")
    @classmethod
    def _known_engines(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [engine for engine in engines if engine not in SEARCH_ENGINES]:
            raise ValueError(f"{unknown[0]} must be one of {', '.join(SEARCH_ENGINES)}")
        return engines
