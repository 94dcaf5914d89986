"""Access tokens: what they say, and what is refused."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest

from core.errors import NotAuthenticated
from core.settings import Settings
from resolvers.identity.jwt import AccessClaims, TokenSigner

USER = UUID(int=7)
SECRET = b"s" * 64
SIGNER = TokenSigner(SECRET, timedelta(minutes=15), timedelta(days=30))
INVALID, EXPIRED = "The access token is not valid.", "The access token has expired."


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    found = {
        "iss": "seshat",
        "aud": "seshat:api",
        "sub": str(USER),
        "exp": now + timedelta(hours=1),
        "iat": now,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def sign(algorithm: str = "HS256", secret: bytes = SECRET, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm)


def refusal(token: str) -> str:
    with pytest.raises(NotAuthenticated) as refused:
        SIGNER.verify(token)
    return str(refused.value)


def test_a_token_says_who_and_until_when_and_nothing_else() -> None:
    before = int(datetime.now(UTC).timestamp())
    token = SIGNER.access_token(USER)
    after = int(datetime.now(UTC).timestamp())
    content = jwt.decode(token, options={"verify_signature": False})

    assert content == {
        "iss": "seshat",
        "aud": "seshat:api",
        "sub": str(USER),
        "iat": content["iat"],
        "exp": content["iat"] + 900,
    }
    assert before <= content["iat"] <= after
    assert jwt.get_unverified_header(token) == {
        "alg": "HS256",
        "typ": "JWT",
        "kid": hashlib.sha256(SECRET).hexdigest()[:8],
    }
    assert SIGNER.verify(token) == AccessClaims(USER, datetime.fromtimestamp(content["exp"], UTC))


def test_a_token_of_a_session_names_it() -> None:
    claims = SIGNER.verify(SIGNER.access_token(USER, UUID(int=8)))

    assert (claims.user_id, claims.session_id) == (USER, UUID(int=8))


def test_a_device_token_opens_nothing_and_an_access_token_is_no_device() -> None:
    access, device = SIGNER.access_token(USER), SIGNER.device_token(USER)

    assert refusal(device) == INVALID
    assert SIGNER.verify_device(access) is None
    found = SIGNER.verify_device(device)
    assert found is not None
    assert found.user_id == USER


@pytest.mark.parametrize(
    "changes", [{"jti": None}, {"jti": "x"}, {"sub": "x"}, {"aud": "seshat:api"}, {"exp": 1}]
)
def test_what_is_no_device_token_is_nobodys(changes: dict[str, Any]) -> None:
    token = jwt.encode(claims(**{"aud": "seshat:sign-in", "jti": str(USER), **changes}), SECRET)

    assert SIGNER.verify_device(token) is None


def test_the_key_is_derived_from_the_secret_and_the_times_are_those_of_the_settings(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, secret_key="k" * 40, access_token_ttl=60, refresh_token_ttl=7200)
    signer = TokenSigner.of(settings)

    assert signer.secret == hashlib.sha256(b"access tokens\0" + b"k" * 40).digest()
    assert (signer.access_ttl, signer.refresh_ttl) == (timedelta(minutes=1), timedelta(hours=2))


@pytest.mark.parametrize("claim", ["iss", "sub", "exp", "aud"])
def test_every_claim_is_required(claim: str) -> None:
    assert refusal(jwt.encode(claims(**{claim: None}), SECRET)) == INVALID


@pytest.mark.parametrize(
    "token",
    [
        sign(iss="another"),
        sign(aud="another"),
        sign(aud="seshat:sign-in"),
        sign(aud=["seshat:api", "another"]),
        sign(sid="1"),
        sign(sub="1"),
        sign(secret=b"t" * 64),
        sign(algorithm="HS512"),
        sign(algorithm="HS384"),
        jwt.encode(claims(), "", "none"),
        "noise",
        "",
    ],
    ids=[
        "issuer",
        "audience",
        "device",
        "audiences",
        "session",
        "subject",
        "secret",
        "HS512",
        "HS384",
        "none",
        "noise",
        "empty",
    ],
)
def test_other_tokens_are_not_valid(token: str) -> None:
    assert refusal(token) == INVALID


def test_an_expired_token_says_so() -> None:
    assert refusal(sign(exp=datetime.now(UTC) - timedelta(seconds=2))) == EXPIRED
    assert SIGNER.verify(sign()).user_id == USER


def test_a_valid_token_is_verified_once_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = TokenSigner(SECRET, timedelta(minutes=15), timedelta(days=30))
    token, decode, decoded = sign(exp=datetime.now(UTC) + timedelta(seconds=2)), jwt.decode, list[str]()

    def count(text: str, *arguments: Any, **options: Any) -> Any:
        decoded.append(text)
        return decode(text, *arguments, **options)

    monkeypatch.setattr(jwt, "decode", count)
    first = signer.verify(token)

    assert signer.verify(token) == first
    assert decoded == [token]
    time.sleep(max(0.0, first.expires_at.timestamp() - time.time()))
    for _ in range(2):
        with pytest.raises(NotAuthenticated, match=EXPIRED):
            signer.verify(token)
    assert decoded == [token] * 3


@pytest.mark.parametrize("secret", [SECRET, b"t" * 64])
def test_a_refused_token_is_refused_again(secret: bytes) -> None:
    signer = TokenSigner(SECRET, timedelta(minutes=15), timedelta(days=30))
    token = sign(secret=secret, exp=datetime.now(UTC) - timedelta(seconds=1))

    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            signer.verify(token)
    assert len(signer._verified) == 0


def test_few_verified_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = TokenSigner(SECRET, timedelta(minutes=15), timedelta(days=30))
    monkeypatch.setattr("resolvers.identity.jwt.MAX_VERIFIED_TOKENS", 2)
    tokens = [sign(jti=name) for name in "abc"]
    for token in (tokens[0], tokens[1], tokens[0], tokens[2]):
        signer.verify(token)

    assert list(signer._verified) == [tokens[0], tokens[2]]
