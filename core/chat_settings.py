"""What an installation may decide about who answers questions."""

import json
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode


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
            raise ValueError('an object such as {"ollama": {"url": "…", "model": "…"}} is wanted') from None
