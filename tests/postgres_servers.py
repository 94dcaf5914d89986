"""PostgreSQL servers of several versions on this machine: the wheel's, and those of Debian's packages.

`python -m tests.postgres_servers` prints the versions.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.embedded.postgres import major_version, postgres_binaries

DEBIAN = Path("/usr/lib/postgresql")


def binary_folders() -> Iterator[Path]:
    """Folders that may hold the executables of a server, the wheel's first."""
    yield postgres_binaries()
    yield postgres_binaries().parents[1] / "pginstall" / "bin"
    yield from sorted(DEBIAN.glob("*/bin"))


def postgres_versions() -> dict[str, Path]:
    """The executables of each major version."""
    found: dict[str, Path] = {}
    for folder in binary_folders():
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            found.setdefault(major_version(folder), folder)
    return found


def binaries(version: str) -> Path:
    """The executables of a major version such as `15`. Raises pytest's `UsageError`."""
    found = postgres_versions()
    if version not in found:
        raise pytest.UsageError(f"PostgreSQL {version} is not installed, only {', '.join(sorted(found))}")
    return found[version]


if __name__ == "__main__":
    print(*sorted(postgres_versions()))
