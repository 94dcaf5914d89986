"""Passwords: Argon2id; bcrypt hashes of source systems verify too and are upgraded."""

import asyncio
import secrets

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from core.errors import Invalid

MIN_LENGTH, MAX_LENGTH = 10, 200

_hasher = PasswordHash((Argon2Hasher(), BcryptHasher()))
_nobody = _hasher.hash(secrets.token_urlsafe())


async def hash(password: str) -> str:
    """An Argon2id hash; takes tens of milliseconds of CPU, so it runs in a thread."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify(password: str, hashed: str | None) -> tuple[bool, str | None]:
    """Whether it is the password, and a better hash to store if the old one is out of date.

    Without a hash it takes as long and fails, so that an unknown login is not told apart by time.
    """
    try:
        right, better = await asyncio.to_thread(_hasher.verify_and_update, password, hashed or _nobody)
    except (UnknownHashError, ValueError):
        return False, None
    return right and hashed is not None, better


def validate(password: str, *path: str) -> None:
    """`Invalid` unless it has 10 to 200 characters, not all of them alike."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or len(set(password)) < 4:
        raise Invalid(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters, four different ones at least.", *path
        )


def generate() -> str:
    """A random password of 120 bits."""
    return secrets.token_urlsafe(15)
