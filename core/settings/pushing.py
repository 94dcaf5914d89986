"""Settings of pushes of exports."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core.settings.types import CommaSeparated

SCHEMES = ("s3://", "gs://", "az://", "file://")


class PushSettings(BaseSettings):
    """Where exports may be pushed to."""

    push_buckets: CommaSeparated = Field(
        default=(),
        description="Buckets that exports may be pushed to, such as `s3://shared/datasets`. Each company "
        "has a folder. Credentials are read from the environment, as for `STORAGE_URL`.",
    )
    hf_endpoint: str = Field(
        default="https://huggingface.co",
        pattern="^https?://",
        description="Hugging Face Hub, or a server with its API, that exports may be pushed to.",
    )
    hf_token: SecretStr | None = Field(
        default=None, description="Token of the hub. Unset: exports cannot be pushed to it."
    )
    hf_namespaces: CommaSeparated = Field(
        default=(), description="Users and organizations of the hub whose repositories may be pushed to."
    )

    @field_validator("push_buckets")
    @classmethod
    def _known_schemes(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [url for url in urls if not url.startswith(SCHEMES)]:
            raise ValueError(f"{unknown[0]} must start with {', '.join(SCHEMES)}")
        return urls
