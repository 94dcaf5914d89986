"""The tree: what is imported is what is here."""

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "db", "migrations", "pipelines", "providers", "resolvers", "schema", "server")


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_is_imported_from_this_tree(name: str) -> None:
    package = import_module(name)

    assert [Path(place) for place in package.__path__] == [ROOT / name]


def test_locked_requirements_have_versions_and_hashes_and_no_addresses() -> None:
    pins = [
        pin.split()
        for lock in ("requirements.lock", "requirements-dev.lock")
        for pin in re.sub(r"(?m)^#.*\n", "", (ROOT / lock).read_text()).replace("\\\n", "").splitlines()
    ]

    names = [pin.partition("==")[0] for pin, *_ in pins]
    assert [pin for pin, *_ in pins if not re.fullmatch(r"[a-z0-9-]+==[^=]+", pin)] == []
    assert [pin for pin, *hashes in pins if not re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", hashes[-1])] == []
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert "opencv-python" not in names  # it overwrites files of opencv-python-headless
