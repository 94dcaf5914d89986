"""Working folders: gone with their job, or purged when their process was killed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from core import working_folders

HOLD = """
from core.working_folders import working_folder
with working_folder() as name:
    print(name, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's working folders are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_working_folder_goes_with_its_job(temporary: Path) -> None:
    with working_folders.working_folder() as name:
        (Path(name) / "page.png").write_bytes(b"picture")
        assert [folder.name for folder in temporary.iterdir()] == [Path(name).name]

    assert list(temporary.iterdir()) == []


def test_only_the_folders_of_ended_processes_are_purged(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(temporary))
    (temporary / "seshat-data").mkdir()
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        (folder / "page.png").write_bytes(b"picture")

        working_folders.purge()
        assert (folder / "page.png").read_bytes() == b"picture"
        process.kill()
        process.wait(timeout=30)
        working_folders.purge()

    assert [path.name for path in temporary.iterdir()] == ["seshat-data"]
