"""What an installation may decide, read once from the environment."""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PositiveInt, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from core.prices import Prices, read_prices
from core.settings.chat import ChatSettings
from core.settings.crawling import CrawlSettings
from core.settings.lists import Listed
from core.settings.vision import VisionSettings

POSTGRES_SCHEMES = ("postgresql+asyncpg", "postgresql", "postgres")
STORAGE_SCHEMES = ("file", "s3", "gs", "az")
SHORTEST_SECRET = 32

Counted = Annotated[dict[str, PositiveInt], NoDecode]
"""Words with a number each in one variable, such as `chat=2,drawings=1`."""


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line that names it and never shows a secret."""


class Settings(CrawlSettings, ChatSettings, VisionSettings):
    """Every setting of an installation. The environment variable is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    data: Path = Field(
        default=Path(".seshat"),
        validate_default=True,
        description="Folder of the embedded database, the stored files and the generated secret.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    public_url: str | None = Field(
        default=None,
        description="Base address in links that are handed out. Unset: the one the client called.",
    )
    cors_origins: Listed = Field(
        default=(), description="Origins of browser clients, separated by commas. `*` admits every one."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line that is written."
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Signs tokens and links, 32 characters or more. "
        "Unset: generated in the data folder, with the embedded database only.",
    )

    database_url: str | None = Field(
        default=None,
        description="PostgreSQL 15 or newer, as the role `app_rw`. Unset: the embedded PostgreSQL.",
    )
    database_admin_url: str | None = Field(
        default=None,
        description="The same server, as a role that may create roles and databases: for `init`, `migrate`.",
    )
    db_pool_size: int = Field(default=8, ge=1, le=500, description="Connections kept open per process.")
    db_max_overflow: int = Field(default=4, ge=0, le=500, description="Connections beyond those, under load.")
    db_pool_timeout: float = Field(default=5, gt=0, description="Seconds to wait for a connection.")

    storage_url: str | None = Field(
        default=None,
        description="Where files are stored: `file://`, `s3://`, `gs://` or `az://`. Unset: the data folder.",
    )
    max_upload_size: int = Field(
        default=70 * 1024 * 1024, ge=1, description="Bytes of the largest file that is accepted."
    )
    upload_ttl: int = Field(
        default=86_400, ge=1, description="Seconds for which an announced upload may be sent."
    )
    link_ttl: int = Field(
        default=3_600, ge=1, description="Seconds for which a link to a stored file is valid."
    )
    export_ttl: int = Field(
        default=604_800, ge=1, description="Seconds for which an exported data set can be downloaded."
    )
    access_token_ttl: int = Field(
        default=900, ge=1, description="Seconds for which an access token is valid."
    )
    refresh_token_ttl: int = Field(
        default=2_592_000, ge=1, description="Seconds for which a refresh token is valid."
    )

    demo: bool = Field(
        default=True, description="Whether an embedded installation gets a demo company the first time."
    )
    worker: bool = Field(default=True, description="Whether the server also works on jobs.")
    job_concurrency: int = Field(default=2, ge=1, le=64, description="Jobs that one worker runs at a time.")
    queue_slots: Counted = Field(
        default={"chat": 2, "crawl": 2},
        description="Jobs that one worker runs beside those, of queues that wait for nothing else, "
        "such as `chat=2,drawings=1`.",
    )
    queue_limits: Counted = Field(
        default={},
        description="Most jobs of a queue that all workers together run at a time, such as `drawings=4`.",
    )
    job_heartbeat: float = Field(default=2, gt=0, description="Seconds between a worker's signs of life.")
    job_stale: float = Field(
        default=10, gt=0, description="Seconds without a sign of life after which a job is taken over."
    )
    job_grace: float = Field(
        default=5, ge=0, description="Seconds that running jobs get to finish when a worker stops."
    )

    qdrant_url: str | None = Field(
        default=None,
        description="Qdrant 1.19 or newer, at `https://`, `http://`, or `unix:` and the path of a socket. "
        "Unset: the embedded vector store.",
    )
    qdrant_api_key: SecretStr | None = Field(default=None, description="Key of that Qdrant, if it wants one.")
    embedding_url: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint of embeddings, such as `https://api.openai.com/v1`. "
        "Unset: the embedded model.",
    )
    embedding_api_key: SecretStr | None = Field(
        default=None, description="Key of that endpoint, if it wants one."
    )
    embedding_model: str = Field(
        default="text-embedding-3-small", min_length=1, description="Model that the endpoint is asked for."
    )
    embedding_dimension: int = Field(
        default=1536, ge=1, le=65_536, description="Numbers in a vector of that model."
    )
    embedding_max_tokens: int = Field(
        default=8191, ge=16, description="Tokens of the longest text that this model reads whole."
    )
    embedding_timeout: float = Field(default=30, gt=0, description="Seconds to wait for the endpoint.")
    embedding_retries: int = Field(
        default=3, ge=0, le=10, description="Times that a failed call to it is tried again, ever later."
    )

    chunk_tokens: int = Field(
        default=512, ge=8, le=8_192, description="Tokens of the longest piece that a document is cut into."
    )
    chunk_overlap: int = Field(
        default=50,
        ge=0,
        description="Tokens that a piece repeats of the one before it at most; less than half of a piece.",
    )
    model_prices: Path | None = Field(
        default=None,
        description="TOML file of prices per million tokens, beside or instead of those in core/prices.toml.",
    )

    chat_url: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint of a language model, such as `http://localhost:11434/v1`. "
        "Unset: answers are quoted from the documents.",
    )
    chat_api_key: SecretStr | None = Field(default=None, description="Key of that endpoint, if it wants one.")
    chat_model: str = Field(
        default="gpt-4o-mini",
        min_length=1,
        description="Model that the endpoint is asked for, unless a conversation names one.",
    )
    chat_silence: float = Field(
        default=30, gt=0, description="Seconds to wait for the next piece of its answer."
    )
    chat_timeout: float = Field(default=180, gt=0, description="Seconds that a whole answer may take.")
    chat_retries: int = Field(
        default=3, ge=0, le=10, description="Times that a failed call to it is tried again, ever later."
    )

    drawing_dpi: int = Field(
        default=300, ge=36, le=1200, description="Dots per inch at which pages are rendered."
    )
    drawing_max_pixels: int = Field(
        default=150_000_000, ge=1, description="Pixels of the largest page; larger ones are rendered smaller."
    )
    drawing_max_pages: int = Field(default=500, ge=1, description="Pages of the largest drawing set.")
    overlay_colours: Listed = Field(
        default=("#d62728", "#2ca02c", "#808080"),
        description="Hexadecimal colours of what was removed, was added, and is common to both.",
    )

    @field_validator("data")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return Path(os.path.abspath(folder.expanduser()))

    @field_validator("queue_slots", "queue_limits", mode="before")
    @classmethod
    def _count(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(name.strip() and number.strip().isdecimal() for name, _, number in pairs):
            raise ValueError("queues with a number each, such as chat=2,drawings=1, are wanted")
        return {name.strip(): int(number) for name, _, number in pairs}

    @field_validator("overlay_colours")
    @classmethod
    def _three_colours(cls, colours: tuple[str, ...]) -> tuple[str, ...]:
        if len(colours) != 3 or not all(re.fullmatch("#[0-9a-fA-F]{6}", colour) for colour in colours):
            raise ValueError("three colours such as #d62728 are wanted, separated by commas")
        return colours

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"at least {SHORTEST_SECRET} characters are wanted")
        return key

    @field_validator("database_url", "database_admin_url")
    @classmethod
    def _driver(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in POSTGRES_SCHEMES:
            raise ValueError("an address such as postgresql://user:password@host:5432/database is wanted")
        if len(parts.path) < 2:
            raise ValueError("it names no database")
        return POSTGRES_SCHEMES[0] + url.removeprefix(parts.scheme)

    @field_validator("storage_url")
    @classmethod
    def _known_store(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in STORAGE_SCHEMES:
            raise ValueError("an address that starts with file://, s3://, gs:// or az:// is wanted")
        return url

    @field_validator("qdrant_url")
    @classmethod
    def _known_vector_store(cls, url: str | None) -> str | None:
        if url is None or url.startswith("unix:/"):
            return url
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError("an address that starts with http://, https:// or unix:/ is wanted")
        return url.rstrip("/")

    @field_validator("public_url", "embedding_url", "chat_url", "vision_url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
            raise ValueError("an address that starts with http:// or https:// is wanted")
        return url.rstrip("/") if url else None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.database_admin_url and not self.database_url:
            raise ValueError("DATABASE_ADMIN_URL is set and DATABASE_URL is not")
        if 2 * self.chunk_overlap >= self.chunk_tokens:
            raise ValueError("CHUNK_OVERLAP is half of CHUNK_TOKENS or more")
        if self.job_stale < 2 * self.job_heartbeat:
            raise ValueError(
                "JOB_STALE is less than twice JOB_HEARTBEAT: living workers would lose their jobs"
            )
        return self

    @field_validator("model_prices")
    @classmethod
    def _readable_prices(cls, file: Path | None) -> Path | None:
        if file is not None:
            read_prices(file)
        return file

    @property
    def prices(self) -> Prices:
        """What models cost, `MODEL_PRICES` before what comes along."""
        return read_prices(*([self.model_prices] if self.model_prices else []))

    @property
    def embedded(self) -> bool:
        """Whether this installation runs a PostgreSQL of its own."""
        return self.database_url is None

    @property
    def object_store_url(self) -> str:
        """`STORAGE_URL`, or the data folder's `objects`."""
        return self.storage_url or (self.data / "objects").as_uri()

    def secret(self) -> str:
        """`SECRET_KEY`, or the one kept in the data folder (mode 600), made there the first time.

        Raises `SettingsError` when there is none and several hosts may serve: they must share it.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        file = self.data / "secret-key"
        if not self.embedded and not file.exists():
            raise SettingsError("SECRET_KEY: is needed when DATABASE_URL is set")
        try:
            return kept_secret(file)
        except OSError as error:
            raise SettingsError(f"SECRET_KEY: {file} cannot be used: {error.strerror}") from error


def kept_secret(file: Path) -> str:
    """The secret in `file`; of several processes that make it at once, all get the same."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, file)  # unlike a rename, a link never replaces what another process made meanwhile
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text().strip()


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """The environment's settings, `overrides` (by field name) before them. Raises `SettingsError`."""
    try:
        return Settings(**(overrides or {}))
    except ValidationError as error:
        raise SettingsError("; ".join(_fault(dict(fault)) for fault in error.errors())) from None


def _fault(fault: dict[str, Any]) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    name = str(fault["loc"][0]).upper() if fault["loc"] else ""
    return f"{name}: {message[0].lower()}{message[1:]}" if name else message


def plain_url(url: str) -> str:
    """A database address as asyncpg and psql take it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)
