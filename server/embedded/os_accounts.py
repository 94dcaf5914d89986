"""Which account the embedded PostgreSQL runs as, and what that account may reach."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from pwd import getpwnam, getpwuid, struct_passwd
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def server_account(cluster: Path) -> struct_passwd | None:
    """The account to run the server as: none for our own; in place of root, its owner or `nobody`."""
    if os.geteuid() != 0:
        return None
    owner = cluster.stat().st_uid if cluster.exists() else 0
    return getpwuid(owner) if owner else getpwnam("nobody")


def identity(account: struct_passwd | None) -> dict[str, Any]:
    """The arguments of `subprocess` that run a command as `account`, with little of our environment."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    if account is None:
        return {"env": environment, "cwd": "/"}
    return {
        "env": environment,
        "cwd": "/",
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": [],
    }


def own_folder(folder: Path, account: struct_passwd | None) -> None:
    """Make `folder` for nobody but the account. Raises `PermissionError` when it is somebody else's."""
    wanted = account.pw_uid if account else os.geteuid()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != wanted:
        raise PermissionError(f"{folder} is not a folder of the account that runs the database")
    folder.chmod(0o700)


def give(folder: Path, account: struct_passwd) -> None:
    """Hand a whole folder to the account; for one that was copied by root."""
    for place, folders, files in os.walk(folder):
        os.chown(place, account.pw_uid, account.pw_gid)
        for name in (*folders, *files):
            os.chown(Path(place) / name, account.pw_uid, account.pw_gid, follow_symlinks=False)


def open_paths(*paths: Path, account: struct_passwd) -> None:
    """Let the account pass through the folders above `paths`, without letting it list or read them."""
    for folder in dict.fromkeys(above for path in paths for above in path.parents):
        found = folder.stat()
        if found.st_uid != account.pw_uid and not found.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
            log.info("folder_made_traversable", folder=str(folder), account=account.pw_name)
