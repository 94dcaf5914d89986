"""Admission control: who runs, who waits, who is refused, and in which order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx import AsyncClient

from core.errors import Unavailable
from server.graphql.admission import Admission, AdmissionLimits
from server.graphql.view import GraphQLView
from tests.server.graphql.conftest import client_of, until
from tests.server.graphql.test_socket import open_socket
from tests.server.graphql.toy_schema import Contexts, application

ONE = AdmissionLimits(operations=1, waiting=4, waiting_seconds=5)


class Queue:
    """Operations that note their start, and run until they are told to end."""

    def __init__(self, limits: AdmissionLimits = ONE) -> None:
        self.admission = Admission(limits)
        self.started: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def add(self, *names: str) -> None:
        """Operations of callers, which are the first letters of the names."""
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self.run(name))
            await asyncio.sleep(0)

    async def run(self, name: str) -> None:
        async with self.admission.slot(name[0]):
            self.started.append(name)
            await self.ends[name].wait()

    async def end(self, *names: str) -> None:
        """End operations that run."""
        for name in names:
            self.ends[name].set()
            await self.tasks[name]
            await asyncio.sleep(0)

    async def leave(self, name: str) -> None:
        """The client of an operation leaves."""
        self.tasks[name].cancel()
        await asyncio.wait({self.tasks[name]})

    def refused(self) -> list[str]:
        """Those that were refused."""
        ended = [(name, task) for name, task in self.tasks.items() if task.done() and not task.cancelled()]
        return [name for name, task in ended if isinstance(task.exception(), Unavailable)]


async def test_operations_of_one_caller_start_in_their_order() -> None:
    queue = Queue()
    await queue.add("a1", "a2", "a3")

    await queue.end("a1", "a2", "a3")

    assert queue.started == ["a1", "a2", "a3"]
    assert (queue.admission.running, queue.admission.waiting) == (0, 0)


async def test_callers_take_turns() -> None:
    queue = Queue()
    await queue.add("a1", "a2", "a3", "a4", "b1")

    await queue.end("a1", "b1", "a2", "a3", "a4")

    assert queue.started == ["a1", "b1", "a2", "a3", "a4"]


async def test_a_full_queue_refuses_the_newest_of_who_has_most() -> None:
    queue = Queue()
    await queue.add("a1", "a2", "a3", "a4", "a5")

    await queue.add("a6")
    assert queue.refused() == ["a6"]
    with pytest.raises(Unavailable):
        queue.admission.require_room("a")

    queue.admission.require_room("b")
    await queue.add("b1")
    await asyncio.sleep(0)
    assert queue.refused() == ["a5", "a6"]
    assert queue.admission.waiting == 4

    await queue.end("a1", "b1", "a2", "a3", "a4")
    assert queue.started == ["a1", "b1", "a2", "a3", "a4"]


async def test_who_waits_too_long_is_refused() -> None:
    queue = Queue(AdmissionLimits(operations=1, waiting_seconds=0.02))
    await queue.add("a1", "a2")

    await asyncio.wait({queue.tasks["a2"]})

    assert queue.refused() == ["a2"]
    await queue.end("a1")
    assert (queue.admission.running, queue.admission.waiting) == (0, 0)


async def test_who_would_wait_too_long_is_refused_at_once() -> None:
    queue = Queue(AdmissionLimits(operations=1, waiting_seconds=0.5))
    queue.admission.interval = 0.2
    await queue.add("a1", "a2", "a3", "a4")
    await asyncio.sleep(0)

    assert queue.refused() == ["a4"]
    with pytest.raises(Unavailable):
        queue.admission.require_room("a")
    queue.admission.require_room("b")
    await queue.add("b1", "b2")
    await asyncio.sleep(0)
    assert queue.refused() == ["a4", "b2"]

    queue.admission.interval = 0
    await queue.end("a1", "b1", "a2", "a3")
    assert queue.admission.interval > 0


async def test_without_a_queue_what_cannot_run_is_refused() -> None:
    queue = Queue(AdmissionLimits(operations=1, waiting=0))
    queue.admission.require_room("a")
    await queue.add("a1", "a2")
    await asyncio.sleep(0)

    assert (queue.started, queue.refused()) == (["a1"], ["a2"])
    await queue.end("a1")


async def test_who_leaves_has_had_a_turn() -> None:
    queue = Queue(AdmissionLimits(operations=1))
    await queue.add("a1", "a2", "b1", "a3", "b2")

    await queue.leave("a2")
    await queue.end("a1", "b1", "b2", "a3")

    assert queue.started == ["a1", "b1", "b2", "a3"]


async def test_who_leaves_at_the_turn_hands_it_on() -> None:
    queue = Queue()
    await queue.add("a1", "a2", "a3")

    queue.ends["a1"].set()
    await asyncio.sleep(0)  # the first has ended, and the second is about to start
    await queue.leave("a2")
    await asyncio.sleep(0)

    assert queue.started == ["a1", "a3"]
    await queue.end("a3")
    assert (queue.admission.running, queue.admission.waiting) == (0, 0)


async def test_slow_operations_do_not_keep_others_waiting() -> None:
    queue = Queue(AdmissionLimits(operations=1, slow_operations=1, slow_seconds=0.02))
    await queue.add("a1", "a2", "a3")

    await until(lambda: queue.started == ["a1", "a2"])
    await asyncio.sleep(0.1)
    assert queue.started == ["a1", "a2"]

    await queue.end("a1", "a2", "a3")
    assert (queue.admission.running, queue.admission.slow) == (0, 0)


async def test_first_requests_are_held_back_while_others_wait() -> None:
    queue, let_in = Queue(AdmissionLimits(operations=1, held=2)), list[str]()
    admission = queue.admission
    assert not admission.hold("x", lambda: let_in.append("x"), 5)
    await queue.add("a1", "a2")

    held = [admission.hold(name, lambda name=name: let_in.append(name), 5) for name in "xyz"]  # type: ignore[misc]
    assert held == [True, True, False]
    admission.drop("x")
    await queue.end("a1")
    assert let_in == []
    await queue.end("a2")
    assert let_in == ["y"]


async def test_nobody_is_held_back_for_long() -> None:
    queue, let_in = Queue(AdmissionLimits(operations=1)), list[str]()
    await queue.add("a1")

    assert queue.admission.hold("x", lambda: let_in.append("x"), 0.02)

    await until(lambda: let_in == ["x"])
    await queue.end("a1")


@asynccontextmanager
async def busy(contexts: Contexts, limits: AdmissionLimits) -> AsyncIterator[AsyncClient]:
    """A client of a toy with one slot, which an operation holds meanwhile."""
    app = application(contexts, admission=Admission(limits))
    async with client_of(app) as http:
        running = asyncio.create_task(http.post("/graphql", json={"query": "{ wait(seconds: 0.3) }"}))
        await until(lambda: len(contexts.opened) == 1)
        yield http
        assert (await running).json()["data"] == {"wait": "waited"}


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_an_operation_too_many_is_503_before_anything_is_done(contexts: Contexts, accept: str) -> None:
    async with busy(contexts, AdmissionLimits(operations=1, waiting=0)) as http:
        response = await http.post(
            "/graphql", content=b"no JSON", headers={"accept": accept, "content-type": "application/json"}
        )

        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        assert len(contexts.opened) == 1


async def test_an_operation_that_waits_is_answered(contexts: Contexts) -> None:
    async with busy(contexts, AdmissionLimits(operations=1)) as http:
        response = await http.post("/graphql", json={"query": "{ hello }"})

    assert response.json()["data"] == {"hello": "Hello world"}


async def test_operations_of_sockets_take_part(contexts: Contexts) -> None:
    admission = Admission(AdmissionLimits(operations=1, waiting=0))
    async with open_socket(contexts, admission=admission) as socket:
        await socket.subscribe("{ wait(seconds: 0.3) }", id="1")
        await until(lambda: admission.running == 1)
        await socket.subscribe("{ hello }", id="2")
        error = await socket.receive()
        answer = await socket.receive()
        assert await socket.receive() == {"type": "complete", "id": "1"}
        await socket.subscribe("subscription { count(to: 2, seconds: 0.2) }", id="3")
        assert (await socket.receive())["payload"]["data"] == {"count": 1}
        assert admission.running == 0

    assert (error["type"], error["id"]) == ("error", "2")
    assert error["payload"][0]["extensions"] == {"code": "UNAVAILABLE"}
    assert (answer["id"], answer["payload"]["data"]) == ("1", {"wait": "waited"})


def test_an_endpoint_has_limits_of_its_own(contexts: Contexts) -> None:
    (route, _) = application(contexts).routes
    view = route.app  # type: ignore[attr-defined]

    assert isinstance(view, GraphQLView)
    assert view.admission.limits == AdmissionLimits()
