"""What an installation may decide about a model that looks at drawings."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class VisionSettings(BaseSettings):
    """Where such a model is, and how long it may take."""

    vision_url: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint of a model that looks at changed parts of drawings. "
        "Unset: changes are described from what was measured and read.",
    )
    vision_api_key: SecretStr | None = Field(
        default=None, description="Key of that endpoint, if it wants one."
    )
    vision_model: str = Field(
        default="gpt-4o-mini", min_length=1, description="Model that the endpoint is asked for."
    )
    vision_timeout: float = Field(default=120, gt=0, description="Seconds to wait for its answer.")
    vision_retries: int = Field(
        default=3, ge=0, le=10, description="Times that a failed call to it is tried again, ever later."
    )
