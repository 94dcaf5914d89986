"""What a viewer is signed in with."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Credential:
    """The user of a token and the session that it was issued for, if any. The viewer ends with either."""

    user_id: UUID
    session_id: UUID | None = None
