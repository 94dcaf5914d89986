"""The memory of a process whose heap is frozen does not grow with the requests that it has answered."""

import json
import subprocess
import sys
from typing import Any

SCRIPT = """
import asyncio, json, gc, logging
import httpx, psutil
from core.garbage_collection import freeze_heap
from server.logging import configure_logging
from tests.server.graphql.toy_schema import Contexts, application

QUERIES = [
    "{ hello }",
    "{ box { boxes { boxes { id } } } }",
    "{ required }",
    "{ refused box { broken } }",
    "{",
    "{ nope }",
    "{ wait(seconds: 0) }",
]

class Forgetful(list):
    def append(self, context):
        pass

async def main():
    configure_logging("ERROR")
    logging.disable()
    app = application(Contexts(opened=Forgetful()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://toy") as client:
        async def ask(number):
            body = {"query": QUERIES[number % len(QUERIES)], "variables": {"large": "x" * 100_000}}
            response = await client.post("/graphql", json=body)
            assert response.status_code == 200, response.text

        for number in range(100):
            await ask(number)
        freeze_heap()
        used = []
        for _ in range(4):
            for number in range(COUNT):
                await ask(number)
            used.append(psutil.Process().memory_info().rss)
    print(json.dumps({"frozen": gc.get_freeze_count(), "used": used}))

asyncio.run(main())
"""
COUNT, MEGABYTE = 300, 1 << 20


def measure() -> Any:
    """The memory after each of four series of requests."""
    script = SCRIPT.replace("COUNT", str(COUNT))
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=250)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_memory_does_not_grow_with_requests() -> None:
    found = measure()

    assert found["frozen"] > 50_000
    assert max(found["used"]) - found["used"][0] < 20 * MEGABYTE, "of 120 MB that were sent"
