"""Limits of sign-in attempts, by account and source together.

The source of an attempt is a device that has signed in to the account, or else the client's network. From
each source attempts at an account wait ever longer. All sources that the account does not know share one
limit, and so do all accounts that do not know a network: who knows the password signs in from a known device
or network, however many others guess.
"""

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from core.errors import LimitExceeded
from db.ids import new_id
from db.models import KnownAddress, SignInAttempt
from db.uow import UnitOfWork
from resolvers.identity.jwt import TokenSigner

ATTEMPT_WINDOW = timedelta(hours=1)
"""Time for which a failed attempt counts."""

FREE_ATTEMPTS = 10
"""Failed attempts from one source at one account without a wait."""
FIRST_WAIT, MAX_WAIT = timedelta(seconds=30), timedelta(minutes=10)
"""Wait after those; it doubles with each further attempt."""

MAX_ACCOUNT_ATTEMPTS = 20
"""Failed attempts at an account within the window, from all sources that it does not know together."""
MAX_ADDRESS_ATTEMPTS = 200
"""Failed attempts from a network within the window, at all accounts that do not know it together."""

KNOWN_ADDRESS_TTL = timedelta(days=180)

IPV6_PREFIX = 64
"""Bits of the network that a client with an IPv6 address has for itself."""


@dataclass(frozen=True)
class Origin:
    """Where a sign-in comes from."""

    address: str | None = None
    """Network address of the client."""
    device_token: str | None = None
    """Token of a device that has signed in before."""
    user_agent: str | None = None
    """`User-Agent` header of the client."""


UNKNOWN_ORIGIN = Origin()


@dataclass(frozen=True)
class Source:
    """What attempts are counted under beside the account: a device of the account, or a network."""

    digest: bytes
    is_device: bool = False
    is_network: bool = False
    """Whether it is a network that is known to be the client's own."""

    @classmethod
    def of(cls, signer: TokenSigner, origin: Origin, user_id: UUID | None) -> "Source":
        """The source of an attempt; a device only if the user has signed in with it."""
        device = signer.verify_device(origin.device_token) if origin.device_token else None
        if device is not None and device.user_id == user_id:
            return cls(_digest(signer, f"device {device.id}"), is_device=True)
        network = network_of(origin.address)
        return cls(_digest(signer, f"network {network}"), is_network=bool(network))


def network_of(address: str | None) -> str:
    """The address, or for IPv6 the network of the client. Text that is no address stands for itself."""
    if address is None:
        return ""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))
    return str(parsed)


async def count_attempt(
    uow: UnitOfWork, account: str, user_id: UUID | None, source: Source, field: str
) -> None:
    """Count an attempt before the password is verified, one at a time, so that concurrency gains nothing.

    Raises `LimitExceeded`, after the same statements for accounts that exist and others.
    """
    locks = (f"sign-in {account}", f"sign-in from {source.digest.hex()}")
    await uow.execute(select(*(func.pg_advisory_xact_lock(func.hashtextextended(lock, 0)) for lock in locks)))
    now = datetime.now(UTC)
    known = select(KnownAddress.id).where(
        KnownAddress.user_id == (user_id or new_id()), KnownAddress.digest == source.digest
    )
    elsewhere = select(func.count()).where(
        SignInAttempt.source == source.digest,
        SignInAttempt.is_known.is_(False),
        SignInAttempt.created_at > now - ATTEMPT_WINDOW,
    )
    counted = await uow.one(
        select(known.exists().label("is_known"), elsewhere.scalar_subquery().label("address_attempts"))
    )
    is_known = source.is_device or counted.is_known
    attempts = await uow.all(
        select(SignInAttempt.source, SignInAttempt.is_known, SignInAttempt.created_at)
        .where(SignInAttempt.login == account, SignInAttempt.created_at > now - ATTEMPT_WINDOW)
        .order_by(SignInAttempt.created_at)
    )
    waits = [next_attempt_at([row.created_at for row in attempts if row.source == source.digest])]
    if not is_known:
        waits.append(
            next_free_at([row.created_at for row in attempts if not row.is_known], MAX_ACCOUNT_ATTEMPTS)
        )
        if source.is_network and counted.address_attempts >= MAX_ADDRESS_ATTEMPTS:
            waits.append(now + MAX_WAIT)
    wait = max((until - now for until in waits if until is not None), default=timedelta())
    if wait > timedelta():
        raise LimitExceeded(
            f"Too many failed sign-in attempts. Try again in {duration(wait)}, or from a device or network "
            "that has signed in to this account before.",
            "input",
            field,
        )
    attempt = {"login": account, "source": source.digest, "is_known": is_known, "created_at": now}
    await uow.execute(insert(SignInAttempt).values(attempt))


def next_attempt_at(attempts: Sequence[datetime]) -> datetime | None:
    """The time of the next attempt from a source with these attempts at an account, oldest first."""
    if len(attempts) < FREE_ATTEMPTS:
        return None
    doublings = len(attempts) - FREE_ATTEMPTS
    after_last = attempts[-1] + min(MAX_WAIT, FIRST_WAIT * (1 << min(doublings, 30)))
    full = next_free_at(attempts, MAX_ACCOUNT_ATTEMPTS)
    return after_last if full is None else max(after_last, full)


def next_free_at(attempts: Sequence[datetime], limit: int) -> datetime | None:
    """The time at which fewer than `limit` of these attempts, oldest first, are within the window."""
    return attempts[-limit] + ATTEMPT_WINDOW if len(attempts) >= limit else None


def duration(wait: timedelta) -> str:
    """A wait in words: seconds up to a minute, then minutes, rounded up."""
    seconds = math.ceil(wait.total_seconds())
    if seconds <= 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"


async def forget_attempts(uow: UnitOfWork, account: str, source: Source) -> None:
    """Forget the attempts from this source at the account, after the password was correct."""
    await uow.execute(
        delete(SignInAttempt).where(SignInAttempt.login == account, SignInAttempt.source == source.digest)
    )


async def remember_source(uow: UnitOfWork, user_id: UUID, source: Source) -> None:
    """Know the network from now on that the user has signed in from."""
    if not source.is_device:
        known = insert(KnownAddress).values(id=new_id(), user_id=user_id, digest=source.digest)
        await uow.execute(
            known.on_conflict_do_update(
                index_elements=[KnownAddress.user_id, KnownAddress.digest], set_={"used_at": func.now()}
            )
        )


async def purge(uow: UnitOfWork, now: datetime) -> None:
    """Delete attempts outside of the window, and networks that were not used for long."""
    await uow.execute(delete(SignInAttempt).where(SignInAttempt.created_at < now - ATTEMPT_WINDOW))
    await uow.execute(delete(KnownAddress).where(KnownAddress.used_at < now - KNOWN_ADDRESS_TTL))


def _digest(signer: TokenSigner, source: str) -> bytes:
    return hmac.new(
        signer.secret, b"sign-in source\0" + source.encode(errors="replace"), hashlib.sha256
    ).digest()
