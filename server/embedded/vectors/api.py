"""The part of Qdrant's REST API that Seshat uses, over the embedded store.

Requests are processed one after another in the event loop: qdrant-edge holds the interpreter lock, so threads
would not be faster.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from server.embedded.vectors import qdrant_translation
from server.embedded.vectors.collections import (
    QUIET_SECONDS,
    CollectionIncomplete,
    CollectionNotFound,
    Collections,
    point_json,
)

log = structlog.get_logger(__name__)

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class VectorApi:
    """The endpoints for the collections of a folder."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._last_request = 0.0

    def app(self) -> Starlette:
        """The application; closes the collections when it shuts down."""
        one = "/collections/{name}"
        handlers: dict[tuple[str, str], Callable[[str, Any], Any]] = {
            ("GET", "/collections"): self.list,
            ("GET", f"{one}/exists"): self.exists,
            ("PUT", one): self.create,
            ("DELETE", one): self.drop,
            ("PUT", f"{one}/index"): self.index,
            ("PUT", f"{one}/points"): self.upsert,
            ("POST", f"{one}/points/delete"): self.delete,
            ("POST", f"{one}/points/payload"): self.set_payload,
            ("POST", f"{one}/points/query"): self.query,
            ("POST", f"{one}/points/count"): self.count,
            ("GET", "/incomplete"): self.incomplete,
            ("DELETE", "/incomplete/{name}"): self.mark_complete,
        }
        routes = [
            Route(path, self._endpoint(handler), methods=[method])
            for (method, path), handler in handlers.items()
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        maintenance = asyncio.create_task(self._maintain())
        yield
        maintenance.cancel()
        with suppress(asyncio.CancelledError):
            await maintenance
        self._collections.close()

    async def _maintain(self) -> None:
        while True:
            await asyncio.sleep(QUIET_SECONDS / 2)
            quiet = time.monotonic() - self._last_request > QUIET_SECONDS
            self._collections.maintain(quiet=quiet)
            if quiet:
                await self._collections.record_checksums()

    def _endpoint(self, handler: Callable[[str, Any], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                content = await request.body()
            except ClientDisconnect:  # the client was killed
                return Response()
            self._last_request = began = time.monotonic()
            try:
                result = handler(request.path_params.get("name", ""), orjson.loads(content or b"{}"))
            except CollectionNotFound as error:
                return error_response(404, f"Not found: {error}")
            except CollectionIncomplete as error:
                return error_response(503, str(error))
            except FileExistsError as error:
                return error_response(409, f"Wrong input: {error}")
            except (ValueError, KeyError, TypeError) as error:
                return error_response(400, f"Wrong input: {error}")
            except Exception as error:  # qdrant-edge raises no specific exceptions
                log.error("vector_store_request_failed", path=request.url.path, exc_info=error)
                return error_response(500, f"Service internal error: {error}")
            finally:
                self._last_request = time.monotonic()
            return respond(200, {"result": result, "status": "ok", "time": time.monotonic() - began})

        return endpoint

    def list(self, name: str, body: Any) -> Any:
        return {"collections": [{"name": known} for known in self._collections.names()]}

    def exists(self, name: str, body: Any) -> Any:
        return {"exists": name in self._collections}

    def create(self, name: str, body: Any) -> Any:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name} is not a valid collection name")
        if name in self._collections:
            raise FileExistsError(f"Collection `{name}` already exists!")
        self._collections.create(name, qdrant_translation.config(body))
        return True

    def drop(self, name: str, body: Any) -> Any:
        return self._collections.drop(name)

    def index(self, name: str, body: Any) -> Any:
        return self._change(name, qdrant_translation.field_index(body))

    def upsert(self, name: str, body: Any) -> Any:
        return self._change(name, qdrant_translation.upsert(body), len(body["points"]))

    def delete(self, name: str, body: Any) -> Any:
        return self._change(name, qdrant_translation.delete(body))

    def set_payload(self, name: str, body: Any) -> Any:
        return self._change(name, qdrant_translation.set_payload(body))

    def query(self, name: str, body: Any) -> Any:
        found = self._collections.searchable(name).query(qdrant_translation.query(body))
        return {"points": [point_json(point) for point in found]}

    def count(self, name: str, body: Any) -> Any:
        return {"count": self._collections[name].count(qdrant_translation.count(body))}

    def incomplete(self, name: str, body: Any) -> Any:
        """Not part of Qdrant's API: collections that were damaged, with the time of detection."""
        return {"collections": self._collections.incomplete()}

    def mark_complete(self, name: str, body: Any) -> Any:
        """Not part of Qdrant's API: all points of a damaged collection have been stored again."""
        return self._collections.mark_complete(name)

    def _change(self, name: str, operation: Any, changes: int = 1) -> Any:
        self._collections[name].update(operation, changes)
        return {"operation_id": 0, "status": "completed"}


def respond(status: int, content: Any) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def error_response(status: int, message: str) -> Response:
    """An error in Qdrant's format."""
    return respond(status, {"status": {"error": message}, "time": 0.0})
