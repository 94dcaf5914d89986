"""Failures of models and of the vector store, as outcomes of a job."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Conflict
from core.ports import ModelFailure, UnknownEmbedder, VectorsUnavailable
from pipelines.runtime.handlers import Retry


@contextmanager
def translate_provider_errors() -> Iterator[None]:
    """Raise `Retry` for transient failures of providers, and `Conflict` for permanent ones."""
    try:
        yield
    except VectorsUnavailable as error:
        raise Retry("The vector store does not answer.") from error
    except ModelFailure as error:
        if error.is_transient:
            raise Retry(error.message, after=error.retry_after) from error
        raise Conflict(error.message) from error
    except UnknownEmbedder as error:
        raise Conflict(str(error)) from error
