"""Settings of database servers and of the placement of companies."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core.settings.database_urls import normalize_database_url

PRIMARY = "primary"
"""Name of the server of `DATABASE_URL`."""

Name = Literal["pooled", "dedicated"]


class DatabaseServer(BaseModel):
    """A PostgreSQL server for databases of companies, with the URLs of any database on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr
    admin_url: SecretStr | None = None
    listen_url: SecretStr | None = None
    max_connections: int = Field(default=50, ge=4)

    @field_validator("url", "admin_url", "listen_url")
    @classmethod
    def _driver(cls, url: SecretStr | None) -> SecretStr | None:
        return url and SecretStr(normalize_database_url(url.get_secret_value()))


class PlacementSettings(BaseSettings):
    """Settings of database servers and of the placement of companies."""

    database_servers: dict[str, DatabaseServer] = Field(
        default={},
        description='Further servers for databases of companies, as JSON: `{"eu": {"url": …, "admin_url": …, '
        '"listen_url": …, "max_connections": 50}}`, with the roles of `DATABASE_URL`, `DATABASE_ADMIN_URL` '
        "and `DATABASE_LISTEN_URL`. The server of `DATABASE_URL` is named `primary`.",
    )
    db_dedicated_engines: int = Field(
        default=20,
        ge=1,
        le=500,
        description="Companies with a database of their own to whose databases a process keeps connections.",
    )
    company_placement: Name = Field(
        default="pooled",
        description="Where new companies are placed: `pooled`, in the database of `DATABASE_URL`, or "
        "`dedicated`, each in a database of its own on the same server.",
    )

    database_retention: int = Field(
        default=604_800,
        ge=0,
        description="Seconds until the database of a deleted company is dropped.",
    )

    @field_validator("database_servers")
    @classmethod
    def _primary_is_reserved(cls, servers: dict[str, DatabaseServer]) -> dict[str, DatabaseServer]:
        if PRIMARY in servers:
            raise ValueError(f"must not name a server {PRIMARY}: that is the server of DATABASE_URL")
        return servers
