"""Settings of an installation, read from environment variables."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from core.errors import OperatorError
from core.prices import Prices, read_prices
from core.settings.accounts import AccountSettings, Registration
from core.settings.chat import ChatSettings
from core.settings.crawling import CrawlSettings
from core.settings.database_urls import driverless_url as driverless_url
from core.settings.database_urls import normalize_database_url
from core.settings.drawings import DrawingSettings
from core.settings.operations import OperationSettings
from core.settings.placement import PlacementSettings
from core.settings.pushing import PushSettings
from core.settings.secret_file import MIN_SECRET_LENGTH, UnsafeSecret, read_or_create_secret
from core.settings.traffic import TrafficSettings
from core.settings.types import CommaSeparated, QueueCounts, http_url
from core.settings.vision import VisionSettings

STORAGE_SCHEMES = ("file", "s3", "gs", "az")


class SettingsError(OperatorError):
    """A setting is missing or invalid. The message is one line that names it and contains no secret."""


class Settings(
    PlacementSettings,
    AccountSettings,
    TrafficSettings,
    CrawlSettings,
    PushSettings,
    ChatSettings,
    VisionSettings,
    DrawingSettings,
    OperationSettings,
):
    """Every setting of an installation. The environment variable is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    data: Path = Field(
        default=Path(".seshat"),
        validate_default=True,
        description="Folder of the embedded database, the stored files and the generated secret.",
    )
    data_timeout: float = Field(
        default=30,
        ge=0,
        description="Seconds that `serve` waits for another process to release the data folder.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    public_url: str | None = Field(
        default=None,
        description="Base URL of links to files. Unset: links are paths, such as `/files/…`, without a host.",
    )
    cors_origins: CommaSeparated = Field(
        default=(), description="Origins of browser clients, separated by commas. `*` allows every origin."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum severity of log lines."
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Key that signs tokens and links, at least 32 characters. Unset: generated in the data "
        "folder, with the embedded database only.",
    )

    database_url: str | None = Field(
        default=None,
        description="PostgreSQL 15 or newer, as the role `app_rw`. Unset: the embedded PostgreSQL.",
    )
    database_admin_url: str | None = Field(
        default=None,
        description="The same server, as a role that may create roles and databases. Required by `init` and "
        "`migrate`.",
    )
    database_listen_url: str | None = Field(
        default=None,
        description="The database of `DATABASE_URL` without a transaction pooler, for one connection per "
        "process that listens. Unset: `DATABASE_URL`.",
    )
    database_read_url: str | None = Field(
        default=None,
        description="A read replica of `DATABASE_URL`. Queries use it while it has what their company has "
        "written.",
    )
    prepared_statements: bool = Field(
        default=True,
        description="Keep prepared statements on connections. Set `false` behind PgBouncer before 1.21 in "
        "transaction mode.",
    )
    db_pool_size: int = Field(default=8, ge=1, le=500, description="Connections in the pool of each process.")
    db_max_overflow: int = Field(default=4, ge=0, le=500, description="Additional connections under load.")
    db_pool_timeout: float = Field(
        default=5, gt=0, description="Seconds to wait for a connection from the pool."
    )

    storage_url: str | None = Field(
        default=None,
        description="Where files are stored: `file://`, `s3://`, `gs://` or `az://`. Unset: the data folder.",
    )
    max_upload_size: int = Field(
        default=70 * 1024 * 1024, ge=1, description="Maximum size of an uploaded file, in bytes."
    )
    upload_ttl: int = Field(
        default=86_400, ge=1, description="Seconds until an upload that was not sent expires."
    )
    link_ttl: int = Field(default=3_600, ge=1, description="Seconds until a link to a stored file expires.")
    export_ttl: int = Field(default=604_800, ge=1, description="Seconds until an exported data set expires.")
    activity_ttl: int = Field(
        default=0,
        ge=0,
        description="Seconds for which activity is kept. 0 keeps it for as long as the company.",
    )
    access_token_ttl: int = Field(default=900, ge=1, description="Seconds until an access token expires.")
    refresh_token_ttl: int = Field(
        default=2_592_000, ge=1, description="Seconds until a refresh token expires."
    )

    demo: bool = Field(
        default=True, description="Create a demo company on the first start of an embedded installation."
    )
    worker: bool = Field(default=True, description="Run a worker inside the server.")
    job_concurrency: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Concurrent jobs per worker of the queues without slots of their own.",
    )
    job_processes: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Child processes per worker for computations; one more is kept for jobs that users wait "
        "for. Unset: the number of processor cores.",
    )
    queue_slots: QueueCounts = Field(
        default={
            "chat": 2,
            "text_checks": 1,
            "requirements": 2,
            "reports": 2,
            "imports": 1,
            "documents": 2,
            "reembedding": 1,
            "drawings": 2,
            "crawl": 2,
            "imagery": 2,
            "evaluation": 1,
        },
        description="Concurrent jobs per worker of each of these queues, independent of other queues.",
    )
    queue_limits: QueueCounts = Field(
        default={},
        description="Maximum number of concurrent jobs of a queue across all workers, such as `drawings=4`.",
    )
    job_heartbeat: float = Field(default=2, gt=0, description="Seconds between a worker's heartbeats.")
    job_stale: float = Field(
        default=10,
        gt=0,
        description="Seconds without a heartbeat after which another worker takes the job over.",
    )
    job_grace: float = Field(
        default=5, ge=0, description="Seconds that running jobs have to finish when a worker stops."
    )

    qdrant_url: str | None = Field(
        default=None,
        description="Qdrant 1.19 or newer, at `https://`, `http://`, or `unix:` and the path of a socket. "
        "Unset: the embedded vector store.",
    )
    qdrant_api_key: SecretStr | None = Field(default=None, description="API key of Qdrant, if required.")
    embedding_url: str | None = Field(
        default=None,
        description="OpenAI-compatible embeddings endpoint, such as `https://api.openai.com/v1`. Unset: the "
        "embedded model.",
    )
    embedding_api_key: SecretStr | None = Field(
        default=None, description="API key of the embeddings endpoint, if required."
    )
    embedding_model: str | None = Field(
        default=None,
        min_length=1,
        description="Model at the embeddings endpoint, `text-embedding-3-small` if unset. Without an "
        "endpoint: `e5` for many languages, the default, or `minilm`, for English, in a fifth "
        "of the time.",
    )
    embedding_dimension: int = Field(
        default=1536, ge=1, le=65_536, description="Dimension of that model's vectors."
    )
    embedding_max_tokens: int = Field(
        default=8191, ge=16, description="Maximum number of tokens in one input of that model."
    )
    embedding_query_prefix: str | None = Field(
        default=None,
        description="Text before each question that the endpoint embeds, such as `query: `; `none` for no "
        "prefix. Unset: that of known families of models (E5, Nomic, BGE, Arctic, …).",
    )
    embedding_passage_prefix: str | None = Field(
        default=None, description="Text before each passage that the endpoint embeds, likewise."
    )
    embedding_timeout: float = Field(
        default=30, gt=0, description="Seconds to wait for the embeddings endpoint."
    )
    embedding_retries: int = Field(
        default=3,
        ge=0,
        le=10,
        description="Retries of a failed request to the embeddings endpoint, with exponential backoff.",
    )

    chunk_tokens: int = Field(
        default=512, ge=8, le=8_192, description="Maximum number of tokens in a chunk of a document."
    )
    chunk_overlap: int = Field(
        default=50,
        ge=0,
        description="Maximum number of tokens that a chunk repeats from the previous one; less than half of "
        "`CHUNK_TOKENS`.",
    )
    model_prices: Path | None = Field(
        default=None,
        description="TOML file of prices per million tokens, which extend or replace those in "
        "core/prices.toml.",
    )

    chat_url: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint of a language model, such as `http://localhost:11434/v1`. "
        "Unset: answers are quoted from the documents.",
    )
    chat_api_key: SecretStr | None = Field(
        default=None, description="API key of the language model endpoint, if required."
    )
    chat_model: str = Field(
        default="gpt-4o-mini",
        min_length=1,
        description="Model at the endpoint, unless the conversation names another.",
    )
    chat_silence: float = Field(
        default=30, gt=0, description="Seconds to wait for the next part of a streamed answer."
    )
    chat_timeout: float = Field(default=180, gt=0, description="Maximum duration of an answer, in seconds.")
    chat_retries: int = Field(
        default=3,
        ge=0,
        le=10,
        description="Retries of a failed request to the language model endpoint, with exponential backoff.",
    )

    @field_validator("data")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return Path(os.path.abspath(folder.expanduser()))

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("embedding_query_prefix", "embedding_passage_prefix")
    @classmethod
    def _prefix(cls, prefix: str | None) -> str | None:
        return "" if prefix == "none" else prefix

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value().strip()) < MIN_SECRET_LENGTH:
            raise ValueError(f"must be at least {MIN_SECRET_LENGTH} characters")
        return key

    @field_validator("database_url", "database_admin_url", "database_listen_url", "database_read_url")
    @classmethod
    def _driver(cls, url: str | None) -> str | None:
        return None if url is None else normalize_database_url(url)

    @field_validator("storage_url")
    @classmethod
    def _known_store(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in STORAGE_SCHEMES:
            raise ValueError("must start with file://, s3://, gs:// or az://")
        return url

    @field_validator("qdrant_url")
    @classmethod
    def _known_vector_store(cls, url: str | None) -> str | None:
        if url is None or url.startswith("unix:/"):
            return url
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError("must start with http://, https:// or unix:/")
        return url.rstrip("/")

    @field_validator("public_url", "embedding_url", "chat_url", "vision_url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        return http_url(url) if url else None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("database_admin_url", "database_listen_url"):
            if getattr(self, name) and not self.database_url:
                raise ValueError(f"{name.upper()} requires DATABASE_URL")
        if self.company_placement == "dedicated" and self.database_url and not self.database_admin_url:
            raise ValueError("COMPANY_PLACEMENT=dedicated requires DATABASE_ADMIN_URL")
        if self.embedding_url is None and self.embedding_model not in (None, "e5", "minilm"):
            raise ValueError("EMBEDDING_MODEL must be e5 or minilm without EMBEDDING_URL")
        if 2 * self.chunk_overlap >= self.chunk_tokens:
            raise ValueError("CHUNK_OVERLAP must be less than half of CHUNK_TOKENS")
        if self.job_stale < 2 * self.job_heartbeat:
            raise ValueError("JOB_STALE must be at least twice JOB_HEARTBEAT")
        return self

    @field_validator("model_prices")
    @classmethod
    def _readable_prices(cls, file: Path | None) -> Path | None:
        if file is not None:
            read_prices(file)
        return file

    @property
    def prices(self) -> Prices:
        """Model prices; `MODEL_PRICES` overrides the built-in prices."""
        return read_prices(*([self.model_prices] if self.model_prices else []))

    @property
    def is_embedded(self) -> bool:
        """Whether the installation runs the embedded PostgreSQL."""
        return self.database_url is None

    @property
    def registration_mode(self) -> Registration:
        """`REGISTRATION`, or its default."""
        return self.registration or ("open" if self.is_embedded else "closed")

    @property
    def object_store_url(self) -> str:
        """`STORAGE_URL`, or the data folder's `objects`."""
        return self.storage_url or (self.data / "objects").as_uri()

    def secret(self) -> str:
        """`SECRET_KEY`, or the generated secret in the data folder (mode 600).

        Raises `SettingsError` if neither exists and the database is not embedded: all hosts must share one.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        file = self.data / "secret-key"
        if not self.is_embedded and not os.path.lexists(file):
            raise SettingsError("SECRET_KEY: is required with DATABASE_URL")
        try:
            return read_or_create_secret(file)
        except UnsafeSecret as error:
            raise SettingsError(f"SECRET_KEY: {file} {error}") from None
        except OSError as error:
            raise SettingsError(f"SECRET_KEY: {file} cannot be used: {error.strerror}") from error


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings of the environment; `overrides` by field name take precedence. Raises `SettingsError`."""
    try:
        return Settings(**(overrides or {}))
    except ValidationError as error:
        raise SettingsError("; ".join(_fault(dict(fault)) for fault in error.errors())) from None


def _fault(fault: dict[str, Any]) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    name = str(fault["loc"][0]).upper() if fault["loc"] else ""
    return f"{name}: {message[0].lower()}{message[1:]}" if name else message
