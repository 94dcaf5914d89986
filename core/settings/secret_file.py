"""The generated secret of an installation, in a file that only its owner can read."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

MIN_SECRET_LENGTH = 32
MIN_DIFFERENT_CHARACTERS = 8
MAX_SECRET_BYTES = 4096
SECRET_BYTES = 48


class UnsafeSecret(Exception):
    """The file must not be used: others may know or choose its secret. The message says what is wrong."""


def read_or_create_secret(file: Path) -> str:
    """The secret in `file`, created if missing. Processes that create it concurrently get the same secret.

    Raises `UnsafeSecret` and `OSError`.
    """
    if not os.path.lexists(file):
        create_secret(file)
    return read_secret(file)


def create_secret(file: Path) -> None:
    """Creates the file with a random secret, durably and at once, unless another process has created it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(secrets.token_urlsafe(SECRET_BYTES))
            written.flush()
            os.fsync(written.fileno())
        with suppress(FileExistsError):  # a rename would replace a file that another process created
            os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(file.parent)


def read_secret(file: Path) -> str:
    """The secret in the file. Raises `UnsafeSecret` unless it is long enough and its owner's alone."""
    with open(open_regular_file(file), "rb") as opened:
        status = os.fstat(opened.fileno())
        if status.st_uid != os.geteuid():
            raise UnsafeSecret("must belong to the account that runs the server")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise UnsafeSecret("must be accessible to its owner only (chmod 600)")
        content = opened.read(MAX_SECRET_BYTES + 1)
    try:
        secret = content.decode().strip()
    except UnicodeDecodeError:
        raise UnsafeSecret("must be text") from None
    if len(secret) < MIN_SECRET_LENGTH or len(content) > MAX_SECRET_BYTES:
        raise UnsafeSecret(f"must contain at least {MIN_SECRET_LENGTH} characters; delete it for a new one")
    if len(set(secret)) < MIN_DIFFERENT_CHARACTERS:
        raise UnsafeSecret("must contain a random secret; delete it for a new one")
    return secret


def open_regular_file(file: Path) -> int:
    """A descriptor of the file, which must be neither a link, a folder nor a device."""
    if not stat.S_ISREG(os.lstat(file).st_mode):
        raise UnsafeSecret("must be a regular file, not a link or a folder")
    return os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)


def sync_folder(folder: Path) -> None:
    """Writes the entries of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
