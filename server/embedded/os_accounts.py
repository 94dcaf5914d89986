"""Operating system account of the embedded PostgreSQL, which does not run as root."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from pwd import getpwnam, getpwuid, struct_passwd
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def server_account(cluster: Path) -> struct_passwd | None:
    """Account of the server: None for the current one; if that is root, the cluster's owner or `nobody`."""
    if os.geteuid() != 0:
        return None
    owner = cluster.stat().st_uid if cluster.exists() else 0
    return getpwuid(owner) if owner else getpwnam("nobody")


def subprocess_options(account: struct_passwd | None) -> dict[str, Any]:
    """Options of `subprocess` that run a command as `account`, with a minimal environment."""
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


def create_private_folder(folder: Path, account: struct_passwd | None) -> None:
    """Creates a folder that only the account can access. Raises `PermissionError` if another one owns it."""
    owner = account.pw_uid if account else os.geteuid()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise PermissionError(f"{folder} is not a folder of the account that runs the database")
    folder.chmod(0o700)


def change_owner(folder: Path, account: struct_passwd) -> None:
    """Changes the owner of a folder and its content, such as one that root has copied."""
    for parent, folders, files in os.walk(folder):
        os.chown(parent, account.pw_uid, account.pw_gid)
        for name in (*folders, *files):
            os.chown(Path(parent) / name, account.pw_uid, account.pw_gid, follow_symlinks=False)


def make_traversable(*paths: Path, account: struct_passwd) -> None:
    """Allows the account to traverse the folders above `paths`, but not to list them."""
    for folder in dict.fromkeys(parent for path in paths for parent in path.parents):
        found = folder.stat()
        if found.st_uid != account.pw_uid and not found.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
            log.info("folder_made_traversable", folder=str(folder), account=account.pw_name)
