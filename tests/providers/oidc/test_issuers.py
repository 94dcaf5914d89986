"""Sign-ins with an issuer: which ID tokens are believed, and what becomes of keys, codes and outages."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from providers.oidc.errors import OidcError, OidcErrorCode
from providers.oidc.issuers import Issuer, IssuerConfiguration, code_challenge

ISSUER = "https://login.example.com/tenant"
CLIENT, SECRET, NONCE, REDIRECT = (
    "seshat",
    "a:secret/of+ours",
    "nonce-1",
    "https://seshat.example.com/callback",
)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

RSA_KEYS = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("k1", "k2")}
SHORT_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, id: str | None, **more: Any) -> dict[str, Any]:
    """The public key as an issuer publishes it."""
    kind = jwt.algorithms.RSAAlgorithm if hasattr(key, "decryption_key") or hasattr(key, "decrypt") else None
    public = (kind or jwt.algorithms.ECAlgorithm).to_jwk(key.public_key(), as_dict=True)
    public.pop("key_ops", None)
    return {**public, "use": "sig", **({"kid": id} if id else {}), **more}


class FakeIssuer:
    """An issuer that answers from memory, and counts what it is asked."""

    def __init__(self) -> None:
        self.keys = [jwk(RSA_KEYS["k1"], "k1")]
        self.document: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
        }
        self.token = ""
        self.status = 200
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        match request.url.path.removeprefix("/tenant"):
            case "/.well-known/openid-configuration":
                return httpx.Response(200, json=self.document)
            case "/jwks":
                return httpx.Response(200, json={"keys": self.keys})
            case "/token":
                return httpx.Response(self.status, json={"id_token": self.token, "access_token": "x"})
        return httpx.Response(404)

    def count(self, path: str) -> int:
        """How often a path was requested."""
        return sum(request.url.path == f"/tenant{path}" for request in self.requests)


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake() -> FakeIssuer:
    return FakeIssuer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(fake: FakeIssuer, clock: Clock) -> Issuer:
    http = httpx.AsyncClient(transport=httpx.MockTransport(fake))
    return Issuer(http, IssuerConfiguration(ISSUER, CLIENT, SECRET, ("RS256", "ES256")), clock)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid token, with changes; None leaves one out."""
    now = int(time.time())
    valid = {"iss": ISSUER, "sub": "ada", "aud": CLIENT, "nonce": NONCE, "iat": now, "exp": now + 300}
    return {name: value for name, value in {**valid, **changes}.items() if value is not None}


def id_token(key: Any = RSA_KEYS["k1"], kid: str | None = "k1", alg: str = "RS256", **changes: Any) -> str:
    """A token as an issuer signs it."""
    return jwt.encode(claims(**changes), key, alg, headers={"kid": kid} if kid else {})


def by_hand(header: Mapping[str, Any], secret: bytes | None) -> str:
    """A token that a library would refuse to write: signed with an HMAC, or not at all."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims())]
    message = b".".join(parts)
    signature = hmac.digest(secret, message, hashlib.sha256) if secret else b""
    return (message + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


async def code_of(issuer: Issuer, token: str, nonce: str = NONCE) -> OidcErrorCode:
    """Why a token is refused."""
    with pytest.raises(OidcError) as error:
        await issuer.verify(token, nonce)
    assert not token or token not in str(error.value)
    return error.value.code


async def test_a_code_becomes_the_claims_of_the_user(issuer: Issuer, fake: FakeIssuer) -> None:
    fake.token = id_token(email="ada@example.com", groups=["engineers"])
    url = await issuer.authorization_url(redirect_uri=REDIRECT, state="s", nonce=NONCE, verifier=VERIFIER)
    found = await issuer.redeem(code="c", verifier=VERIFIER, redirect_uri=REDIRECT, nonce=NONCE)

    sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{ISSUER}/auth?")
    assert sent == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "scope": "openid email profile",
        "state": "s",
        "nonce": NONCE,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    assert (found["sub"], found["email"], found["groups"]) == ("ada", "ada@example.com", ["engineers"])
    (request,) = [request for request in fake.requests if request.method == "POST"]
    form = parse_qs(request.content.decode())
    assert (form["code"], form["code_verifier"], form["redirect_uri"]) == (["c"], [VERIFIER], [REDIRECT])
    credentials = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert credentials == "seshat:a%3Asecret%2Fof%2Bours"
    assert "client_secret" not in form


def test_the_challenge_is_that_of_the_rfc() -> None:
    assert code_challenge(VERIFIER) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": None},
        {"iss": ISSUER + "/"},
        {"iss": "https://login.example.com/other"},
        {"iss": None},
        {"nonce": "nonce-2"},
        {"nonce": None},
        {"nonce": 1},
        {"exp": int(time.time()) - 61},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 7},
        {"sub": None},
    ],
)
async def test_wrong_claims_are_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    assert await code_of(issuer, id_token(**changes)) is OidcErrorCode.INVALID_TOKEN


async def test_several_audiences_need_the_client_as_authorized_party(issuer: Issuer) -> None:
    found = await issuer.verify(id_token(aud=[CLIENT, "another"], azp=CLIENT), NONCE)

    assert found["sub"] == "ada"


async def test_tokens_without_a_signature_or_with_a_public_key_as_secret_are_refused(issuer: Issuer) -> None:
    public = RSA_KEYS["k1"].public_key()
    encodings = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    published = json.dumps(jwk(RSA_KEYS["k1"], "k1")).encode()
    tokens = [
        by_hand({"alg": "none"}, None),
        by_hand({"alg": "None", "kid": "k1"}, None),
        by_hand({"alg": "RS256", "kid": "k1"}, None),
        by_hand({"alg": "HS256", "kid": "k1"}, public.public_bytes(*encodings)),
        by_hand({"alg": "HS256", "kid": "k1"}, published),
        by_hand({"alg": "HS256", "kid": "k1"}, SECRET.encode()),
        by_hand({"alg": ["RS256"], "kid": "k1"}, None),
        by_hand({"kid": "k1"}, None),
        id_token(alg="RS512"),
        id_token()[:-4] + "AAAA",
        "not a token",
        "",
        "a" * 100_000,
    ]

    assert {await code_of(issuer, token) for token in tokens} == {OidcErrorCode.INVALID_TOKEN}


async def test_a_key_in_the_token_is_not_used(issuer: Issuer) -> None:
    own = RSA_KEYS["k2"]
    embedded = jwt.encode(claims(), own, "RS256", headers={"kid": "k1", "jwk": jwk(own, "k1")})
    linked = jwt.encode(claims(), own, "RS256", headers={"kid": "k1", "jku": "https://evil.example/jwks"})

    assert await code_of(issuer, embedded) is OidcErrorCode.INVALID_TOKEN
    assert await code_of(issuer, linked) is OidcErrorCode.INVALID_TOKEN


async def test_a_key_is_used_for_its_own_algorithm_and_for_signatures_only(
    issuer: Issuer, fake: FakeIssuer
) -> None:
    fake.keys = [
        jwk(EC_KEY, "ec"),
        jwk(RSA_KEYS["k1"], "k1", alg="RS512"),
        jwk(RSA_KEYS["k2"], "k2", use="enc"),
    ]

    assert (await issuer.verify(id_token(EC_KEY, "ec", "ES256"), NONCE))["sub"] == "ada"
    assert await code_of(issuer, id_token()) is OidcErrorCode.UNKNOWN_KEY
    assert await code_of(issuer, id_token(RSA_KEYS["k2"], "k2")) is OidcErrorCode.UNKNOWN_KEY
    assert await code_of(issuer, id_token(kid="ec")) is OidcErrorCode.UNKNOWN_KEY


async def test_a_token_that_names_no_key_fits_only_one(issuer: Issuer, fake: FakeIssuer) -> None:
    assert (await issuer.verify(id_token(kid=None), NONCE))["sub"] == "ada"

    fake.keys.append(jwk(RSA_KEYS["k2"], "k2"))
    another = Issuer(issuer._http, issuer._configuration)

    assert await code_of(another, id_token(kid=None)) is OidcErrorCode.INVALID_TOKEN


async def test_short_keys_are_refused(issuer: Issuer, fake: FakeIssuer) -> None:
    fake.keys = [jwk(SHORT_KEY, "k1")]

    assert await code_of(issuer, by_hand({"alg": "RS256", "kid": "k1"}, b"-")) is OidcErrorCode.BAD_METADATA


async def test_keys_are_fetched_again_after_a_rotation_but_not_for_each_invented_one(
    issuer: Issuer, fake: FakeIssuer, clock: Clock
) -> None:
    for _ in range(3):
        await issuer.verify(id_token(), NONCE)
    assert fake.count("/jwks") == 1

    fake.keys = [jwk(RSA_KEYS["k2"], "k2")]
    clock.now += 11
    assert (await issuer.verify(id_token(RSA_KEYS["k2"], "k2"), NONCE))["sub"] == "ada"
    assert await code_of(issuer, id_token()) is OidcErrorCode.UNKNOWN_KEY
    for number in range(5):
        assert await code_of(issuer, id_token(kid=f"invented-{number}")) is OidcErrorCode.UNKNOWN_KEY
    assert fake.count("/jwks") == 2

    fake.keys = []
    clock.now += 601
    assert await code_of(issuer, id_token(RSA_KEYS["k2"], "k2")) is OidcErrorCode.UNKNOWN_KEY
    assert fake.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "https://login.example.com/tenant/"),
        ("token_endpoint", "http://login.example.com/token"),
        ("token_endpoint", "http://localhost/token"),
        ("jwks_uri", None),
        ("jwks_uri", "file:///etc/passwd"),
        ("token_endpoint_auth_methods_supported", ["private_key_jwt"]),
    ],
)
async def test_metadata_of_another_issuer_or_without_tls_is_refused(
    issuer: Issuer, fake: FakeIssuer, name: str, value: Any
) -> None:
    fake.document[name] = value

    assert await code_of(issuer, id_token()) is OidcErrorCode.BAD_METADATA
    assert fake.count("/jwks") == 0


async def test_refused_codes_differ_from_outages(issuer: Issuer, fake: FakeIssuer) -> None:
    refusals = {}
    for status in (400, 401, 302, 429, 503):
        fake.status, fake.token = status, id_token()
        with pytest.raises(OidcError) as error:
            await issuer.redeem(code="c", verifier=VERIFIER, redirect_uri=REDIRECT, nonce=NONCE)
        refusals[status] = error.value.code

    refused, unavailable = OidcErrorCode.CODE_REFUSED, OidcErrorCode.ISSUER_UNAVAILABLE
    assert refusals == {400: refused, 401: refused, 302: refused, 429: unavailable, 503: unavailable}


async def test_an_issuer_that_does_not_answer_is_unavailable() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(fail))
    issuer = Issuer(http, IssuerConfiguration(ISSUER, CLIENT, SECRET))

    assert await code_of(issuer, id_token()) is OidcErrorCode.ISSUER_UNAVAILABLE


def test_secrets_are_not_part_of_what_is_printed() -> None:
    assert SECRET not in repr(IssuerConfiguration(ISSUER, CLIENT, SECRET))
