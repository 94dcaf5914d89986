"""URLs of databases: whatever form operators write, SQLAlchemy and the driver read the same."""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from asyncpg import connect_utils
from sqlalchemy.engine import make_url

from core.settings import SettingsError, driverless_url, load_settings
from core.settings.database_urls import normalize_database_url

CLOUD_SQL = "/cloudsql/project:europe-west1:instance"
QUOTED_CLOUD_SQL = "%2Fcloudsql%2Fproject%3Aeurope-west1%3Ainstance"

FORMS: list[tuple[str, str, list[Any]]] = [
    ("app_rw:pw@db.example.com/seshat", "app_rw:pw@db.example.com/seshat", [("db.example.com", 5432)]),
    ("app_rw:pw@db:6432/seshat", "app_rw:pw@db:6432/seshat", [("db", 6432)]),
    ("app_rw@[::1]:6432/seshat", "app_rw@[::1]:6432/seshat", [("::1", 6432)]),
    ("app_rw@/seshat?host=db&port=6432", "app_rw@db:6432/seshat", [("db", 6432)]),
    ("app_rw@/seshat?host=db:6432", "app_rw@db:6432/seshat", [("db", 6432)]),
    (
        f"app_rw:pw@/seshat?host={CLOUD_SQL}",
        f"app_rw:pw@/seshat?host={QUOTED_CLOUD_SQL}",
        [f"{CLOUD_SQL}/.s.PGSQL.5432"],
    ),
    (
        f"app_rw:pw@localhost/seshat?host={QUOTED_CLOUD_SQL}",
        f"app_rw:pw@/seshat?host={QUOTED_CLOUD_SQL}",
        [f"{CLOUD_SQL}/.s.PGSQL.5432"],
    ),
    (
        f"app_rw:pw@{QUOTED_CLOUD_SQL}/seshat",
        f"app_rw:pw@/seshat?host={QUOTED_CLOUD_SQL}",
        [f"{CLOUD_SQL}/.s.PGSQL.5432"],
    ),
    (
        f"app_rw:pw@/seshat?host={CLOUD_SQL}/.s.PGSQL.5432",
        f"app_rw:pw@/seshat?host={QUOTED_CLOUD_SQL}%2F.s.PGSQL.5432",
        [f"{CLOUD_SQL}/.s.PGSQL.5432"],
    ),
    (
        "app_rw@:6432/seshat?host=/run/postgresql",
        "app_rw@/seshat?host=%2Frun%2Fpostgresql&port=6432",
        ["/run/postgresql/.s.PGSQL.6432"],
    ),
    (
        "app_rw@one:1,two/seshat",
        "app_rw@/seshat?host=one%2Ctwo&port=1%2C5432",
        [("one", 1), ("two", 5432)],
    ),
    (
        "app_rw@one,two/seshat",
        "app_rw@/seshat?host=one%2Ctwo&port=5432%2C5432",
        [("one", 5432), ("two", 5432)],
    ),
]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
@pytest.mark.parametrize(("written", "normal", "addresses"), FORMS)
def test_both_readers_find_the_same_server(
    scheme: str, written: str, normal: str, addresses: list[Any]
) -> None:
    url = normalize_database_url(f"{scheme}://{written}")

    assert url == f"postgresql+asyncpg://{normal}"
    assert normalize_database_url(url) == url
    for rendered in (url, make_url(url).render_as_string(hide_password=False)):
        found, parameters = parse(rendered)
        assert (found, parameters.user, parameters.database) == (addresses, "app_rw", "seshat")


@pytest.mark.parametrize("password", ["p@ss", "p:w", "100%25", "a%2Fb%3Fc%23d", "π+ø", "%40"])
def test_passwords_arrive_as_they_are_meant(password: str) -> None:
    url = normalize_database_url(f"postgresql://app_rw:{password}@/sesh%20at?host={CLOUD_SQL}")
    other = make_url(url).set(database="other").render_as_string(hide_password=False)

    meant = {"100%25": "100%", "a%2Fb%3Fc%23d": "a/b?c#d", "%40": "@"}.get(password, password)
    assert [parse(found)[1].password for found in (url, other)] == [meant, meant]
    assert [parse(found)[1].database for found in (url, other)] == ["sesh at", "other"]
    assert str(make_url(url).password) == meant


def test_encryption_is_required_in_the_words_of_libpq() -> None:
    for name in ("sslmode", "ssl"):
        url = normalize_database_url(f"postgresql://app_rw@db/seshat?{name}=require")

        assert url.endswith("/seshat?sslmode=require")
        assert isinstance(parse(url)[1].ssl, ssl.SSLContext)


INVALID = "must be a URL such as postgresql://user:password@host:5432/database"
UNQUOTED = "must have /, #, ? and @ in names and passwords percent-encoded, such as %2F"
UNSUPPORTED = "has a parameter that is not supported"

REFUSALS = [
    ("app_rw@db/seshat?channel_binding=require", f"{UNSUPPORTED}: channel_binding"),
    ("app_rw@db/seshat?password=hunter2", f"{UNSUPPORTED}: password"),
    ("app_rw:hunter/2@db/seshat", UNQUOTED),
    ("app_rw:hunter#2@db/seshat", UNQUOTED),
    ("app_rw@db:x/seshat", INVALID),
    ("app_rw@[::1/seshat", INVALID),
    ("app_rw@db/seshat?port=x", "must have a port for each host"),
    ("app_rw@a,b,c/seshat?port=1,2", "must have a port for each host"),
    (f"app_rw@/?host={CLOUD_SQL}", "must name a database"),
]


@pytest.mark.parametrize(("url", "reason"), REFUSALS)
def test_a_refusal_names_the_setting_and_no_secret(
    url: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{url}")

    with pytest.raises(SettingsError) as refused:
        load_settings({"data": tmp_path})

    assert str(refused.value) == f"DATABASE_URL: {reason}"


def test_further_servers_are_named_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = f"postgresql://app_rw:pw@/seshat?host={CLOUD_SQL}"
    monkeypatch.setenv("DATABASE_SERVERS", json.dumps({"eu": {"url": url}}))

    server = load_settings({"data": tmp_path}).database_servers["eu"]

    normal = f"postgresql+asyncpg://app_rw:pw@/seshat?host={QUOTED_CLOUD_SQL}"
    assert (server.url.get_secret_value(), server.admin_url) == (normal, None)


def parse(url: str) -> tuple[list[Any], Any]:
    """Addresses and parameters as asyncpg finds them."""
    names = "host port user password passfile database ssl service servicefile direct_tls server_settings "
    names += "target_session_attrs krbsrvname gsslib"
    driver: Any = connect_utils
    addresses, parameters = driver._parse_connect_dsn_and_args(
        dsn=driverless_url(url), **dict.fromkeys(names.split())
    )
    return addresses, parameters
