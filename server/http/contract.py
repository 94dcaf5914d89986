"""The contract in GraphQL's schema definition language."""

import asyncio
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

import schema

CONTRACT = Path(schema.__file__).with_name("schema.graphql")


@cache
def read_contract() -> tuple[bytes, str]:
    """The contract and its ETag, read once."""
    text = CONTRACT.read_bytes()
    return text, f'"{sha256(text).hexdigest()}"'


async def contract(request: Request) -> Response:
    """The contract, or 304 if the client has it."""
    text, etag = await asyncio.to_thread(read_contract)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type="text/plain")
