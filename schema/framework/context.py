"""Context of an operation: its viewer, services, loaders and units of work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import strawberry

from core.errors import NotAuthenticated
from core.ports import Embedders, ObjectStore, Sources, VectorStores
from core.prices import Prices
from core.settings import Settings
from db.base import Model
from db.events import Events
from db.loaders import Columns, Loaders, RowSource
from db.uow import Database, Scope, ScopeKind, UnitOfWork
from resolvers import access
from resolvers.access import Viewer
from resolvers.files import LinkSigner
from resolvers.identity import accounts
from resolvers.identity.jwt import TokenSigner
from schema.framework.idempotency import IdempotentWrite

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


class Context:
    """State of one operation: its viewer, its loaders and its read-only unit of work."""

    def __init__(
        self,
        services: Services,
        viewer: Viewer | None,
        base_url: str,
        refused: NotAuthenticated | None = None,
    ) -> None:
        self.services, self.links = services, services.links.with_base_url(base_url)
        self.signed_in, self._refused = viewer, refused
        self.loaders = Loaders(self._row_sources)
        self.projections: dict[Any, Columns] = {}
        self.idempotent_write: IdempotentWrite | None = None
        self._units: dict[Scope, UnitOfWork] = {}

    @property
    def viewer(self) -> Viewer:
        """Who is signed in; `NotAuthenticated` if nobody is."""
        if self.signed_in is None:
            raise self._refused or NotAuthenticated("Sign in first.")
        return self.signed_in

    @property
    def expires_at(self) -> datetime | None:
        """Expiry of the viewer's token."""
        return self.signed_in.expires_at if self.signed_in else None

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

    async def sign_in(self, user_id: UUID) -> None:
        """Make the user the viewer of the rest of the operation."""
        await self.close()
        self.signed_in = await accounts.load_viewer(self.services.database, user_id, None)

    async def refresh(self) -> None:
        """Check the viewer's access again and clear the loaders, before the next event of a subscription."""
        await self.close()
        viewer = self.viewer
        found = await accounts.load_viewer(self.services.database, viewer.user_id, viewer.expires_at)
        self.signed_in = found

    async def close(self) -> None:
        """End the read-only units of work."""
        units, self._units = self._units, {}
        self.loaders.clear()
        await asyncio.gather(*(unit.finish(commit=False) for unit in units.values()))

    def _open(self, scope: Scope) -> UnitOfWork:
        return self.services.database.unit(scope, read_only=True)

    def _unit(self, scope: Scope, make: Callable[[Scope], UnitOfWork]) -> UnitOfWork:
        if scope not in self._units:
            self._units[scope] = make(scope)
        return self._units[scope]

    def _row_sources(self, model: type[Model] | None) -> list[RowSource]:
        viewer = self.viewer
        own = RowSource(self.read(), partial(access.visibility, viewer))
        if viewer.platform_scope is None or model is None or not access.is_published(model):
            return [own]
        unit = self._unit(viewer.platform_scope, self.services.database.secondary_unit)
        return [own, RowSource(unit, partial(access.platform_visibility, viewer), release=True)]


Info = strawberry.Info[Context, None]
