"""Reports in the words of a language model."""

from datetime import timedelta

import pytest

from db.queue import faults
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline.conftest import Person, a_worker
from tests.insights.conftest import QUEUES, create_report
from tests.providers.fake_openai import endpoint, error_reply, stream_reply


async def test_a_configured_model_writes_from_the_figures(
    services: Services, stored_vectors: EmbeddedVectors, planner: Person
) -> None:
    async with (
        endpoint(stream_reply("Wind ", "is cheapest.")) as model,
        a_worker(services, queues=QUEUES, chat_url=model.url),
    ):
        report = await create_report(planner, method="PROPORTIONAL")

    (sent,) = model.requests
    system, request = sent["messages"]
    assert report["generatedText"] == "Wind is cheapest."
    assert system["content"].startswith("You write for a company's board.")
    assert "source" not in system["content"].lower()
    assert "No document" not in system["content"]
    assert report["reportData"]["roadmap"]["summary"] in request["content"]


async def test_without_the_models_words_the_template_serves(
    services: Services, stored_vectors: EmbeddedVectors, planner: Person
) -> None:
    async with (
        endpoint(error_reply(401)) as model,
        a_worker(services, queues=QUEUES, chat_url=model.url),
    ):
        report = await create_report(planner, method="PROPORTIONAL")

    assert report["generatedText"].endswith("by a template, without a language model.")


async def test_the_words_wait_for_a_model_that_is_away(
    services: Services, stored_vectors: EmbeddedVectors, planner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "MAX_BACKOFF", timedelta(milliseconds=50))
    async with (
        endpoint(*[error_reply(503)] * 7, stream_reply("Wind is cheapest.")) as model,
        a_worker(services, queues=QUEUES, chat_url=model.url, chat_retries=0),
    ):
        report = await create_report(planner, method="PROPORTIONAL")

    assert report["generatedText"] == "Wind is cheapest."
    assert report["job"]["attempts"] == 8
