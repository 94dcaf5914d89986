"""Refresh tokens in the database: what is stored, exchanged and revoked."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.errors import NotAuthenticated
from db.ids import new_id
from db.models import RefreshToken
from db.uow import UnitOfWork
from resolvers.identity import refresh_tokens
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.refresh_tokens import (
    CONCURRENT_USE,
    find_family,
    issue,
    revoke,
    revoke_all,
    rotate,
)
from schema.framework.context import Services
from tests.conftest import People
from tests.factories import Fixture

SIGNER = TokenSigner(b"s" * 64, timedelta(minutes=15), timedelta(days=30))


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def row_of(uow: UnitOfWork, token: str) -> Any:
    return await uow.one(select(RefreshToken).where(RefreshToken.digest == digest(token)))


async def states(uow: UnitOfWork, *tokens: str) -> list[str]:
    """Of each token, whether it is new, used or revoked."""
    rows = [await row_of(uow, token) for token in tokens]
    return ["revoked" if row.revoked_at else "used" if row.used_at else "new" for row in rows]


async def refusal(uow: UnitOfWork, token: str) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(NotAuthenticated) as refused:
        await rotate(uow, SIGNER, token)
    return str(refused.value), tuple(refused.value.path)


REFUSED = ("The refresh token is not valid.", ("input", "refreshToken"))


@pytest.fixture
def user(people: People) -> Fixture:
    return people.user


async def test_a_new_pair_is_stored_as_a_digest_with_its_end(services: Services, user: Fixture) -> None:
    before = datetime.now(UTC)
    async with services.database.platform() as uow:
        pair = await issue(uow, SIGNER, user.id)
        other = await issue(uow, SIGNER, user.id)
        row, second = await row_of(uow, pair.refresh_token), await row_of(uow, other.refresh_token)
    after = datetime.now(UTC)

    assert (pair.user_id, SIGNER.verify(pair.access_token).user_id) == (user.id, user.id)
    assert len(pair.refresh_token) == 43  # 32 bytes
    assert pair.refresh_token != other.refresh_token
    assert (row.user_id, row.used_at, row.revoked_at) == (user.id, None, None)
    assert before + timedelta(days=30) <= row.expires_at <= after + timedelta(days=30)
    assert row.family != second.family


async def test_a_token_is_exchanged_once_in_its_family(services: Services, user: Fixture) -> None:
    async with services.database.platform() as uow:
        first = await issue(uow, SIGNER, user.id)
        second = await rotate(uow, SIGNER, first.refresh_token)
        assert second is not None
        third = await rotate(uow, SIGNER, second.refresh_token)
        assert third is not None
        tokens = [pair.refresh_token for pair in (first, second, third)]
        assert await states(uow, *tokens) == ["used", "used", "new"]
        assert len({(await row_of(uow, token)).family for token in tokens}) == 1
        assert (second.user_id, SIGNER.verify(second.access_token).user_id) == (user.id, user.id)


async def age(uow: UnitOfWork, token: str, by: timedelta) -> None:
    """Let the first use of a token be longer ago."""
    used = (await row_of(uow, token)).used_at - by
    await uow.execute(update(RefreshToken).where(RefreshToken.digest == digest(token)).values(used_at=used))


async def test_a_later_use_revokes_the_family_and_no_other(services: Services, user: Fixture) -> None:
    async with services.database.platform() as uow:
        first, apart = [await issue(uow, SIGNER, user.id) for _ in range(2)]
        second = await rotate(uow, SIGNER, first.refresh_token)
        assert second is not None
        await age(uow, first.refresh_token, CONCURRENT_USE)
        assert await rotate(uow, SIGNER, first.refresh_token) is None
        tokens = [pair.refresh_token for pair in (first, second, apart)]
        assert await states(uow, *tokens) == ["revoked", "revoked", "new"]
        assert await refusal(uow, second.refresh_token) == REFUSED
        assert await refusal(uow, first.refresh_token) == REFUSED
        assert await rotate(uow, SIGNER, apart.refresh_token) is not None


async def test_a_use_after_the_successor_was_used_revokes_the_family(
    services: Services, user: Fixture
) -> None:
    async with services.database.platform() as uow:
        first = await issue(uow, SIGNER, user.id)
        second = await rotate(uow, SIGNER, first.refresh_token)
        assert second is not None
        third = await rotate(uow, SIGNER, second.refresh_token)
        assert third is not None

        assert await rotate(uow, SIGNER, first.refresh_token) is None
        assert await refusal(uow, third.refresh_token) == REFUSED


async def test_tabs_that_share_a_token_get_a_pair_each(services: Services, user: Fixture) -> None:
    async with services.database.platform() as uow:
        first = await issue(uow, SIGNER, user.id)
        pairs = [await rotate(uow, SIGNER, first.refresh_token) for _ in range(2)]
        for pair in pairs:
            assert pair is not None
            assert await rotate(uow, SIGNER, pair.refresh_token) is not None


async def test_two_tabs_refresh_at_once_a_hundred_times_and_stay_signed_in(
    services: Services, user: Fixture
) -> None:
    """Each tab takes the token from a store that both share, refreshes it, and stores the new one."""
    async with services.database.platform() as uow:
        store = [(await issue(uow, SIGNER, user.id)).refresh_token]

    async def tab() -> None:
        for _ in range(100):
            token, began_at = store[0], datetime.now(UTC)
            async with services.database.platform() as uow:
                pair = await rotate(uow, SIGNER, token, began_at)
            assert pair is not None
            store[0] = pair.refresh_token

    await asyncio.gather(tab(), tab())

    async with services.database.platform() as uow:
        assert await rotate(uow, SIGNER, store[0]) is not None


@pytest.mark.parametrize(("seconds", "is_valid"), [(5, True), (-1, False)])
async def test_a_token_ends_when_it_expires(
    services: Services, user: Fixture, seconds: int, is_valid: bool
) -> None:
    async with services.database.platform() as uow:
        pair = await issue(uow, SIGNER, user.id)
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        mine = RefreshToken.digest == digest(pair.refresh_token)
        await uow.execute(update(RefreshToken).where(mine).values(expires_at=ends))
        if is_valid:
            assert await rotate(uow, SIGNER, pair.refresh_token) is not None
        else:
            assert await refusal(uow, pair.refresh_token) == REFUSED


async def test_a_token_ends_at_the_instant_that_is_stored(
    services: Services, user: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services.database.platform() as uow:
        pair = await issue(uow, SIGNER, user.id)
        ends = (await row_of(uow, pair.refresh_token)).expires_at

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return ends

        monkeypatch.setattr(refresh_tokens, "datetime", Clock)
        assert await refusal(uow, pair.refresh_token) == REFUSED


@pytest.mark.parametrize("token", ["", "unknown", "\ud800", "x" * 1000])
async def test_an_unknown_token_is_refused(services: Services, token: str) -> None:
    async with services.database.platform() as uow:
        assert await refusal(uow, token) == REFUSED


async def test_revoking_leaves_earlier_revocations_and_others_alone(
    services: Services, people: People
) -> None:
    async with services.database.platform() as uow:
        mine, again, theirs = [
            await issue(uow, SIGNER, user.id) for user in (people.user, people.user, people.admin)
        ]
        rows = [await row_of(uow, pair.refresh_token) for pair in (mine, again, theirs)]
        await revoke(uow, rows[0].family)
        tokens = [pair.refresh_token for pair in (mine, again, theirs)]
        assert await states(uow, *tokens) == ["revoked", "new", "new"]
        revoked_at = (await row_of(uow, tokens[0])).revoked_at
        await revoke(uow, rows[0].family)
        await revoke_all(uow, people.user.id)
        assert await states(uow, *tokens) == ["revoked", "revoked", "new"]
        assert (await row_of(uow, tokens[0])).revoked_at == revoked_at


async def test_a_family_is_found_by_its_user_and_token(services: Services, people: People) -> None:
    async with services.database.platform() as uow:
        first, second = [await issue(uow, SIGNER, people.user.id) for _ in range(2)]
        families = [(await row_of(uow, pair.refresh_token)).family for pair in (first, second)]
        found = [await find_family(uow, people.user.id, pair.refresh_token) for pair in (first, second)]

        assert found == families
        assert await find_family(uow, people.admin.id, first.refresh_token) is None
        assert await find_family(uow, people.user.id, "unknown") is None
        assert await find_family(uow, new_id(), first.refresh_token) is None


async def test_uses_at_once_give_a_pair_each(services: Services, user: Fixture) -> None:
    async with services.database.platform() as uow:
        token = (await issue(uow, SIGNER, user.id)).refresh_token

    async def use() -> bool:
        async with services.database.platform() as uow:
            return await rotate(uow, SIGNER, token) is not None

    assert await asyncio.gather(*(use() for _ in range(4))) == [True] * 4
