"""Settings of load and slow clients."""

from pydantic import Field
from pydantic_settings import BaseSettings

from core.settings.types import Networks


class TrafficSettings(BaseSettings):
    """Proxies, limits of concurrent operations, of the queue, and of requests that are received slowly."""

    trusted_proxies: Networks = Field(
        default=(),
        description="Networks of reverse proxies, such as `10.0.0.0/8`, separated by commas. Only their "
        "`X-Forwarded-For` and `X-Forwarded-Proto` headers are believed.",
    )

    max_operations: int = Field(
        default=4,
        ge=1,
        le=1_000,
        description="GraphQL operations that a process runs concurrently. Those that take longer than "
        "half a second are counted separately, up to eight times this number.",
    )
    max_waiting_operations: int = Field(
        default=128,
        ge=0,
        le=10_000,
        description="GraphQL operations that wait for their turn. More are refused with status 503.",
    )
    operation_queue_timeout: float = Field(
        default=2,
        gt=0,
        description="Seconds that an operation waits for its turn. One that would wait longer is refused at "
        "once with status 503.",
    )
    request_timeout: float = Field(
        default=20,
        gt=0,
        description="Seconds to receive the headers of a request, a JSON body, or the next part of a form.",
    )
    max_unfinished_requests: int = Field(
        default=2_000,
        ge=1,
        description="Connections whose next request is incomplete. The oldest is closed for a new one. "
        "As many first requests of connections are held back while the server is busy.",
    )
    max_form_space: int = Field(
        default=300_000_000,
        ge=1,
        description="Bytes of all multipart forms that a process stores temporarily at a time.",
    )
