"""The conditions for reading rows of a model, by its policy."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import false

from db.base import Model
from db.models import RoleName
from db.selects import VIEWER_COMPANY_ID, VIEWER_ID
from resolvers.access.policies import POLICIES, Policy
from resolvers.access.rules import Conditions, Readers, Rule, no_rows
from resolvers.access.viewers import Viewer


def visibility(viewer: Viewer, model: type[Model], entity: Any) -> Conditions:
    """The conditions for the viewer to read rows of `entity` (the model or an alias of it)."""
    policy = POLICIES[model]
    return _conditions(viewer, policy, policy.rule, entity)


def platform_visibility(viewer: Viewer, model: type[Model], entity: Any) -> Conditions:
    """The conditions for the viewer to read published rows of the platform's company."""
    policy = POLICIES[model]
    return _conditions(viewer, policy, policy.published or no_rows, entity)


@dataclass(frozen=True)
class Visibility:
    """The conditions for anybody with this role to read rows: the viewer's ids are parameters."""

    role: RoleName
    permissions: frozenset[str]
    published: bool = False
    """Whether the rows are those that the platform publishes, or else those of the viewer's company."""

    @staticmethod
    def of(viewer: Viewer, *, published: bool = False) -> "Visibility":
        """What the viewer can read."""
        return _visibility(viewer.role, viewer.permissions, published)

    @cached_property
    def _hash(self) -> int:
        return hash((self.role, self.permissions, self.published))

    def __hash__(self) -> int:
        return self._hash

    @property
    def _anybody(self) -> Viewer:
        user_id, company_id = cast(UUID, VIEWER_ID), cast(UUID, VIEWER_COMPANY_ID)
        return Viewer(user_id, company_id, self.role, self.permissions)

    def __call__(self, model: type[Model], entity: Any) -> Conditions:
        """The conditions, for the model or an alias of it."""
        return (platform_visibility if self.published else visibility)(self._anybody, model, entity)

    def readers(self, model: type[Model]) -> Readers:
        """The readers whose rows these are, if the conditions ask for nothing else."""
        policy, viewer = POLICIES[model], self._anybody
        if self.published or policy.readers is None or not may_read(viewer, policy):
            return None
        return policy.readers(viewer)


@lru_cache(maxsize=1024)
def _visibility(role: RoleName, permissions: frozenset[str], published: bool) -> Visibility:
    return Visibility(role, permissions, published)


def may_read(viewer: Viewer, policy: Policy) -> bool:
    """Whether the viewer has the permission that is required to read any row."""
    return policy.read is None or viewer.has_permission(policy.read)


def _conditions(viewer: Viewer, policy: Policy, rule: Rule, entity: Any) -> Conditions:
    return rule(viewer, entity) if may_read(viewer, policy) else [false()]


def is_published(model: type[Model]) -> bool:
    """Whether the platform publishes rows of this model to all companies."""
    return POLICIES[model].published is not None
