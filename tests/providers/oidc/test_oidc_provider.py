"""Sign-ins with `oidc-provider`, an issuer as it is published: codes with PKCE, and a rotation of keys."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from providers.oidc.errors import OidcError, OidcErrorCode
from providers.oidc.issuers import Issuer, IssuerConfiguration

CLIENTS = Path(__file__).parents[2] / "clients"
REDIRECT, SECRET = "https://seshat.example.com/callback", "a:secret/of+ours"
VERIFIER, NONCE = "a-verifier-of-more-than-43-characters-as-asked-for", "nonce-1"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENTS / "node_modules" / "oidc-provider").is_dir(),
    reason="npm ci in tests/clients installs oidc-provider",
)


@dataclass
class Provider:
    """The process of the issuer."""

    process: subprocess.Popen[str]
    issuer: str

    def rotate(self, key_id: str) -> None:
        """Replace the key of the issuer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{key_id}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == key_id


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    command = ["node", "oidc_provider.mjs", REDIRECT, SECRET, "seshat", "another"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=CLIENTS, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield Provider(process, process.stdout.readline().strip())
        process.kill()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def client_of(http: httpx.AsyncClient, provider: Provider, client_id: str = "seshat") -> Issuer:
    """A client of the issuer."""
    configuration = IssuerConfiguration(provider.issuer, client_id, SECRET, allow_loopback=True)
    return Issuer(http, configuration)


async def sign_in(client: Issuer, nonce: str = NONCE) -> dict[str, str]:
    """The parameters with which the issuer sends the browser back."""
    url = await client.authorization_url(redirect_uri=REDIRECT, state="s", nonce=nonce, verifier=VERIFIER)
    async with httpx.AsyncClient(trust_env=False) as browser:
        while not url.startswith(REDIRECT):
            answer = await browser.get(url)
            assert answer.status_code == httpx.codes.SEE_OTHER
            url = str(httpx.URL(url).join(answer.headers["location"]))
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def refusal(
    client: Issuer, code: str, *, verifier: str = VERIFIER, nonce: str = NONCE
) -> OidcErrorCode:
    """Why a code does not sign in."""
    with pytest.raises(OidcError) as error:
        await client.redeem(code=code, verifier=verifier, redirect_uri=REDIRECT, nonce=nonce)
    return error.value.code


async def test_a_code_signs_in_once(http: httpx.AsyncClient, provider: Provider) -> None:
    client = client_of(http, provider)
    sent_back = await sign_in(client)
    code = sent_back["code"]
    found = await client.redeem(code=code, verifier=VERIFIER, redirect_uri=REDIRECT, nonce=NONCE)

    names = "sub", "email", "email_verified", "groups", "aud", "iss"
    expected = ("ada", "ada@example.com", True, ["engineers"], "seshat", provider.issuer)
    assert tuple(found[name] for name in names) == expected
    assert (sent_back["state"], sent_back["iss"]) == ("s", provider.issuer)
    assert await refusal(client, code) is OidcErrorCode.CODE_REFUSED


async def test_a_code_needs_its_verifier_its_nonce_and_its_client(
    http: httpx.AsyncClient, provider: Provider
) -> None:
    client, another = client_of(http, provider), client_of(http, provider, "another")
    codes = [(await sign_in(client))["code"] for _ in range(3)]

    assert await refusal(client, codes[0], verifier="x" * 43) is OidcErrorCode.CODE_REFUSED
    assert await refusal(client, codes[1], nonce="nonce-2") is OidcErrorCode.INVALID_TOKEN
    assert await refusal(another, codes[2]) is OidcErrorCode.CODE_REFUSED
    assert await refusal(client, "invented") is OidcErrorCode.CODE_REFUSED


async def test_a_new_key_of_the_issuer_is_found(
    http: httpx.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.oidc.issuers.MIN_REFRESH_SECONDS", 0.0)
    client = client_of(http, provider)
    code = (await sign_in(client))["code"]
    await client.redeem(code=code, verifier=VERIFIER, redirect_uri=REDIRECT, nonce=NONCE)

    provider.rotate("second")
    code = (await sign_in(client))["code"]
    found = await client.redeem(code=code, verifier=VERIFIER, redirect_uri=REDIRECT, nonce=NONCE)

    assert found["sub"] == "ada"
