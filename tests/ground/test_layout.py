"""The tree: what is imported is what is here."""

from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "db", "migrations", "pipelines", "providers", "resolvers", "schema", "server")


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_is_imported_from_this_tree(name: str) -> None:
    package = import_module(name)

    assert [Path(place) for place in package.__path__] == [ROOT / name]


def test_locked_requirements_name_versions_and_no_addresses() -> None:
    pins = [
        line
        for lock in ("requirements.lock", "requirements-dev.lock")
        for line in (ROOT / lock).read_text().splitlines()
    ]

    assert [pin for pin in pins if pin.count("==") != 1 or any(mark in pin for mark in "/@; ")] == []
    assert not {pin.partition("==")[0].lower().replace("_", "-") for pin in pins} & {"opencv-python"}
