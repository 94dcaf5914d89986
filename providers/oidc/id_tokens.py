"""Verification of ID tokens (OpenID Connect Core 1.0, section 3.1.3.7).

The client says which algorithms it accepts. All of them are asymmetric, and a key is used only with an
algorithm of its own type, so that neither `none` nor an HMAC with a public key is a signature.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import jwt
from jwt.exceptions import PyJWKError

from providers.oidc.errors import OidcError, OidcErrorCode, invalid_token

KEY_TYPES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Key type and curve (RFC 7518, RFC 8037) of each algorithm that can be accepted."""

DEFAULT_ALGORITHMS = ("RS256",)
MIN_RSA_BITS = 2048
LEEWAY = timedelta(seconds=60)
"""Difference of clocks that is forgiven."""

MAX_TOKEN_LENGTH = 64 * 1024
MAX_SUBJECT_LENGTH = 255
REQUIRED_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "nonce")

Key = Mapping[str, Any]
"""A key of a JWK set (RFC 7517)."""


def verify(
    token: str,
    keys: Sequence[Key],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    algorithms: Collection[str] = DEFAULT_ALGORITHMS,
) -> dict[str, Any]:
    """The claims of an ID token. Raises `OidcError` unless each of them is as this sign-in expects it.

    The code is `UNKNOWN_KEY` if newer keys of the issuer might verify the token, else `INVALID_TOKEN`.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise invalid_token("it is too long.")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise invalid_token("it is not a signed JWT.") from None
    algorithm = header.get("alg")
    if algorithm not in algorithms or algorithm not in KEY_TYPES:
        raise invalid_token("its algorithm is not accepted.")
    key = _find_key(keys, algorithm, header.get("kid"))
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _public_key(key, algorithm),
            [algorithm],
            issuer=issuer,
            audience=client_id,
            leeway=LEEWAY,
            options={"require": list(REQUIRED_CLAIMS)},
        )
    except jwt.InvalidTokenError as error:
        raise invalid_token(REASONS.get(type(error), "its signature or its claims are wrong.")) from None
    _check_party(claims, client_id)
    _check_nonce(claims, nonce)
    if not 0 < len(claims["sub"]) <= MAX_SUBJECT_LENGTH:
        raise invalid_token("its subject is not usable.")
    return claims


REASONS: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "it has expired.",
    jwt.InvalidAudienceError: "it is meant for another client.",
    jwt.InvalidIssuerError: "it is from another issuer.",
    jwt.InvalidSignatureError: "its signature is wrong.",
}


def _find_key(keys: Sequence[Key], algorithm: str, id: object) -> Key:
    """The key that the token names; without a name the only one that fits."""
    kind, curve = KEY_TYPES[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (id is None or key.get("kid") == id)
    ]
    if not fitting:
        raise OidcError(OidcErrorCode.UNKNOWN_KEY, "The issuer has no key that the ID token is signed with.")
    if len(fitting) > 1:
        raise invalid_token("it does not say which key it is signed with.")
    return fitting[0]


def _public_key(key: Key, algorithm: str) -> Any:
    public = {name: value for name, value in key.items() if name not in PRIVATE_PARAMETERS}
    try:
        loaded = jwt.PyJWK(public, algorithm).key
    except (PyJWKError, jwt.InvalidKeyError, ValueError, TypeError) as error:
        message = "A key of the issuer cannot be read."
        raise OidcError(OidcErrorCode.BAD_METADATA, message) from error
    if KEY_TYPES[algorithm][0] == "RSA" and loaded.key_size < MIN_RSA_BITS:
        message = f"A key of the issuer is shorter than {MIN_RSA_BITS} bits."
        raise OidcError(OidcErrorCode.BAD_METADATA, message)
    return loaded


PRIVATE_PARAMETERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """The authorized party has to be the client if it is named, and named if there are several audiences."""
    audience = claims["aud"]
    is_shared = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if is_shared else client_id) != client_id:
        raise invalid_token("it was issued to another client.")


def _check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    found = claims["nonce"]
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(), nonce.encode()):
        raise invalid_token("it belongs to another sign-in.")
