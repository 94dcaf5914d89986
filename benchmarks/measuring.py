"""Peak memory of a function in a child process."""

from collections.abc import Callable
from typing import Any

from core.errors import DomainError
from pipelines.runtime.process_worker import peak_memory


def measure(function: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    """The result or the error, and the peak memory of this process in bytes."""
    try:
        result = function(*arguments)
    except DomainError as refused:
        result = refused
    return result, peak_memory()
