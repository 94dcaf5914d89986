"""The contract in GraphQL's schema definition language."""

from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

import schema

CONTRACT = Path(schema.__file__).with_name("schema.graphql")


async def contract(request: Request) -> Response:
    """The contract, or 304 if the client has it."""
    text = CONTRACT.read_bytes()
    headers = {"ETag": f'"{sha256(text).hexdigest()}"', "Cache-Control": "no-cache"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type="text/plain")
