"""Access tokens and device tokens: signing and verification of JWTs."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from core.errors import NotAuthenticated
from core.settings import Settings
from db.ids import new_id

ALGORITHM = "HS256"
ISSUER = "seshat"
AUDIENCE, DEVICE_AUDIENCE = "seshat:api", "seshat:sign-in"
"""The `aud` claim of access tokens and of device tokens: neither is accepted as the other."""

CHALLENGE_AUDIENCE, CHALLENGE_TTL = "seshat:second-factor", timedelta(minutes=5)
DEVICE_TTL = timedelta(days=180)

MAX_VERIFIED_TOKENS = 10_000
"""Valid tokens that are remembered until they expire: verifying takes longer than finding them."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of a valid access token."""

    user_id: UUID
    expires_at: datetime
    session_id: UUID | None = None
    """Family of refresh tokens that it was issued with."""


@dataclass(frozen=True, slots=True)
class DeviceClaims:
    """The claims of a valid device token: a device on which the user has signed in."""

    user_id: UUID
    id: UUID


@dataclass(frozen=True)
class TokenSigner:
    """Signs and verifies tokens. `key_id` is the `kid` header (RFC 7515)."""

    secret: bytes
    access_ttl: timedelta
    refresh_ttl: timedelta
    _verified: OrderedDict[str, tuple[AccessClaims, float]] = field(
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

    def access_token(self, user_id: UUID, session_id: UUID | None = None) -> str:
        """A JWT (RFC 7519) whose subject is the user. It does not contain company or role.

        With a session (`sid`) it ends with it.
        """
        session = {} if session_id is None else {"sid": str(session_id)}
        return self._sign(AUDIENCE, user_id, self.access_ttl, session)

    def device_token(self, user_id: UUID) -> str:
        """A token that tells later sign-ins that the user has signed in on this device."""
        return self._sign(DEVICE_AUDIENCE, user_id, DEVICE_TTL, {"jti": str(new_id())})

    def challenge_token(self, user_id: UUID) -> str:
        """A token that tells that the user has given their password, and has to give a second factor."""
        return self._sign(CHALLENGE_AUDIENCE, user_id, CHALLENGE_TTL, {})

    def verify_challenge(self, token: str) -> UUID | None:
        """The user of a challenge; None if it is invalid or expired."""
        try:
            return UUID(self._claims(token, CHALLENGE_AUDIENCE)["sub"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            return None

    def verify(self, token: str) -> AccessClaims:
        """The claims of an access token. Raises `NotAuthenticated` if it is invalid or expired."""
        known = self._verified.get(token)
        if known is not None:
            claims, expiry = known
            if time.time() < expiry:
                self._verified.move_to_end(token)
                return claims
            del self._verified[token]
        claims = self._decode(token)
        self._verified[token] = claims, claims.expires_at.timestamp()
        if len(self._verified) > MAX_VERIFIED_TOKENS:
            self._verified.popitem(last=False)
        return claims

    def verify_device(self, token: str) -> DeviceClaims | None:
        """The claims of a device token; None if it is invalid or expired."""
        try:
            claims = self._claims(token, DEVICE_AUDIENCE, "jti")
            return DeviceClaims(UUID(claims["sub"]), UUID(claims["jti"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            return None

    def _sign(self, audience: str, user_id: UUID, ttl: timedelta, more: dict[str, str]) -> str:
        now = datetime.now(UTC)
        claims = {"iss": ISSUER, "aud": audience, "sub": str(user_id), "iat": now, "exp": now + ttl, **more}
        return jwt.encode(claims, self.secret, ALGORITHM, headers={"kid": self.key_id})

    def _claims(self, token: str, audience: str, *required: str) -> dict[str, Any]:
        options: Any = {"require": ["sub", "exp", "iss", "aud", *required], "strict_aud": True}
        claims: dict[str, Any] = jwt.decode(
            token, self.secret, [ALGORITHM], issuer=ISSUER, audience=audience, options=options
        )
        return claims

    def _decode(self, token: str) -> AccessClaims:
        try:
            claims = self._claims(token, AUDIENCE)
            session = UUID(claims["sid"]) if "sid" in claims else None
            return AccessClaims(UUID(claims["sub"]), datetime.fromtimestamp(claims["exp"], UTC), session)
        except jwt.ExpiredSignatureError:
            raise NotAuthenticated("The access token has expired.") from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise NotAuthenticated("The access token is not valid.") from None
