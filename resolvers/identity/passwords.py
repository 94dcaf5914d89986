"""Password hashing: Argon2id; bcrypt hashes of source systems verify and are upgraded."""

import asyncio
import secrets

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from core.errors import Invalid

MIN_LENGTH, MAX_LENGTH = 10, 200

hasher = PasswordHash((Argon2Hasher(), BcryptHasher()))
"""Argon2id with 64 MiB, three passes and four lanes (RFC 9106, second recommended option)."""


async def hash(password: str) -> str:
    """An Argon2id hash, computed in a thread."""
    return await asyncio.to_thread(hasher.hash, password)


async def verify(password: str, hashed: str | None) -> tuple[bool, str | None]:
    """Whether the password matches, and a new hash to store if the old one is outdated.

    Without a hash it fails in the same time, so that timing does not reveal which logins exist.
    """
    try:
        if hashed is None:
            await asyncio.to_thread(hasher.hash, password)  # as long as a verification
            return False, None
        is_correct, rehashed = await asyncio.to_thread(hasher.verify_and_update, password, hashed)
    except (UnknownHashError, ValueError):
        await asyncio.to_thread(hasher.hash, "")  # the same work for what cannot be verified
        return False, None
    return is_correct, rehashed


def validate(password: str, *path: str) -> None:
    """Raise `Invalid` unless the password has 10 to 200 characters, at least four of them different."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or len(set(password)) < 4:
        raise Invalid(
            f"password must have {MIN_LENGTH} to {MAX_LENGTH} characters, at least 4 of them different.",
            *path,
        )


def generate() -> str:
    """A random password of 120 bits."""
    return secrets.token_urlsafe(15)
