"""Why a sign-in with an issuer fails."""

from enum import Enum


class OidcErrorCode(Enum):
    """Reason of a failure."""

    ISSUER_UNAVAILABLE = "issuer_unavailable"
    """The issuer does not answer, or not in time."""
    BAD_METADATA = "bad_metadata"
    """The discovery document or the keys of the issuer are not usable."""
    CODE_REFUSED = "code_refused"
    """The issuer refuses the authorization code: it is wrong, used or expired."""
    INVALID_TOKEN = "invalid_token"
    """The ID token was not issued by the issuer, for this client and this sign-in, or has expired."""
    UNKNOWN_KEY = "unknown_key"
    """No key of the issuer is the one that the ID token names."""


class OidcError(Exception):
    """A sign-in that the issuer, or what it has sent, does not allow. Never contains tokens or secrets."""

    def __init__(self, code: OidcErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_token(reason: str) -> OidcError:
    """The error for an ID token that must not be believed."""
    return OidcError(OidcErrorCode.INVALID_TOKEN, f"The ID token is not valid: {reason}")
