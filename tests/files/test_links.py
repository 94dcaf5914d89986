"""Signed links."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.errors import NotFound, ResourceExpired
from resolvers.files import DownloadLink, LinkSigner, UploadLink
from resolvers.files.links import base64url_decode, base64url_encode

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


def test_links_begin_with_the_address_that_was_called_unless_one_is_configured() -> None:
    unconfigured = replace(LINKS, public_url=None)

    assert unconfigured.download_url("a", "a", "image/png").startswith("/files/")
    based = unconfigured.with_base_url("http://127.0.0.1:8000/")
    assert based.download_url("a", "a", "image/png").startswith("http://127.0.0.1:8000/files/")
    assert LINKS.with_base_url("http://evil.example/") == LINKS


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
