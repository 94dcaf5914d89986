"""Context of an operation: its viewer, services, loaders and units of work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import strawberry

from core.errors import NotAuthenticated
from core.ports import Embedders, ObjectStore, Sources, VectorStores
from core.prices import Prices
from core.settings import Settings
from db.base import Model
from db.database import Database
from db.events import Events
from db.loaders import Loaders, RowSource
from db.rows import Columns
from db.uow import Scope, ScopeKind, UnitOfWork, UnitOfWorkClosed
from resolvers import access
from resolvers.access import Audience, SharedViewer, Viewer
from resolvers.files import LinkSigner
from resolvers.identity import accounts
from resolvers.identity.credentials import Credential
from resolvers.identity.jwt import TokenSigner
from resolvers.identity.refresh_tokens import TokenPair
from resolvers.identity.sign_in_limits import Origin
from resolvers.identity.viewers import Viewers
from schema.framework.idempotency import IdempotentWrite
from schema.framework.progress import Progress

WRITE_SCOPES: dict[ScopeKind, ScopeKind] = {"self": "company", "company": "company", "platform": "platform"}
"""Scope of a write by scope of the viewer. Within a company, the resolvers check permissions."""


@dataclass(frozen=True)
class Services:
    """Services shared by all operations of a process."""

    settings: Settings
    database: Database
    events: Events
    store: ObjectStore
    embedders: Embedders
    vectors: VectorStores
    sources: Sources
    prices: Prices
    links: LinkSigner
    token_signer: TokenSigner
    viewers: Viewers


class Context:
    """State of one operation: its viewer, its loaders and its read-only unit of work."""

    def __init__(
        self,
        services: Services,
        viewer: Viewer | None,
        refused: NotAuthenticated | None = None,
        progress: Progress | None = None,
        *,
        address: str | None = None,
        user_agent: str | None = None,
    ) -> None:
        self.services = services
        self._progress = progress
        self.address = address
        """Network address of the client."""
        self.user_agent = user_agent
        """`User-Agent` header of the client."""
        self.issued_token: str | None = None
        """The access token that the operation has issued."""
        self.signed_in, self.refused = viewer, refused
        self.loaders = Loaders(self._row_sources, services.settings.query_rows)
        self.projections: dict[Any, Columns] = {}
        self.idempotent_write: IdempotentWrite | None = None
        self._units: dict[Scope, UnitOfWork] = {}
        self._ending: list[asyncio.Future[None]] = []
        self._own_rows: list[RowSource] | None = None
        self._closed = False

    @cached_property
    def links(self) -> LinkSigner:
        """Signs links that end with the viewer's access; those of a shared pass are for its audience."""
        signer, viewer = self.services.links, self.signed_in
        if viewer is None or isinstance(viewer, SharedViewer):
            return signer
        return replace(signer, holder_id=viewer.user_id)

    def origin(self, device_token: str | None = None) -> Origin:
        """Where a sign-in comes from."""
        return Origin(self.address, device_token, self.user_agent)

    @property
    def viewer(self) -> Viewer:
        """Who is signed in; `NotAuthenticated` if nobody is."""
        if self.signed_in is None:
            raise self.refused or NotAuthenticated("Sign in first.")
        return self.signed_in

    def require_viewer(self) -> Viewer:
        """Who is signed in; raises `NotAuthenticated` if nobody is."""
        return self.viewer

    @property
    def expires_at(self) -> datetime | None:
        """Expiry of the viewer's token."""
        return self.signed_in.expires_at if self.signed_in else None

    @property
    def audience(self) -> Audience | None:
        """Those who share the results of subscriptions with the viewer; None if nobody is signed in."""
        return self.signed_in.audience if self.signed_in else None

    @property
    def identity(self) -> UUID | None:
        """The user who is signed in, if any."""
        return self.signed_in.user_id if self.signed_in else None

    @property
    def credential(self) -> Credential | None:
        """What the user is signed in with, if anybody is."""
        return self.signed_in.credential if self.signed_in else None

    def for_pass(self, progress: Progress, *, shared: bool) -> "Context":
        """The context of one pass of a subscription, on behalf of the viewer's audience if it is shared."""
        viewer = SharedViewer(self.viewer, progress.note_user) if shared else self.viewer
        return Context(self.services, viewer, progress=progress)

    def listen(self, topic: str) -> Progress:
        """The progress of the subscription, which goes on with each change of the topic."""
        company_id = self.viewer.company_id
        assert self._progress is not None, "subscriptions are read in passes"
        self._progress.listen(self.services.events, topic, company_id)
        return self._progress

    def read(self) -> UnitOfWork:
        """The read-only unit of work of the operation, opened on first use."""
        return self._unit(self.viewer.scope, self._open)

    @asynccontextmanager
    async def write(self, company_id: UUID | None = None) -> AsyncIterator[UnitOfWork]:
        """One transaction in the viewer's company, or in another. It clears the loaders."""
        scope = self.viewer.scope
        company = company_id or scope.company_id
        writing = replace(scope, company_id=company, kind=WRITE_SCOPES[scope.kind])
        transaction = self.services.database.transaction(writing)
        if self.idempotent_write is not None:
            yield await self.idempotent_write.begin(transaction)
        else:
            async with transaction as uow:
                yield uow
        self.loaders.clear()
        if self.services.database.placement.replica is not None:
            self.end_reads()  # which may be behind

    async def sign_in(self, tokens: TokenPair) -> None:
        """Make the user of new tokens the viewer of the rest of the operation."""
        await self.release()
        self.issued_token = tokens.access_token
        vars(self).pop("links", None)
        self.signed_in = await accounts.load_viewer(self.services.database, tokens.user_id, None)

    async def refresh(self) -> bool:
        """Check the viewer's access again. Returns whether their company, role or permissions changed.

        If so, nothing that was loaded before is used any more.

        Raises `NotAuthenticated` for suspended or deleted users, and for sessions that have ended.
        """
        viewer = self.viewer
        self.signed_in = await self.services.viewers.load(viewer.credential, viewer.expires_at)
        changed = self.signed_in != viewer
        if changed:
            await self.release()
        return changed

    def end_reads(self) -> None:
        """Begin to end the read-only units of work, without waiting for it. The next read opens a new one."""
        units, self._units, self._own_rows = self._units, {}, None
        self._ending += [unit.finish(commit=False) for unit in units.values()]

    async def release(self) -> None:
        """End the read-only units of work, and clear the loaders."""
        self.end_reads()
        ending, self._ending = self._ending, []
        self.loaders.reset()
        for end in ending:
            await end

    async def close(self) -> None:
        """End the operation: whatever still loads rows for it is refused."""
        self._closed = True
        await self.release()
        self.loaders.close()

    def _open(self, scope: Scope) -> UnitOfWork:
        if self._progress is not None:  # what was notified may not be replayed
            return self.services.database.unit(scope, read_only=True)
        return self.services.database.query_unit(scope)

    def _unit(self, scope: Scope, make: Callable[[Scope], UnitOfWork]) -> UnitOfWork:
        if self._closed:
            raise UnitOfWorkClosed("the operation has ended")
        if scope not in self._units:
            self._units[scope] = make(scope)
        return self._units[scope]

    def _row_sources(self, model: type[Model] | None) -> list[RowSource]:
        viewer = self.viewer
        if self._own_rows is None or self._closed:
            self._own_rows = [RowSource(self.read(), access.Visibility.of(viewer), viewer.parameters)]
        if viewer.platform_scope is None or model is None or not access.is_published(model):
            return self._own_rows
        (own,) = self._own_rows
        unit = self._unit(viewer.platform_scope, self.services.database.secondary_unit)
        return [
            own,
            RowSource(unit, access.Visibility.of(viewer, published=True), viewer.parameters, release=True),
        ]


Info = strawberry.Info[Context, None]
