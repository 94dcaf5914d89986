"""Long runs beside the jobs that users wait for."""

import asyncio

from db.models import RoleName
from resolvers.evaluation.datasets import BUNDLED, parse
from schema.framework.context import Services
from server.embedded.vectors import EmbeddedVectors
from tests.chat.pipeline.conftest import PATIENCE, QUEUES, somebody
from tests.chat.pipeline.conftest import a_worker as a_chat_worker
from tests.chat.pipeline.test_documents import LOANS
from tests.evaluation.pipeline.test_runs import CANCEL, RUN, FlakyModel, create_run, wait_for_run
from tests.graphql_client import Client


async def test_answers_and_documents_do_not_wait_for_two_long_runs(
    services: Services, stored_vectors: EmbeddedVectors, graphql: Client
) -> None:
    person = await somebody(graphql, role=RoleName.MANAGER)
    first_question = parse(BUNDLED["handbook"].read_bytes()).questions[0].text
    endless = FlakyModel(services, stops=[first_question])
    runs = [await create_run(person, config={"testCases": 2}) for _ in range(2)]

    async with a_chat_worker(services, endless, queues=(*QUEUES, "evaluation")):
        async with asyncio.timeout(PATIENCE):
            await endless.stopped.wait()
        document = await person.added(LOANS)
        answer = await person.ask(await person.conversation(), "What is the minimum credit score?")
        states = [(await person(RUN, id=id))["evaluationRun"]["status"] for id in runs]
        for id in runs:
            await person(CANCEL, id=id)
            await wait_for_run(person, id)

    assert (document["processingStatus"], answer["state"]) == ("COMPLETED", "COMPLETED")
    assert "660" in answer["content"]
    assert sorted(states) == ["PENDING", "RUNNING"]
