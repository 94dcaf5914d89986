"""Servers prove that they have the name that was asked for, whichever address it led to."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.ports import FetchErrorCode
from tests.providers.web.fake_network import MEBIBYTE, PUBLIC, Wire, open_fetcher, refusal
from tests.providers.web.fake_site import Site


def certificate_of(name: str, folder: Path) -> Path:
    """A file with a key and a certificate that its owner has signed."""
    key, owner = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(written + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("url", "is_believed", "code"),
    [
        ("https://public.example/", True, None),
        ("https://PUBLIC.example.:443/", True, None),
        ("https://other.example/", True, FetchErrorCode.UNTRUSTED),
        (f"https://{PUBLIC}/", True, FetchErrorCode.UNTRUSTED),
        ("https://public.example/", False, FetchErrorCode.UNTRUSTED),
    ],
)
async def test_a_certificate_is_for_the_name(
    tmp_path: Path, url: str, is_believed: bool, code: FetchErrorCode | None
) -> None:
    file, request = certificate_of("public.example", tmp_path), list[str | None]()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    server.sni_callback = lambda _, name, __: request.append(name)
    believing = ssl.create_default_context(cafile=str(file)) if is_believed else None
    wire = Wire(names={"public.example": [[PUBLIC]], "other.example": [[PUBLIC]]})

    async with Site().serving(tls=server) as site, open_fetcher(wire, tls=believing) as fetcher:
        wire.sites[PUBLIC] = site
        site.put("/", "text")
        if code is None:
            assert (await fetcher.read(url, limit=MEBIBYTE)).content == b"text"
            assert request == ["public.example"]
            assert {ask.headers["host"] for ask in site.requests} == {"public.example"}
        else:
            refused = await refusal(fetcher.read(url, limit=MEBIBYTE))
            assert (refused.code, refused.is_transient) == (code, False)
            assert site.requests == []

    assert set(wire.called) == {(PUBLIC, 443)}
