"""The signed-in user of an operation, and what decides which rows they can read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import cast
from uuid import UUID

from core.errors import Forbidden
from db.models import RoleName
from db.selects import VIEWER_COMPANY_ID, VIEWER_ID
from db.uow import Scope, ScopeKind
from resolvers.identity.credentials import Credential


@dataclass(frozen=True)
class Audience:
    """What decides which rows a viewer sees, apart from the user."""

    company_id: UUID
    role: RoleName
    permissions: frozenset[str]
    platform_id: UUID | None


@dataclass(frozen=True)
class Viewer:
    """The signed-in user of an operation, with the permissions (`resource:action`) of their role."""

    user_id: UUID
    company_id: UUID
    role: RoleName
    permissions: frozenset[str]
    expires_at: datetime | None = None
    platform_id: UUID | None = None
    """The company of the platform."""
    session_id: UUID | None = None
    """The session of the viewer's token."""

    @property
    def credential(self) -> Credential:
        """What the viewer is signed in with."""
        return Credential(self.user_id, self.session_id)

    def has_permission(self, permission: str) -> bool:
        """Whether the role grants `resource:action`."""
        return permission in self.permissions

    @property
    def scope_kind(self) -> ScopeKind:
        """Which users' rows are accessible in the viewer's transactions."""
        if self.has_permission("platform:manage"):
            return "platform"
        return "company" if self.has_permission("users:read") else "self"

    @cached_property
    def scope(self) -> Scope:
        """The scope of the viewer's transactions: their company, and which users' rows are accessible."""
        return Scope(self.company_id, self.user_id, self.scope_kind)

    @cached_property
    def parameters(self) -> Mapping[str, UUID]:
        """The values of the viewer's parameters in statements."""
        return {VIEWER_ID.key: self.user_id, VIEWER_COMPANY_ID.key: self.company_id}

    @cached_property
    def platform_scope(self) -> Scope | None:
        """The scope of the platform's published rows; None for the platform's own users."""
        if self.platform_id is None or self.platform_id == self.company_id:
            return None
        return Scope(self.platform_id, self.user_id, "self")

    @property
    def audience(self) -> Audience:
        """Those who see the same rows, except for rows that are visible to single users."""
        return Audience(self.company_id, self.role, self.permissions, self.platform_id)


class SharedViewer(Viewer):
    """A viewer on behalf of its whole audience.

    Calls `on_user` whenever the user is asked for: what is found then is for this user alone. Scopes have no
    user, so that no user's own row is accessible without a rule that asks for the user.
    """

    def __init__(self, viewer: Viewer, on_user: Callable[[], None]) -> None:
        names = ("company_id", "role", "permissions", "platform_id")
        vars(self).update({name: getattr(viewer, name) for name in names}, expires_at=None, session_id=None)
        vars(self).update(own_id=viewer.user_id, on_user=on_user)

    @property
    def user_id(self) -> UUID:
        """The user who stands for the audience."""
        vars(self)["on_user"]()
        return cast(UUID, vars(self)["own_id"])

    @property
    def scope(self) -> Scope:
        """The scope of the audience's company."""
        return Scope(self.company_id, None, self.scope_kind)

    @property
    def platform_scope(self) -> Scope | None:
        """The scope of the platform's published rows; None for the platform's own users."""
        if self.platform_id is None or self.platform_id == self.company_id:
            return None
        return Scope(self.platform_id, None, "self")

    @property
    def parameters(self) -> Mapping[str, UUID]:
        """The values of parameters in statements, which ask for the user only if a statement has it."""
        return SharedParameters(self)


class SharedParameters(Mapping[str, UUID]):
    """The values of a shared viewer's parameters, which ask for the user only if a statement has it."""

    def __init__(self, viewer: SharedViewer) -> None:
        self._viewer = viewer

    def __getitem__(self, name: str) -> UUID:
        if name == VIEWER_ID.key:
            return self._viewer.user_id
        if name == VIEWER_COMPANY_ID.key:
            return self._viewer.company_id
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter((VIEWER_ID.key, VIEWER_COMPANY_ID.key))

    def __len__(self) -> int:
        return 2


def require(viewer: Viewer, permission: str) -> None:
    """Raises `Forbidden` unless the viewer's role grants `resource:action`."""
    if not viewer.has_permission(permission):
        raise Forbidden(f"Your role, {viewer.role.value}, does not include {permission}.")
