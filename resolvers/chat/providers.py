"""LLM providers that the installation's settings make available."""

from sqlalchemy import select

from core.errors import Invalid
from core.settings import Settings
from db.models import LlmProvider, User
from db.uow import UnitOfWork
from resolvers.access import Viewer


def available_providers(settings: Settings) -> frozenset[LlmProvider]:
    """The installation's own model, and every provider with a configured endpoint."""
    return frozenset((LlmProvider.CUSTOM, *map(LlmProvider, settings.chat_providers)))


def validate_provider(settings: Settings, provider: LlmProvider | None, *path: str) -> None:
    """Raises `Invalid` for a provider that is not available; None is allowed."""
    if provider is not None and provider not in available_providers(settings):
        names = ", ".join(sorted(available.name for available in available_providers(settings)))
        raise Invalid(
            f"{provider.name} is not available in this installation. Available providers: {names}.", *path
        )


async def preferred_provider(uow: UnitOfWork, viewer: Viewer, settings: Settings) -> LlmProvider:
    """The viewer's preferred provider if it is available, else the installation's own model."""
    preferred = await uow.scalar(select(User.preferred_llm).where(User.id == viewer.user_id))
    return preferred if preferred in available_providers(settings) else LlmProvider.CUSTOM
