"""Authorization: which rows a viewer can read, by model. The only place where these rules are defined."""

from resolvers.access.conditions import Visibility, is_published, may_read, platform_visibility, visibility
from resolvers.access.policies import POLICIES, Policy
from resolvers.access.rows import find, model_label, not_found, require_unchanged, visible
from resolvers.access.rules import Conditions, Readers
from resolvers.access.viewers import Audience, SharedViewer, Viewer, require

__all__ = (
    "POLICIES",
    "Audience",
    "Conditions",
    "Policy",
    "Readers",
    "SharedViewer",
    "Viewer",
    "Visibility",
    "find",
    "is_published",
    "may_read",
    "model_label",
    "not_found",
    "platform_visibility",
    "require",
    "require_unchanged",
    "visibility",
    "visible",
)
