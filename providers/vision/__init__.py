"""Drawing analysis: from measurements, or by a vision model."""

from core.ports import DrawingAnalyser
from core.settings import Settings
from providers.vision.measured import MeasuredAnalyser

__all__ = ["MeasuredAnalyser", "analyser_of"]


def analyser_of(settings: Settings) -> DrawingAnalyser:
    """The configured analyser, created once per process."""
    if settings.vision_url is None:
        return MeasuredAnalyser()
    from providers.vision.openai_compatible import LookingAnalyser  # with the client of OpenAI

    key = settings.vision_api_key
    return LookingAnalyser(
        settings.vision_url,
        settings.vision_model,
        colours=settings.overlay_colours,
        key=key.get_secret_value() if key else None,
        timeout=settings.vision_timeout,
        retries=settings.vision_retries,
    )
