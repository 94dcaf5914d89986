"""Settings of language model endpoints and of the answer cache."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from core.settings.types import http_url

CHAT_PROVIDERS_EXAMPLE = '{"ollama": {"url": "…", "model": "…"}}'


class ChatEndpoint(BaseModel):
    """An OpenAI-compatible endpoint and its default model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    model: str = Field(min_length=1)
    key: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        return http_url(url)


ChatProviders = Annotated[dict[Literal["openai", "ollama"], ChatEndpoint], NoDecode]
"""Endpoints by name."""


class ChatSettings(BaseSettings):
    """Additional language model endpoints, and the answer cache."""

    chat_providers: ChatProviders = Field(
        default={},
        description="Additional endpoints that users can choose, `openai` and `ollama`, as JSON: "
        '`{"ollama": {"url": "http://localhost:11434/v1", "model": "llama3.2", "key": "…"}}`. '
        "`custom` is the endpoint of `CHAT_URL`.",
    )
    offline_councils: bool = Field(
        default=False,
        description="Whether councils are allowed without a language model. The embedded answerer's councils "
        "quote the right sentence less often than its single answers.",
    )
    answer_cache_ttl: int = Field(
        default=3_600,
        ge=0,
        le=86_400,
        description="Seconds for which the answer to a question about the same documents is cached. 0 "
        "disables the cache.",
    )

    @field_validator("chat_providers", mode="before")
    @classmethod
    def _decode(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(f"must be an object such as {CHAT_PROVIDERS_EXAMPLE}") from None
