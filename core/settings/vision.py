"""Settings of the vision model endpoint."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class VisionSettings(BaseSettings):
    """Endpoint of the vision model, its timeout and retries."""

    vision_url: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint of a vision model that describes changed regions of "
        "drawings. Unset: changes are described from measurements and extracted text.",
    )
    vision_api_key: SecretStr | None = Field(
        default=None, description="API key of the vision endpoint, if required."
    )
    vision_model: str = Field(
        default="gpt-4o-mini", min_length=1, description="Model at the vision endpoint."
    )
    vision_timeout: float = Field(default=120, gt=0, description="Seconds to wait for the vision endpoint.")
    vision_retries: int = Field(
        default=3,
        ge=0,
        le=10,
        description="Retries of a failed request to the vision endpoint, with exponential backoff.",
    )
