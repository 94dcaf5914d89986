"""Who answers: the installation's own model, or the one behind an endpoint that somebody chose."""

from typing import Any

from core.settings.chat import ChatEndpoint
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from server.worker import Worker
from tests.chat.pipeline.conftest import Person, a_worker
from tests.chat.pipeline.test_documents import LOANS
from tests.providers.fake_openai import Endpoint, endpoint, stream_reply

QUESTION = "What is the minimum credit score?"
PREFER = """mutation ($id: ID!) { userUpdate(id: $id, input: {preferredLlm: OLLAMA}) {
  user { preferredLlm } errors { code message path } } }"""
PROVIDER = "query ($id: ID!) { conversation(id: $id) { llmProvider modelName } }"


def worker_with_providers(services: Services, place: Endpoint) -> Worker:
    """A worker that knows this endpoint as `ollama`, and quotes unless it is chosen."""
    return a_worker(services, chat_providers={"ollama": ChatEndpoint(url=place.url, model="tiny")})


async def provider(person: Person, conversation: str) -> Any:
    return (await person(PROVIDER, id=conversation))["conversation"]["llmProvider"]


async def test_whoever_is_chosen_answers_and_says_so(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with endpoint(stream_reply("660 [Source 1]")) as place, worker_with_providers(services, place):
        await person.added(LOANS)
        own = await person.ask(await person.conversation(), QUESTION)
        chosen = await person.ask(await person.conversation(llmProvider="OLLAMA"), QUESTION)
        values = {"llmProvider": "OLLAMA", "modelName": "large", "temperature": 1.5}
        named = await person.ask(await person.conversation(**values), QUESTION)

    assert [each["model"] for each in (own, chosen, named)] == ["seshat-extractive/1", "tiny-1", "tiny-1"]
    assert chosen["content"] == named["content"] == "660 [1]"
    sent = [(request["model"], request["temperature"]) for request in place.requests]
    assert sent == [("tiny", 0.7), ("large", 1.5)]


async def test_who_prefers_a_provider_begins_with_it(person: Person) -> None:
    before = await person.conversation()
    await person(PREFER, id=person.user.gid)

    after, other = await person.conversation(), await person.conversation(llmProvider="CUSTOM")

    found = [await provider(person, each) for each in (before, after, other)]
    assert found == ["CUSTOM", "OLLAMA", "CUSTOM"]


async def test_nobody_answers_for_a_provider_that_is_gone(
    services: Services, stored_vectors: EmbeddedVectors, person: Person
) -> None:
    async with a_worker(services, chat_providers={}):
        answer = await person.ask(await person.conversation(llmProvider="OLLAMA"), QUESTION)

    assert (answer["state"], answer["content"]) == ("FAILED", "")
    assert answer["errorCode"] == "MODEL_NOT_FOUND"
