"""A model that looks at changed regions: what it is shown, what it says, and what is said when it fails."""

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.ports import Analysis, DrawingImages, Evidence
from core.settings import Settings
from pipelines.drawings.crops import MAX_CROP_SIDE, crop_regions
from providers.vision import MeasuredAnalyser, analyser_of
from providers.vision.openai_compatible import LookingAnalyser
from tests.providers.fake_openai import SECRET, Endpoint, Reply, endpoint, error_reply

MEASURES = {"score": 0.9, "confident": True, "width": 1000, "height": 800}
SHOWN = DrawingImages(b"overlay", {0: b"first", 2: b"third"})
SAID: dict[str, Any] = {
    "summary": "Room 104 becomes\nan office.",
    "regions": [
        {"number": 2, "description": "The door moves to the left."},
        {"number": 1, "description": "STORE 104 becomes OFFICE 104."},
    ],
    "critical_change": None,
    "recommendations": ["Check the door schedule.", " "],
}


def evidence(area: int, location: str, removed: tuple[str, ...] = ()) -> Evidence:
    return Evidence("modified", (10, 20, 30, 40), area, location, removed, ())


CHANGES = (evidence(10, "upper left", ("STORE",)), evidence(30, "centre"), evidence(20, "lower right"))


def vision_reply(answer: Any, **choice: Any) -> Reply:
    """A whole answer of the chat API."""
    content = answer if isinstance(answer, str) else json.dumps(answer)
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop", **choice}]
    usage = {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}
    shape = {"id": "1", "object": "chat.completion", "created": 1, "model": "seer"}
    return Reply(body={**shape, "choices": choices, "usage": usage})


async def analyze(*replies: Reply) -> tuple[Analysis, Endpoint]:
    """What comes of these answers, and what was asked."""
    async with endpoint(*replies) as place:
        analyser = LookingAnalyser(place.url, "seer", colours=("red", "green", "grey"), retries=1)
        found = await analyser.analyse("A-101", CHANGES, MEASURES, SHOWN)
        await analyser.close()
    return found, place


async def test_the_model_is_shown_the_overlay_and_the_regions() -> None:
    _, place = await analyze(vision_reply(SAID))

    (request,) = place.requests
    instructions, query = (message["content"] for message in request["messages"])
    urls = [part["image_url"]["url"] for part in query if part["type"] == "image_url"]
    assert [base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) for url in urls] == [
        b"overlay",
        b"first",
        b"third",
    ]
    texts = [part["text"] for part in query if part["type"] == "text"]
    assert texts[1:] == [
        "Region 1: modified, upper left. Removed words: STORE.",
        "Region 2: modified, lower right.",
    ]
    assert "red is removed, green is added, and grey is in both" in instructions
    assert (request["model"], request["response_format"]) == ("seer", {"type": "json_object"})


async def test_its_words_describe_what_it_saw_and_measures_the_rest() -> None:
    found, _ = await analyze(vision_reply(SAID))
    measured = await MeasuredAnalyser().analyse("A-101", CHANGES, MEASURES, None)

    assert found.descriptions == (
        "STORE 104 becomes OFFICE 104.",
        measured.descriptions[1],
        "The door moves to the left.",
    )
    assert found.changes == (measured.descriptions[1], found.descriptions[2], found.descriptions[0])
    assert (found.summary, found.critical_change) == ("Room 104 becomes an office.", None)
    assert found.recommendations == ("Check the door schedule.",)
    assert (found.model, found.language_model, found.prompt_tokens, found.completion_tokens) == (
        "seer",
        "seer",
        900,
        80,
    )


WRONG = [
    vision_reply("The door moves."),
    vision_reply({**SAID, "regions": SAID["regions"][:1]}),
    vision_reply({**SAID, "regions": [*SAID["regions"], {"number": 3, "description": "More."}]}),
    vision_reply(
        {**SAID, "regions": [{"number": "1", "description": "One."}, {"number": 2, "description": "Two."}]}
    ),
    vision_reply({**SAID, "recommendations": "none"}),
    vision_reply({**SAID, "more": 1}),
    vision_reply({key: value for key, value in SAID.items() if key != "summary"}),
]


@pytest.mark.parametrize("reply", WRONG)
async def test_an_answer_of_another_form_gives_way_to_what_was_measured(reply: Reply) -> None:
    found, place = await analyze(reply)
    measured = await MeasuredAnalyser().analyse("A-101", CHANGES, MEASURES, None)

    assert found.descriptions == measured.descriptions
    assert found.model == measured.model
    assert found.summary == (
        f"{measured.summary} (The response of the vision model is invalid. "
        "The analysis is based on measurements only.)"
    )
    assert (found.language_model, found.prompt_tokens) == ("seer", 900)
    assert len(place.requests) == 1


@pytest.mark.parametrize(
    ("reply", "why", "requests"),
    [
        (error_reply(503, **{"retry-after-ms": "1"}), "The vision model is unavailable.", 2),
        (error_reply(404), "The vision model does not exist.", 1),
        (vision_reply("", finish_reason="stop"), "The vision model returned an empty response.", 1),
        (vision_reply(SAID, finish_reason="content_filter"), "The vision model refused to answer.", 1),
        (Reply(body={"choices": []}), "The response of the vision model is invalid.", 1),
        (Reply(body=[]), "The response of the vision model is invalid.", 1),
    ],
)
async def test_a_model_that_fails_is_named_and_nothing_of_it_is_repeated(
    reply: Reply, why: str, requests: int
) -> None:
    found, place = await analyze(reply)

    assert why in found.summary
    assert SECRET not in repr(found)
    assert found.model == "seshat-measured/2"
    assert len(place.requests) == requests


async def test_without_pictures_nobody_is_requested() -> None:
    analyser = LookingAnalyser("http://127.0.0.1:9/v1", "seer", colours=("r", "g", "b"), retries=0)
    found = await analyser.analyse("A-101", CHANGES, MEASURES, None)
    await analyser.close()

    assert found == await MeasuredAnalyser().analyse("A-101", CHANGES, MEASURES, None)


def test_the_settings_choose() -> None:
    chosen = analyser_of(Settings(vision_url="https://example.com/v1", vision_model="seer"))

    assert (chosen.model, chosen.uses_images) == ("seer", True)
    assert (analyser_of(Settings()).model, analyser_of(Settings()).uses_images) == (
        "seshat-measured/2",
        False,
    )


def test_a_region_is_pictured_with_its_surroundings_within_the_sheet(tmp_path: Path) -> None:
    overlay, preview = tmp_path / "overlay.png", tmp_path / "preview.png"
    sheet = Image.new("RGB", (3000, 2000), "white")
    sheet.paste("red", (1000, 500, 1400, 600))
    sheet.convert("P").save(overlay)
    sheet.resize((600, 400)).save(preview)

    made = crop_regions(
        overlay, preview, {4: (1000, 500, 400, 100), 7: (2990, 1990, 10, 10), 9: (0, 0, 3000, 2000)}
    )

    sizes = {index: Image.open(BytesIO(crop)).size for index, crop in made.regions.items()}
    assert sizes == {4: (600, 300), 7: (70, 70), 9: (MAX_CROP_SIDE, 683)}
    crop = Image.open(BytesIO(made.regions[4])).convert("RGB")
    red, white = crop.getpixel((300, 150)), crop.getpixel((10, 10))
    assert isinstance(red, tuple)
    assert isinstance(white, tuple)
    assert (red[0] > 200, red[1] < 60, white[1] > 240) == (True, True, True)
    assert Image.open(BytesIO(made.overlay)).size == (600, 400)
