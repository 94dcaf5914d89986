"""Invitations to companies."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from strawberry import relay

from db import models
from db.models import InvitationStatus, RoleName
from db.pagination import Order
from resolvers import access
from resolvers.identity import invitations
from schema.framework.context import Info
from schema.framework.decorators import enumeration, input, node, output
from schema.framework.fields import Connection, connection, lookup, relation
from schema.framework.global_ids import key_of
from schema.framework.payloads import IdempotentInput, Payload, derived_field, mutation
from schema.identity.sign_in import signed_in
from schema.identity.types import Company, User

enumeration(InvitationStatus)


@enumeration
class InvitationOrder(Enum):
    """Sort orders of invitations."""

    CREATED_AT_DESC = Order("created_at", descending=True)
    CREATED_AT_ASC = Order("created_at")


@input
class InvitationFilter:
    """Conditions for listing invitations."""

    company_id: relay.GlobalID | None = None
    """Matches invitations to this company."""

    def where(self, invitation: Any) -> list[ColumnElement[bool]]:
        if self.company_id is None:
            return []
        return [invitation.company_id == key_of(self.company_id, models.Company, "filter", "companyId")]


@node(models.Invitation)
class Invitation(relay.Node):
    """An invitation of an email address to a company."""

    id: relay.NodeID[UUID]

    email: str
    """Invited email address, in lower case."""

    role: RoleName
    """Role that the user will have."""

    company: Company | None = relation(models.Invitation.company)
    """Company that the user is invited to."""

    invited_by: User | None = relation(models.Invitation.invited_by)
    """User who has created the invitation. Null if the user is deleted or not visible to the viewer."""

    status: InvitationStatus = derived_field(
        invitations.status_of, needs=("accepted_at", "revoked_at", "expires_at")
    )
    """Lifecycle state of the invitation."""

    expires_at: datetime
    """Time until which the invitation can be accepted."""

    accepted_at: datetime | None
    """Time at which the invitation was accepted."""

    created_at: datetime
    """Creation time."""


@input
class InvitationCreateInput(IdempotentInput):
    """Input of `invitationCreate`."""

    email: str
    """Email address that the invitation is sent to."""

    role: RoleName
    """Role of the user. It cannot be higher than the role of the viewer."""

    expires_in_days: int | None = None
    """Days until the invitation expires, from 1 to 90. Default 7."""

    company_id: relay.GlobalID | None = None
    """Global ID of the company. Defaults to the company of the viewer. Platform administrators can choose
    any.
    """


@input
class InvitationAcceptInput:
    """Input of `invitationAccept`."""

    token: str
    """Token of the mail. Valid for a single use."""

    password: str
    """Password of 10 to 200 characters, at least four of them different."""

    full_name: str | None = None
    """Full name."""

    username: str | None = None
    """Username. Derived from the email address by default."""


@output
class InvitationCreatePayload(Payload):
    invitation: Invitation | None = None
    """The new invitation."""


@output
class InvitationRevokePayload(Payload):
    invitation: Invitation | None = None
    """The revoked invitation."""


@output
class InvitationAcceptPayload(Payload):
    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for `tokenRefresh`. Valid for a single use."""

    user: User | None = None
    """The new user, who is signed in."""


@output
class InvitationQueries:
    invitation: Invitation | None = lookup(models.Invitation, "Looks up an invitation by ID.")

    invitations: Connection[Invitation] = connection(
        models.Invitation, orders=InvitationOrder, filter=InvitationFilter
    )
    """Lists the invitations to the company, newest first. Requires `users:create`."""


@output
class InvitationMutations:
    @mutation(idempotent=True)
    async def invitation_create(self, info: Info, input: InvitationCreateInput) -> InvitationCreatePayload:
        """Invite an email address to a company by mail. Requires `users:create`.

        Earlier invitations of the address to the company are revoked. The answer does not tell whether the
        address belongs to an account; the mail does.
        """
        viewer, settings = info.context.viewer, info.context.services.settings
        path = "input", "companyId"
        company = key_of(input.company_id, models.Company, *path) if input.company_id else None
        if company not in (None, viewer.company_id) and not viewer.has_permission("platform:manage"):
            raise access.not_found(models.Company, *path)
        async with info.context.write(company) as uow:
            await access.find(uow, viewer, models.Company, uow.company_id, *path)
            invitation = await invitations.create(
                uow, settings, viewer, email=input.email, role=input.role, days=input.expires_in_days
            )
        return InvitationCreatePayload.of(invitation=invitation)

    @mutation
    async def invitation_accept(self, info: Info, input: InvitationAcceptInput) -> InvitationAcceptPayload:
        """Accept an invitation with the token of a mail: create the user, and sign in."""
        services = info.context.services
        tokens = await invitations.accept(
            services.database,
            services.token_signer,
            token=input.token,
            password=input.password,
            full_name=input.full_name,
            username=input.username,
            origin=info.context.origin(),
        )
        return InvitationAcceptPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def invitation_revoke(self, info: Info, id: relay.GlobalID) -> InvitationRevokePayload:
        """Revoke an invitation that was not accepted. Requires `users:create`."""
        key, viewer = key_of(id, models.Invitation), info.context.viewer
        company = await invitations.company_of(info.context.read(), viewer, key)
        async with info.context.write(company) as uow:
            invitation = await invitations.revoke(uow, viewer, key)
        return InvitationRevokePayload.of(invitation=invitation)
