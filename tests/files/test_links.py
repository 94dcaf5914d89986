"""Signed links."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from core.errors import NotFound, ResourceExpired
from core.tile_pyramids import TilePyramid
from resolvers.files import DownloadLink, LinkSigner, UploadLink
from resolvers.files.links import BundleLink, TilesLink, base64url_decode, base64url_encode

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMPANY, UPLOAD = UUID(int=1), UUID(int=2)
LINKS = LinkSigner("s" * 32, timedelta(hours=1), "https://files.example/seshat/", clock=lambda: NOW)


def token(url: str) -> str:
    return url.rsplit("/", 1)[1]


def at(moment: datetime) -> LinkSigner:
    return replace(LINKS, clock=lambda: moment)


def test_a_link_says_what_it_grants() -> None:
    download = LINKS.download_url("a/b", "Plan “é”.pdf", "application/pdf")
    upload = LINKS.upload_url(COMPANY, UPLOAD, NOW + timedelta(days=1))

    assert download.startswith("https://files.example/seshat/files/")
    assert upload.startswith("https://files.example/seshat/files/uploads/")
    assert LINKS.verify_download(token(download)) == DownloadLink("a/b", "Plan “é”.pdf", "application/pdf")
    assert LINKS.verify_upload(token(upload)) == UploadLink(COMPANY, UPLOAD)


def test_links_are_paths_unless_an_address_is_configured() -> None:
    unconfigured = replace(LINKS, public_url=None)

    assert unconfigured.download_url("a", "a", "image/png").startswith("/files/")
    assert unconfigured.bundle_url("a", "a.tar").startswith("/files/bundles/")
    assert unconfigured.upload_url(COMPANY, UPLOAD, NOW).startswith("/files/uploads/")


def test_a_link_ends_to_the_second() -> None:
    hour = token(LINKS.download_url("a", "a", "image/png"))
    minute = token(LINKS.download_url("a", "a", "image/png", timedelta(minutes=1)))

    at(NOW + timedelta(minutes=59, seconds=59)).verify_download(hour)
    with pytest.raises(ResourceExpired):
        at(NOW + timedelta(hours=1)).verify_download(hour)
    with pytest.raises(ResourceExpired):
        at(NOW + timedelta(minutes=1)).verify_download(minute)


def test_a_link_of_one_purpose_is_none_of_another() -> None:
    with pytest.raises(NotFound):
        LINKS.verify_upload(token(LINKS.download_url("a", "a", "image/png")))
    with pytest.raises(NotFound):
        LINKS.verify_download(token(LINKS.upload_url(COMPANY, UPLOAD, NOW + timedelta(days=1))))


def test_another_installation_does_not_know_the_link() -> None:
    with pytest.raises(NotFound):
        replace(LINKS, secret="t" * 32).verify_download(token(LINKS.download_url("a", "a", "image/png")))


def test_no_single_changed_character_is_accepted() -> None:
    true = token(LINKS.download_url("a/b", "a.png", "image/png"))

    for place, character in enumerate(true):
        other = "A" if character != "A" else "B"
        with pytest.raises(NotFound):
            LINKS.verify_download(true[:place] + other + true[place + 1 :])


@pytest.mark.parametrize("forged", ["", ".", "a", "a.b", "é.é", "..", "=.=", "A" * 5000, "e30.e30"])
def test_what_is_no_token_is_not_found(forged: str) -> None:
    with pytest.raises(NotFound):
        LINKS.verify_download(forged)


def test_another_claim_under_an_old_signature_is_not_found() -> None:
    body, _, signature = token(LINKS.download_url("a/b", "a.png", "image/png")).partition(".")
    payload = base64url_decode(body).replace(b"a/b", b"a/c")

    with pytest.raises(NotFound):
        LINKS.verify_download(f"{base64url_encode(payload)}.{signature}")
    with pytest.raises(NotFound):
        LINKS.verify_download(f"{body}=.{signature}")


def test_the_secret_is_not_shown() -> None:
    assert "ssss" not in repr(LINKS)


def test_a_bundle_is_a_link_of_its_own() -> None:
    url = LINKS.bundle_url("a/index", "all.tar")
    short = token(LINKS.bundle_url("a/index", "all.tar", timedelta(minutes=1)))

    assert url.startswith("https://files.example/seshat/files/bundles/")
    assert LINKS.verify_bundle(token(url)) == BundleLink("a/index", "all.tar")
    for other in (LINKS.verify_download, LINKS.verify_upload):
        with pytest.raises(NotFound):
            other(token(url))
    with pytest.raises(NotFound):
        LINKS.verify_bundle(token(LINKS.download_url("a", "a", "image/png")))
    at(NOW + timedelta(seconds=59)).verify_bundle(short)
    at(NOW + timedelta(minutes=59, seconds=59)).verify_bundle(token(url))
    with pytest.raises(ResourceExpired):
        at(NOW + timedelta(minutes=1)).verify_bundle(short)
    with pytest.raises(ResourceExpired):
        at(NOW + timedelta(hours=1)).verify_bundle(token(url))


def test_an_upload_ends_when_it_expires() -> None:
    upload = token(LINKS.upload_url(COMPANY, UPLOAD, NOW + timedelta(seconds=90)))

    at(NOW + timedelta(seconds=89)).verify_upload(upload)
    with pytest.raises(ResourceExpired, match=r"^The link has expired\. Request a new one\.$"):
        at(NOW + timedelta(seconds=90)).verify_upload(upload)


def test_a_lifetime_of_none_is_the_signers_and_of_zero_is_none() -> None:
    ended = token(LINKS.download_url("a", "a", "image/png", timedelta(0)))

    with pytest.raises(ResourceExpired):
        LINKS.verify_download(ended)


def test_a_token_is_payload_and_signature_without_padding() -> None:
    grant = token(LINKS.download_url("a/b", "a.png", "image/png"))
    body, _, signature = grant.partition(".")
    key = hmac.digest(b"s" * 32, b"seshat file links", hashlib.sha256)
    payload = orjson.dumps(["download", int(NOW.timestamp()) + 3600, "a/b", "a.png", "image/png"])

    assert "=" not in grant
    assert base64url_decode(body) == payload
    assert base64url_decode(signature) == hmac.digest(key, payload, hashlib.sha256)


@pytest.mark.parametrize(
    ("raw", "text"), [(b"", ""), (b"a", "YQ"), (b"ab", "YWI"), (b"abc", "YWJj"), (b"\xfb\xff", "-_8")]
)
def test_base64url_has_one_form(raw: bytes, text: str) -> None:
    assert base64url_encode(raw) == text
    assert base64url_decode(text) == raw
    for wrong in (f"{text}=", f"{text} ", f"{text}\n", f"*{text}", "YR", "Y", "+_8", "\u00e9"):
        with pytest.raises(ValueError, match=r"."):
            base64url_decode(wrong)


def test_a_link_to_tiles_grants_one_pyramid() -> None:
    pyramid = TilePyramid(700, 500)
    url = LINKS.tiles_url("a/overlay.tiles", pyramid)

    assert url.startswith("https://files.example/seshat/files/tiles/")
    assert LINKS.verify_tiles(token(url)) == TilesLink("a/overlay.tiles", pyramid)
    with pytest.raises(NotFound):
        LINKS.verify_download(token(url))
    with pytest.raises(NotFound):
        LINKS.verify_tiles(token(LINKS.download_url("a", "a", "image/png")))
