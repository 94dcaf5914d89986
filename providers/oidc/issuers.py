"""An issuer: its metadata and keys, which are cached, and the exchange of authorization codes."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx

from providers.oidc import id_tokens
from providers.oidc.errors import OidcError, OidcErrorCode
from providers.oidc.id_tokens import DEFAULT_ALGORITHMS, Key

METADATA_SECONDS, KEYS_SECONDS = 3600.0, 600.0
"""Times for which the discovery document and the keys are cached."""
MIN_REFRESH_SECONDS = 10.0
"""Time between two requests for keys that a token names and that are not known."""

MAX_RESPONSE_BYTES = 512 * 1024
TIMEOUT_SECONDS = 10.0
SCOPES = ("openid", "email", "profile")

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True)
class IssuerMetadata:
    """The part of the discovery document that is used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authentication: str
    """How the client proves its secret: one of `AUTHENTICATION_METHODS`."""


@dataclass(frozen=True)
class IssuerConfiguration:
    """What an administrator enters about an issuer."""

    issuer: str
    """Identifier, as the issuer writes it in its tokens."""
    client_id: str
    client_secret: str = field(repr=False)
    algorithms: Collection[str] = DEFAULT_ALGORITHMS
    scopes: Collection[str] = SCOPES
    allow_loopback: bool = False
    """Whether the issuer may be on this machine, where it needs no TLS."""


@dataclass(frozen=True)
class CachedKeys:
    """Keys as last fetched."""

    keys: list[Key]
    fetched_at: float


class Issuer:
    """A client of one issuer. `http` decides which hosts can be requested; redirects are not followed."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        configuration: IssuerConfiguration,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http, self._configuration, self._clock = http, configuration, clock
        self._metadata: tuple[IssuerMetadata, float] | None = None
        self._keys: CachedKeys | None = None
        self._fetching = asyncio.Lock()

    async def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """The URL at which the user signs in. The verifier is kept until the code is redeemed."""
        metadata = await self.metadata()
        parameters = {
            "response_type": "code",
            "client_id": self._configuration.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._configuration.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        separator = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return metadata.authorization_endpoint + separator + urlencode(parameters)

    async def redeem(self, *, code: str, verifier: str, redirect_uri: str, nonce: str) -> dict[str, Any]:
        """The claims of the user who has signed in, for the code of the redirection. Raises `OidcError`."""
        metadata, configuration = await self.metadata(), self._configuration
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        if metadata.authentication == "client_secret_basic":
            headers["Authorization"] = basic_credentials(configuration.client_id, configuration.client_secret)
        else:
            form |= {"client_id": configuration.client_id, "client_secret": configuration.client_secret}
        status, answer = await self._request("POST", metadata.token_endpoint, form, headers)
        if status != httpx.codes.OK:
            raise code_failure(status)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OidcError(OidcErrorCode.INVALID_TOKEN, "The issuer has not sent an ID token.")
        return await self.verify(token, nonce)

    async def verify(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token. Fetches the keys again if they do not include the token's."""
        configuration = self._configuration
        cached = await self._current_keys()
        for _ in range(2):
            try:
                return id_tokens.verify(
                    token,
                    cached.keys,
                    issuer=configuration.issuer,
                    client_id=configuration.client_id,
                    nonce=nonce,
                    algorithms=configuration.algorithms,
                )
            except OidcError as error:
                if error.code is not OidcErrorCode.UNKNOWN_KEY:
                    raise
                newer = await self._newer_keys(cached)
                if newer is cached:
                    raise
                cached = newer
        raise OidcError(OidcErrorCode.UNKNOWN_KEY, "The issuer has no key that the ID token is signed with.")

    async def metadata(self) -> IssuerMetadata:
        """The endpoints of the issuer, from its discovery document."""
        async with self._fetching:
            if self._metadata is not None:
                metadata, fetched_at = self._metadata
                if self._clock() - fetched_at < METADATA_SECONDS:
                    return metadata
            url = self._configuration.issuer.rstrip("/") + "/.well-known/openid-configuration"
            status, document = await self._request("GET", url)
            metadata = self._parse_metadata(status, document)
            self._metadata = metadata, self._clock()
            return metadata

    def _parse_metadata(self, status: int, document: Mapping[str, Any]) -> IssuerMetadata:
        if status != httpx.codes.OK:
            raise metadata_failure(f"Discovery is answered with status {status}.")
        if document.get("issuer") != self._configuration.issuer:
            raise metadata_failure("The discovery document is that of another issuer.")
        supported = document.get("token_endpoint_auth_methods_supported", AUTHENTICATION_METHODS[:1])
        method = next((method for method in AUTHENTICATION_METHODS if method in supported), None)
        if method is None:
            raise metadata_failure("The issuer accepts client secrets in no known way.")
        return IssuerMetadata(
            self._endpoint(document, "authorization_endpoint"),
            self._endpoint(document, "token_endpoint"),
            self._endpoint(document, "jwks_uri"),
            method,
        )

    def _endpoint(self, document: Mapping[str, Any], name: str) -> str:
        url = document.get(name)
        if not isinstance(url, str) or not self._is_protected(url) or urlsplit(url).fragment:
            raise metadata_failure(f"{name} is missing, or not an HTTPS URL.")
        return url

    def _is_protected(self, url: str) -> bool:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
        return parts.scheme == "https" or (is_local and self._configuration.allow_loopback)

    async def _current_keys(self) -> CachedKeys:
        cached = self._keys
        if cached is not None and self._clock() - cached.fetched_at < KEYS_SECONDS:
            return cached
        return await self._fetch_keys(cached)

    async def _newer_keys(self, cached: CachedKeys) -> CachedKeys:
        """The keys after a rotation. Tokens with invented keys do not make the issuer answer each time."""
        current = self._keys
        if current is not cached and current is not None:
            return current
        if self._clock() - cached.fetched_at < MIN_REFRESH_SECONDS:
            return cached
        return await self._fetch_keys(cached)

    async def _fetch_keys(self, outdated: CachedKeys | None) -> CachedKeys:
        url = (await self.metadata()).jwks_uri
        async with self._fetching:
            if self._keys is not None and self._keys is not outdated:
                return self._keys  # fetched meanwhile
            status, document = await self._request("GET", url)
            keys = document.get("keys")
            if status != httpx.codes.OK or not isinstance(keys, list):
                raise metadata_failure("The keys of the issuer cannot be read.")
            self._keys = CachedKeys([key for key in keys if isinstance(key, dict)], self._clock())
            return self._keys

    async def _request(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, Any]]:
        """The status and the JSON object of the answer; an empty one if it is something else."""
        if not self._is_protected(url):
            raise metadata_failure("The issuer is not an HTTPS URL.")
        headers = {"Accept": "application/json", **(headers or {})}
        content = bytearray()
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._http.stream(
                    method, url, data=form, headers=headers, follow_redirects=False
                ) as response,
            ):
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > MAX_RESPONSE_BYTES:
                        raise metadata_failure("The answer of the issuer is too long.")
        except (httpx.HTTPError, TimeoutError) as error:
            raise OidcError(OidcErrorCode.ISSUER_UNAVAILABLE, "The issuer does not answer.") from error
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        return response.status_code, document if isinstance(document, dict) else {}


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def basic_credentials(client_id: str, secret: str) -> str:
    """The `Authorization` header of a client, whose ID and secret are form-encoded (RFC 6749, 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def code_failure(status: int) -> OidcError:
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        return OidcError(OidcErrorCode.ISSUER_UNAVAILABLE, f"The issuer answers with status {status}.")
    return OidcError(OidcErrorCode.CODE_REFUSED, f"The issuer refuses the code, with status {status}.")


def metadata_failure(message: str) -> OidcError:
    return OidcError(OidcErrorCode.BAD_METADATA, message)
