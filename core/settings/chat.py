"""What an installation may decide about who answers questions."""

import json
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

EXAMPLE = '{"ollama": {"url": "…", "model": "…"}}'


class ChatEndpoint(BaseModel):
    """An OpenAI-compatible endpoint of language models, and which of them answers unless another is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    model: str = Field(min_length=1)
    key: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError("an address that starts with http:// or https:// is wanted")
        return url.rstrip("/")


ChatProviders = Annotated[dict[Literal["openai", "ollama"], ChatEndpoint], NoDecode]
"""Endpoints by the name that people choose them by."""


class ChatSettings(BaseSettings):
    """Further endpoints of language models, and how long their answers are given again."""

    chat_providers: ChatProviders = Field(
        default={},
        description="Further endpoints that people may choose, `openai` and `ollama`, as JSON: "
        '`{"ollama": {"url": "http://localhost:11434/v1", "model": "llama3.2", "key": "…"}}`. '
        "`custom` is that of `CHAT_URL`.",
    )
    answer_cache_ttl: int = Field(
        default=3_600,
        ge=0,
        le=86_400,
        description="Seconds for which an answer is given again to the same question about the same "
        "documents. 0: never.",
    )

    @field_validator("chat_providers", mode="before")
    @classmethod
    def _decode(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(f"an object such as {EXAMPLE} is wanted") from None
