"""Outages: errors of services that the server depends on, as clients see them."""

from core.errors import Unavailable
from core.ports import ModelFailure, StoreUnavailable, VectorsUnavailable
from db import errors

STORE_UNAVAILABLE = "File storage is temporarily unavailable. Try again in a moment."
SEARCH_UNAVAILABLE = "Document search is temporarily unavailable. Try again in a moment."
MODEL_UNAVAILABLE = "The model is temporarily unavailable. Try again in a moment."


def outage(error: BaseException) -> Unavailable | None:
    """What clients are told of an error that a retry may cure; None for any other error."""
    if isinstance(error, Unavailable):
        return error
    if isinstance(error, VectorsUnavailable):
        return Unavailable(SEARCH_UNAVAILABLE)
    if isinstance(error, StoreUnavailable):
        return Unavailable(STORE_UNAVAILABLE)
    if isinstance(error, ModelFailure):
        return Unavailable(MODEL_UNAVAILABLE) if error.is_transient else None
    return errors.outage(error)
