"""Deletion of users and companies."""

from __future__ import annotations

from strawberry import relay

from db import models
from resolvers.identity import deletion
from schema.framework.context import Info
from schema.framework.decorators import output
from schema.framework.global_ids import key_of
from schema.framework.payloads import Payload, mutation


@output
class UserDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted user."""


@output
class CompanyDeletePayload(Payload):
    deleted_id: relay.GlobalID | None = None
    """Global ID of the deleted object."""


@output
class DeletionMutations:
    @mutation
    async def user_delete(self, info: Info, id: relay.GlobalID) -> UserDeletePayload:
        """Delete a user with their projects, conversations and documents. Their activities are kept."""
        key, viewer = key_of(id, models.User), info.context.viewer
        company = await deletion.company_of_user(info.context.read(), viewer, key)
        async with info.context.write(company) as uow:
            await deletion.delete_user(uow, viewer, key)
        info.context.services.viewers.forget(key)
        return UserDeletePayload.of(deleted_id=id)

    @mutation
    async def company_delete(self, info: Info, id: relay.GlobalID) -> CompanyDeletePayload:
        """Delete a closed company with all of its data, and suspend its users. Requires `platform:manage`."""
        services = info.context.services
        await deletion.delete_company(
            services.database, services.settings, info.context.viewer, key_of(id, models.Company)
        )
        services.viewers.forget()
        return CompanyDeletePayload.of(deleted_id=id)
