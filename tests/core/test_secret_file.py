"""The generated secret: who may read it, and what is refused."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.settings import Settings, SettingsError, load_settings
from core.settings.secret_file import read_or_create_secret

SHORT = "must contain at least 32 characters; delete it for a new one"
GOOD = "Zq3vT8yLw0PbNx5RmK7cHd2Fs9Jg4AeU"


def write(file: Path, content: bytes, mode: int = 0o600) -> None:
    file.write_bytes(content)
    file.chmod(mode)


def link_to_good(file: Path) -> None:
    write(file.with_name("other"), GOOD.encode())
    file.symlink_to("other")


def secret_of(folder: Path) -> str:
    return load_settings({"data": folder}).secret()


UNSAFE: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (
        lambda file: write(file, b""),
        SHORT,
    ),
    "blank": (
        lambda file: write(file, b" " * 64 + b"\n"),
        SHORT,
    ),
    "short": (
        lambda file: write(file, GOOD[:31].encode() + b"\n"),
        SHORT,
    ),
    "repeated": (
        lambda file: write(file, b"abc" * 20),
        "must contain a random secret; delete it for a new one",
    ),
    "binary": (lambda file: write(file, b"\xff" * 64), "must be text"),
    "huge": (
        lambda file: write(file, GOOD.encode() * 1000),
        SHORT,
    ),
    "readable by all": (
        lambda file: write(file, GOOD.encode(), 0o644),
        "must be accessible to its owner only (chmod 600)",
    ),
    "writable by the group": (
        lambda file: write(file, GOOD.encode(), 0o620),
        "must be accessible to its owner only (chmod 600)",
    ),
    "folder": (lambda file: file.mkdir(), "must be a regular file, not a link or a folder"),
    "pipe": (lambda file: os.mkfifo(file, 0o600), "must be a regular file, not a link or a folder"),
    "link": (
        link_to_good,
        "must be a regular file, not a link or a folder",
    ),
    "dangling link": (
        lambda file: file.symlink_to("nowhere"),
        "must be a regular file, not a link or a folder",
    ),
}


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("url", [None, "postgresql://app@host/db"])
def test_an_unsafe_file_is_refused_and_left_alone(tmp_path: Path, name: str, url: str | None) -> None:
    make, message = UNSAFE[name]
    file = tmp_path / "secret-key"
    make(file)

    with pytest.raises(SettingsError) as refused:
        Settings(data=tmp_path, database_url=url).secret()

    assert str(refused.value) == f"SECRET_KEY: {file} {message}"
    assert os.path.lexists(file)


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_of(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(SettingsError, match="must belong to the account that runs the server"):
        secret_of(tmp_path)


def test_a_good_file_is_used(tmp_path: Path) -> None:
    write(tmp_path / "secret-key", GOOD.encode() + b"\n", 0o400)

    assert secret_of(tmp_path) == GOOD


def test_it_is_created_durably_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    before = os.umask(0)
    try:
        secret = secret_of(tmp_path / "data")
    finally:
        os.umask(before)

    status = (tmp_path / "data" / "secret-key").stat()
    assert (len(secret), stat.S_IMODE(status.st_mode), status.st_nlink) == (64, 0o600, 1)
    assert [Path(name).parent.name for name in synced] == ["data", tmp_path.name]
    assert synced[0].startswith(str(tmp_path / "data" / "secret-key."))
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secret-key"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(SettingsError, match="cannot be used: No space left on device"):
        secret_of(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_who_creates_it_at_once_gets_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(read_or_create_secret, [tmp_path / "secret-key"] * 8))

    assert len(found) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]


@pytest.mark.parametrize("key", ["x" * 31, " " * 40, f" {'x' * 31} "])
def test_a_short_setting_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY: must be at least 32 characters"):
        load_settings({"secret_key": key})
