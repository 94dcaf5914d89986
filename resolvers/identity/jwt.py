"""Access tokens: signing and verification of JWTs."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from core.errors import NotAuthenticated
from core.settings import Settings

ALGORITHM = "HS256"
ISSUER = "seshat"

MAX_VERIFIED_TOKENS = 10_000
"""Valid tokens that are remembered until they expire: verifying takes longer than finding them."""


@dataclass(frozen=True)
class TokenSigner:
    """Signs and verifies access tokens. `key_id` is the `kid` header (RFC 7515)."""

    secret: bytes
    access_ttl: timedelta
    refresh_ttl: timedelta
    _verified: OrderedDict[str, tuple[UUID, datetime, float]] = field(
        default_factory=OrderedDict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, settings: Settings) -> "TokenSigner":
        """Derive the key from SECRET_KEY; links are signed with another key."""
        secret = hashlib.sha256(b"access tokens\0" + settings.secret().encode()).digest()
        access, refresh = settings.access_token_ttl, settings.refresh_token_ttl
        return cls(secret, timedelta(seconds=access), timedelta(seconds=refresh))

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits of the key's digest."""
        return hashlib.sha256(self.secret).hexdigest()[:8]

    def access_token(self, user_id: UUID) -> str:
        """A JWT (RFC 7519) whose subject is the user. It does not contain company or role."""
        now = datetime.now(UTC)
        claims = {"iss": ISSUER, "sub": str(user_id), "iat": now, "exp": now + self.access_ttl}
        return jwt.encode(claims, self.secret, ALGORITHM, headers={"kid": self.key_id})

    def verify(self, token: str) -> tuple[UUID, datetime]:
        """The user and the expiry of a token. Raises `NotAuthenticated` if it is invalid or expired."""
        known = self._verified.get(token)
        if known is not None:
            user_id, expires_at, expiry = known
            if time.time() < expiry:
                self._verified.move_to_end(token)
                return user_id, expires_at
            del self._verified[token]
        user_id, expires_at = self._decode(token)
        self._verified[token] = user_id, expires_at, expires_at.timestamp()
        if len(self._verified) > MAX_VERIFIED_TOKENS:
            self._verified.popitem(last=False)
        return user_id, expires_at

    def _decode(self, token: str) -> tuple[UUID, datetime]:
        try:
            claims = jwt.decode(
                token, self.secret, [ALGORITHM], issuer=ISSUER, options={"require": ["sub", "exp", "iss"]}
            )
            return UUID(claims["sub"]), datetime.fromtimestamp(claims["exp"], UTC)
        except jwt.ExpiredSignatureError:
            raise NotAuthenticated("The access token has expired.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise NotAuthenticated("The access token is not valid.") from None
