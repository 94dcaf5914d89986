"""A session whose changes a model describes that looks at them."""

import asyncio
import json
from base64 import b64decode
from io import BytesIO
from pathlib import Path

from PIL import Image
from sqlalchemy import select

from db.models import TokenUsage
from tests.drawings.pipeline.conftest import Instance, Person
from tests.drawings.pipeline.sample_drawings import sheets
from tests.providers.fake_openai import Endpoint, Reply

SHEET = "A-931"
"""A number of this test's own: the worker also runs sessions that other tests have left in the queue."""


class Seer(Endpoint):
    """An endpoint that says the same of every region it is shown."""

    async def send(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        shown = [part for part in self.requests[-1]["messages"][1]["content"] if part["type"] == "image_url"]
        said = {
            "summary": "Rooms have changed.",
            "regions": [{"number": each, "description": f"Region {each}."} for each in range(1, len(shown))],
            "critical_change": "An exit is gone.",
            "recommendations": ["Look again."],
        }
        message = {"role": "assistant", "content": json.dumps(said)}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        usage = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000, "total_tokens": 1_500_000}
        shape = {"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
        await super().send(Reply(body={**shape, "choices": choices, "usage": usage}), writer)


async def test_a_model_describes_what_it_is_shown(person: Person, instance: Instance, tmp_path: Path) -> None:
    old, new = sheets(tmp_path / "a.pdf", 0, SHEET), sheets(tmp_path / "b.pdf", 1, SHEET)
    place = Seer("", [Reply()])
    server = await asyncio.start_server(place.serve, "127.0.0.1", 0)

    async with (
        server,
        instance.working(vision_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"),
    ):
        session = await person.completed(await person.begin(old, new))

    (comparison,) = session["comparisons"]["nodes"]
    (analysis,) = comparison["analysisResults"]["nodes"]
    described = [change["description"] for change in comparison["changes"]]
    assert len(described) > 3
    assert described == [f"Region {number}." for number in range(1, len(described) + 1)]
    assert sorted(analysis["changesFound"]) == sorted(described)
    received = analysis["aiModelUsed"], analysis["analysisSummary"], analysis["criticalChange"]
    assert received == ("gpt-4o-mini", "Rooms have changed.", "An exit is gone.")
    (request,) = (each for each in place.requests if SHEET in each["messages"][1]["content"][0]["text"])
    sizes = [size(part) for part in request["messages"][1]["content"] if part["type"] == "image_url"]
    assert len(sizes) == 1 + len(described)
    assert max(max(each) for each in sizes) == 1024
    async with instance.database.tenant(person.company_id, read_only=True) as uow:
        used = await uow.one(select(TokenUsage).where(TokenUsage.operation_type == "drawing_analysis"))
    assert (used.model_name, used.total_tokens, used.estimated_cost) == ("gpt-4o-mini", 1_500_000, 0.45)


def size(part: dict[str, dict[str, str]]) -> tuple[int, int]:
    """Of a picture inside a request."""
    data = part["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    with Image.open(BytesIO(b64decode(data))) as picture:
        return picture.size
