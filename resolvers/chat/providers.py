"""LLM providers that the installation's settings make available."""

from sqlalchemy import select

from core.errors import Invalid
from core.settings import Settings
from db.models import AnswerMode, LlmProvider, User
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


NO_COUNCIL = (
    "A council needs a language model, and this installation has none for this conversation. A council of "
    "the embedded answerer does not help: of 145 measured questions, it quoted the right sentence for "
    "90.3 %, a single answer for 91.7 %. Use the mode ANSWER."
)


def validate_mode(settings: Settings, provider: LlmProvider, mode: AnswerMode, *path: str) -> None:
    """Raises `Invalid` for a council without a language model, unless the settings allow it."""
    has_model = settings.chat_url is not None or provider is not LlmProvider.CUSTOM
    if mode is AnswerMode.COUNCIL and not has_model and not settings.offline_councils:
        raise Invalid(NO_COUNCIL, *path)


async def preferred_provider(uow: UnitOfWork, viewer: Viewer, settings: Settings) -> LlmProvider:
    """The viewer's preferred provider if it is available, else the installation's own model."""
    preferred = await uow.scalar(select(User.preferred_llm).where(User.id == viewer.user_id))
    return preferred if preferred in available_providers(settings) else LlmProvider.CUSTOM
