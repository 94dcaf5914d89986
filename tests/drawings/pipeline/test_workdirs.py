"""Working folders: gone with their job, or swept when their worker was killed."""

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.runtime import workdirs


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's working folders are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_working_folder_goes_with_its_job(temporary: Path) -> None:
    with workdirs.working_folder() as name:
        (Path(name) / "page.png").write_bytes(b"picture")
        assert [folder.name for folder in temporary.iterdir()] == [Path(name).name]

    assert list(temporary.iterdir()) == []


def test_only_old_working_folders_are_swept(temporary: Path) -> None:
    old, fresh = (temporary / f"{workdirs.PREFIX}{name}" for name in ("old", "fresh"))
    other = temporary / "seshat-data"
    for folder in (old, fresh, other):
        folder.mkdir()
        (folder / "page.png").write_bytes(b"picture")
    two_days_ago = time.time() - timedelta(days=2).total_seconds()
    for folder in (old, other):
        os.utime(folder, (two_days_ago, two_days_ago))

    workdirs.purge(timedelta(days=1))

    assert sorted(temporary.iterdir()) == sorted([fresh, other])
