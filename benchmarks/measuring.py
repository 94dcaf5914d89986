"""What a computation takes of the child process that it runs in."""

from collections.abc import Callable
from typing import Any

from core.errors import DomainError
from pipelines.runtime.process_worker import peak_memory


def measure(function: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    """The result or the refusal, and the bytes that this process has taken at its peak."""
    try:
        result = function(*arguments)
    except DomainError as refused:
        result = refused
    return result, peak_memory()
