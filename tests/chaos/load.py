"""The load: companies with their administrators, and flows that repeat until closing time."""

import asyncio
import random
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from server.seed import ADMIN
from tests.chaos import documents as gql
from tests.chaos import operations
from tests.chaos.client import Client, Clock, NoAnswer, Over, Refusal
from tests.chaos.installation import Installation
from tests.chaos.ledger import Entry, Ledger
from tests.chaos.operations import ENDED, Flow, Tenant
from tests.chaos.outside import MODELS, Outside
from tests.drawings.pipeline.sample_drawings import sheets

COMPANIES = ("quartz", "basalt", "marble")
WANDERER = "A company that moves"
PROBES = 3
"""Times that each query is sent when the installation has settled."""
FIRST_PASSWORD = re.compile(rf"{re.escape(ADMIN)}  (\S+)")

FLOWS: dict[Flow, tuple[float, float]] = {
    operations.projects: (1.0, 3.0),
    operations.library: (1.0, 4.0),
    operations.chat: (1.0, 4.0),
    operations.text_check: (4.0, 10.0),
    operations.crawl: (4.0, 10.0),
    operations.energy: (4.0, 10.0),
    operations.proposals: (4.0, 10.0),
    operations.evaluation: (6.0, 15.0),
    operations.comparison: (15.0, 40.0),
    operations.read_lists: (0.3, 1.0),
    operations.abandon_request: (0.3, 1.0),
    operations.broken_document: (10.0, 25.0),
}
"""The flows of each company, with the minimum and maximum pause between two of them."""


@dataclass
class Load:
    """Three companies and the platform's administrator at work."""

    installation: Installation
    outside: Outside
    http: httpx.AsyncClient
    clock: Clock
    chance: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    tenants: list[Tenant] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    """Passwords, e-mail addresses and texts that no log may hold."""
    _activity: list[asyncio.Task[None]] = field(default_factory=list)

    async def set_up(self) -> None:
        """Creates the companies and their administrators, and begins to listen to their activity."""
        self.platform = self.client("platform", ADMIN, self.first_password())
        await self.platform.sign_in()
        drawings = await asyncio.to_thread(draw)
        suffix = secrets.token_hex(2)
        markers = [f"{name}{suffix}" for name in COMPANIES]
        for name, marker in zip(COMPANIES, markers, strict=True):
            entry = self.ledger.enter("companies", f"{marker} works", "platform")
            await self.platform.create(gql.CREATE_COMPANY, entry, {"name": entry.name})
            user = self.ledger.enter("users", f"keeper.{marker}@chaos.example", "platform")
            password = f"{secrets.token_urlsafe(12)}-aA1"
            values = {"companyId": entry.id, "email": user.name, "password": password, "role": "ADMIN"}
            await self.platform.create(gql.CREATE_USER, user, values)
            client = self.client(name, user.name, password)
            client.marker, client.foreign = marker, tuple(other for other in markers if other != marker)
            await client.sign_in()
            self.secrets += [user.name, password]
            self.tenants.append(Tenant(client, self.outside.image_urls, drawings))
        for tenant in self.tenants:
            tenant.others = [other for other in self.tenants if other is not tenant]
            self._activity.append(asyncio.create_task(self.listen(tenant)))
            while not self.ledger.activities.get(tenant.client.company):
                project = tenant.enter("projects", "first")
                await tenant.client.create(gql.CREATE_PROJECT, project, {"name": project.name})
                await asyncio.sleep(1)

    def client(self, company: str, login: str, password: str) -> Client:
        """A client of the installation."""
        chance = random.Random(self.chance.random())
        return Client(
            self.installation.url, self.http, self.ledger, self.clock, company, login, password, chance=chance
        )

    def first_password(self) -> str:
        """The password of the first super admin, which the server printed."""
        found = FIRST_PASSWORD.search((self.installation.logs / "api.log").read_text())
        if found is None:
            raise RuntimeError("the server printed no password")
        return found[1]

    async def run(self) -> None:
        """Repeats all flows until closing time; returns when the last one has ended."""
        flows = [self.repeat(flow, tenant, pause) for tenant in self.tenants for flow, pause in FLOWS.items()]
        flows += [self.repeat_platform(self.companies, 4.0), self.repeat_platform(self.rollout, 20.0)]
        flows.append(self.repeat_platform(self.placement, 10.0))
        await asyncio.gather(*flows)

    async def repeat(self, flow: Flow, tenant: Tenant, pause: tuple[float, float]) -> None:
        """Repeats a flow of a company until closing time."""
        await asyncio.sleep(tenant.chance.uniform(0, pause[0]))
        name = getattr(flow, "__name__", "flow")
        while await self.once(name, lambda: flow(tenant), tenant.chance.uniform(*pause)):
            pass

    async def repeat_platform(self, flow: Callable[[], Awaitable[None]], pause: float) -> None:
        """Repeats a flow of the platform's administrator until closing time."""
        while await self.once(getattr(flow, "__name__", "flow"), flow, pause):
            pass

    async def once(self, name: str, flow: Callable[[], Awaitable[None]], pause: float) -> bool:
        """Runs a flow and pauses. Returns False once the load has ended."""
        try:
            self.clock.check()
            await flow()
            self.ledger.outcomes[f"flow {name}"] += 1
        except Over:
            if time.monotonic() > self.clock.end:
                self.ledger.faults[f"flow {name} did not end"] += 1
            return False
        except Refusal as refused:
            self.ledger.faults[f"flow {name} was refused: {refused}"] += 1
        await asyncio.sleep(pause)
        return True

    async def companies(self) -> None:
        """Creates a company and deletes it."""
        number = len(list(self.ledger.of("companies")))
        entry = self.ledger.enter("companies", f"Short-lived {number:04}", "platform")
        await self.platform.create(gql.CREATE_COMPANY, entry, {"name": entry.name})
        await self.platform.mutate(gql.UPDATE_COMPANY, id=entry.id, input={"isActive": False})
        await self.tenants[0].delete_as(self.platform, gql.DELETE_COMPANY, entry)

    async def placement(self) -> None:
        """Moves a company to a database of its own, and back to the shared one."""
        entry = next((entry for entry in self.ledger.of("companies") if entry.name == WANDERER), None)
        if entry is None:
            entry = self.ledger.enter("companies", WANDERER, "platform")
            await self.platform.create(gql.CREATE_COMPANY, entry, {"name": entry.name})
        for dedicated in (True, False):
            while (job := await self.place(entry, dedicated=dedicated)) is not None:
                await self.ended(job)

    async def ended(self, job: str) -> None:
        """Waits for the end of a job of the platform company."""
        while True:
            node = (await self.platform.query(gql.JOB, id=job))["node"]
            if node is None or node["status"] in ENDED:
                return
            await asyncio.sleep(0.5)

    async def place(self, entry: Entry, *, dedicated: bool) -> str | None:
        """The job that moves a company; None if it is where it is to be."""
        while True:
            self.clock.check()
            try:
                sent = {"dedicated": dedicated}
                payload = await self.platform.mutate(gql.PLACE_COMPANY, id=entry.id, input=sent)
            except Refusal as refused:
                if refused.code != "CONFLICT":
                    raise
                await asyncio.sleep(0.5)  # a request that was not answered is carried out
            else:
                return payload["job"] and str(payload["job"]["id"])

    async def rollout(self) -> None:
        """Activates the embedding model that is not active."""
        models = (await self.platform.query(gql.MODELS))["embeddingModels"]["nodes"]
        if len(models) < len(MODELS):
            entry = self.ledger.enter("embedding_models", "chaos-large", "platform")
            values = {
                "name": entry.name,
                "provider": "openai",
                "dimension": MODELS[entry.name],
                "maxTokens": 8000,
            }
            await self.platform.create(gql.CREATE_MODEL, entry, values)
            return
        [idle] = [model["id"] for model in models if not model["isActive"]]
        await self.platform.mutate(gql.ACTIVATE_MODEL, id=idle)

    async def listen(self, tenant: Tenant) -> None:
        """Receives the activities of a company until the end."""
        received = self.ledger.activities.setdefault(tenant.client.company, [])
        with suppress(Over):
            while True:
                async with aclosing(tenant.client.subscribe(gql.WATCH_ACTIVITY)) as events:
                    async for event in events:
                        received.append(event["activity"]["id"])

    async def probe(self) -> int:
        """Sends queries while nothing else happens. Returns the number that were not answered at once."""
        failed = 0
        for document in gql.READS * PROBES:
            for tenant in self.tenants:
                try:
                    await tenant.client.send(document, {})
                except (NoAnswer, Refusal):
                    failed += 1
        return failed

    async def close(self) -> None:
        """Stops listening."""
        for task in self._activity:
            task.cancel()
        await asyncio.gather(*self._activity, return_exceptions=True)


def draw() -> tuple[bytes, bytes]:
    """Two revisions of a sheet."""
    with TemporaryDirectory() as folder:
        paths: Sequence[Path] = [sheets(Path(folder) / f"{number}.pdf", number, "A-101") for number in (0, 1)]
        old, new = (path.read_bytes() for path in paths)
    return old, new
