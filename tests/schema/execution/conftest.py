"""What the differential tests need."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLError

from core.errors import ErrorCode
from schema.framework import error_masking

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ignore coroutines that are never awaited: the stock executor cancels what stands beside an error."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.filterwarnings("ignore:.*never awaited:RuntimeWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest_asyncio.fixture(autouse=True)
async def rest() -> AsyncIterator[None]:
    """End what still runs after a test, and collect what was never awaited."""
    yield
    await asyncio.sleep(0.05)
    gc.collect()


@pytest.fixture(autouse=True)
def unmasked_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the messages of unexpected errors, so that they can be compared."""

    def show(error: GraphQLError, cause: Exception, logged: Any) -> GraphQLError:
        return error_masking.format_error(
            error, f"{type(cause).__name__}: {error.message}", ErrorCode.INTERNAL_SERVER_ERROR
        )

    monkeypatch.setattr(error_masking, "mask_unexpected", show)
