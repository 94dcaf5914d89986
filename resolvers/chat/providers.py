"""Where models run that people may choose: what the installation's settings offer."""

from sqlalchemy import select

from core.errors import Invalid
from core.settings import Settings
from db.models import LlmProvider, User
from db.uow import UnitOfWork
from resolvers.access import Viewer


def available_providers(settings: Settings) -> frozenset[LlmProvider]:
    """The installation's own, and those with an endpoint."""
    return frozenset((LlmProvider.CUSTOM, *map(LlmProvider, settings.chat_providers)))


def validate_provider(settings: Settings, provider: LlmProvider | None, *path: str) -> None:
    """Raise `Invalid` for a provider that is not offered; none at all is fine."""
    if provider is not None and provider not in available_providers(settings):
        names = ", ".join(sorted(each.name for each in available_providers(settings)))
        raise Invalid(f"This installation has no endpoint of that name; it has {names}.", *path)


async def preferred_provider(uow: UnitOfWork, viewer: Viewer, settings: Settings) -> LlmProvider:
    """What the viewer likes best, or the installation's own where that is not offered any more."""
    liked = await uow.scalar(select(User.preferred_llm).where(User.id == viewer.user_id))
    return liked if liked in available_providers(settings) else LlmProvider.CUSTOM
