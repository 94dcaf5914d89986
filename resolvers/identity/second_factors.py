"""Second factors: time-based one-time passwords (RFC 6238) and recovery codes."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, insert, select, update

from core.errors import Conflict, Invalid
from core.settings import Settings
from db.ids import new_id
from db.models import RecoveryCode, TotpSecret, User
from db.uow import UnitOfWork
from resolvers import activity_log
from resolvers.access import Viewer

ISSUER = "Seshat"
STEP_SECONDS, DRIFT_STEPS = 30, 1
"""Length of a step, and steps by which the clock of a device may be wrong."""

RECOVERY_CODES = 10
NONCE_BYTES = 12

WRONG_CODE = "This code is not valid. It may have expired or been used."
UNREADABLE = "This second factor can no longer be read. Use a recovery code and set it up again."
NOT_ENROLLED = "Call totpEnroll first."
ENROLLED = "A second factor is set up already. Call totpDisable first."


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step that the code belongs to, within the drift; None if there is none."""
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):  # always all, in the same time
        expected = pyotp.HOTP(secret).at(max(step, 0))
        if hmac.compare_digest(expected.encode(), code.encode(errors="replace")):
            found = step
    return found


def encrypt(settings: Settings, user_id: UUID, secret: str) -> bytes:
    """The secret, encrypted with the key of the installation for this user."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(settings).encrypt(nonce, secret.encode(), user_id.bytes)


def decrypt(settings: Settings, user_id: UUID, content: bytes) -> str:
    """The secret of the user. Raises `Conflict` if it was encrypted with another key."""
    try:
        plain = _cipher(settings).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], user_id.bytes)
    except InvalidTag:
        raise Conflict(UNREADABLE, "input", "code") from None
    return plain.decode()


def _cipher(settings: Settings) -> AESGCM:
    return AESGCM(hashlib.sha256(b"second factors\0" + settings.secret().encode()).digest())


async def is_enrolled(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether the user signs in with a second factor."""
    confirmed = TotpSecret.user_id == user_id, TotpSecret.confirmed_at.is_not(None)
    return await uow.scalar(select(TotpSecret.id).where(*confirmed)) is not None


async def enroll(uow: UnitOfWork, settings: Settings, viewer: Viewer) -> tuple[str, str]:
    """Store a new secret, which does nothing until it is confirmed; returns it and its `otpauth` URI."""
    if await is_enrolled(uow, viewer.user_id):
        raise Conflict(ENROLLED)
    secret = pyotp.random_base32()
    await uow.execute(delete(TotpSecret).where(TotpSecret.user_id == viewer.user_id))
    encrypted = encrypt(settings, viewer.user_id, secret)
    values = {"id": new_id(), "user_id": viewer.user_id, "secret": encrypted}
    await uow.execute(insert(TotpSecret).values(values))
    email = await uow.scalar(select(User.email).where(User.id == viewer.user_id))
    return secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


async def confirm(uow: UnitOfWork, settings: Settings, viewer: Viewer, code: str) -> list[str]:
    """Require the second factor from now on, after a first code; returns the recovery codes."""
    row = await _find(uow, viewer.user_id)
    if row is None:
        raise Conflict(NOT_ENROLLED, "input", "code")
    if row.confirmed_at is not None:
        raise Conflict(ENROLLED)
    await _use_code(uow, settings, row, code, confirmed_at=datetime.now(UTC))
    await activity_log.record(uow, viewer.user_id, "USER_SECOND_FACTOR_ADD", "User", viewer.user_id)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    await uow.execute(delete(RecoveryCode).where(RecoveryCode.user_id == viewer.user_id))
    values = [{"id": new_id(), "user_id": viewer.user_id, "digest": _digest(code)} for code in codes]
    await uow.execute(insert(RecoveryCode).values(values))
    return codes


async def disable(uow: UnitOfWork, settings: Settings, viewer: Viewer, code: str) -> None:
    """Sign in without a second factor from now on."""
    await verify(uow, settings, viewer.user_id, code)
    await reset(uow, viewer.user_id)
    await activity_log.record(uow, viewer.user_id, "USER_SECOND_FACTOR_REMOVE", "User", viewer.user_id)


async def reset(uow: UnitOfWork, user_id: UUID) -> None:
    """Remove the second factor of a user."""
    await uow.execute(delete(TotpSecret).where(TotpSecret.user_id == user_id))
    await uow.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


async def verify(uow: UnitOfWork, settings: Settings, user_id: UUID, code: str) -> None:
    """Use up a code of the device, or a recovery code. Raises `Invalid` without a reason."""
    row = await _find(uow, user_id)
    if row is None or row.confirmed_at is None:
        raise Invalid(WRONG_CODE, "input", "code")
    text = code.strip().replace(" ", "")
    if text.isdigit() and len(text) == 6:
        await _use_code(uow, settings, row, text)
        return
    digest = _digest(text)
    unused = RecoveryCode.user_id == user_id, RecoveryCode.digest == digest, RecoveryCode.used_at.is_(None)
    statement = update(RecoveryCode).where(*unused).values(used_at=datetime.now(UTC))
    if await uow.scalar(statement.returning(RecoveryCode.id)) is None:
        raise Invalid(WRONG_CODE, "input", "code")


async def _use_code(uow: UnitOfWork, settings: Settings, row: Any, code: str, **values: Any) -> None:
    secret = decrypt(settings, row.user_id, row.secret)
    step = matching_step(secret, code.strip(), datetime.now(UTC))
    if step is None or step <= row.last_step:
        raise Invalid(WRONG_CODE, "input", "code")
    await uow.execute(update(TotpSecret).where(TotpSecret.id == row.id).values(last_step=step, **values))


async def _find(uow: UnitOfWork, user_id: UUID) -> Any:
    return await uow.first(select(TotpSecret).where(TotpSecret.user_id == user_id).with_for_update())


def _recovery_code() -> str:
    """80 random bits, in two groups of letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return f"{text[:8]}-{text[8:]}"


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.lower().replace("-", "").encode(errors="replace")).digest()
