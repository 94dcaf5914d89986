"""What people do: flows of mutations, jobs and subscriptions, each step entered in the ledger."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.chaos import documents as gql
from tests.chaos.client import Client, Over, Refusal
from tests.chaos.ledger import Entry, Fate, Stream

ENDED = ("COMPLETED", "FAILED", "CANCELLED")
WATCH_SECONDS = 45.0
"""Time after which a watched job is looked up."""
IMPORT_DAYS = 40
QUESTIONS = 4
"""Questions of an evaluation."""
BROKEN_PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 9 0 R >>\n%%EOF\n"


@dataclass
class Tenant:
    """A company and its administrator, with addresses of images and two revisions of a sheet."""

    client: Client
    images: Sequence[str]
    drawings: tuple[bytes, bytes]
    others: list["Tenant"] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def marker(self) -> str:
        """In everything that the company writes."""
        return self.client.marker

    @property
    def chance(self) -> random.Random:
        """Chance of the company's clients."""
        return self.client.chance

    def enter(self, table: str, kind: str) -> Entry:
        """A new entry with a name of its own."""
        return self.client.ledger.enter(table, self.name(kind), self.client.company)

    def name(self, kind: str) -> str:
        """A name that nothing else has."""
        return f"{self.marker} {kind} {next(self.numbers):05}"

    def stream(self, subject: str) -> Stream:
        """A new stream of the ledger."""
        stream = Stream(self.client.company, subject)
        self.client.ledger.streams.append(stream)
        return stream

    async def update(self, document: str, entry: Entry, **values: Any) -> None:
        """Changes columns of an entry's row; they may have either value until it is acknowledged."""
        for name, value in values.items():
            earlier = entry.fields.get(name, [])
            entry.fields[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value.lower()]
        await self.client.mutate(document, id=entry.id, input=values)
        entry.fields.update({name: value.lower() for name, value in values.items()})
        self.client.ledger.outcomes["acknowledged mutations"] += 1

    async def delete(self, document: str, entry: Entry) -> bool:
        """Deletes an entry's row. Returns whether it is gone."""
        return await self.delete_as(self.client, document, entry)

    async def delete_as(self, client: Client, document: str, entry: Entry) -> bool:
        """Deletes an entry's row as somebody else."""
        earlier, entry.fate = entry.fate, Fate.LEAVING
        try:
            await client.mutate(document, id=entry.id)
        except Refusal as refused:
            if refused.code != "NOT_FOUND":
                entry.fate = earlier
                return False
        entry.fate = Fate.GONE
        self.client.ledger.outcomes["acknowledged mutations"] += 1
        return True

    async def ended(self, job_id: str) -> str:
        """The status with which a job ends, as its subscription says."""
        client = self.client
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_SECONDS):
                    async with aclosing(client.subscribe(gql.WATCH_JOB, id=job_id)) as events:
                        async for event in events:
                            if event["status"] in ENDED:
                                return str(event["status"])
            row = (await client.query(gql.JOB, id=job_id))["node"]
            if row is not None and row["status"] in ENDED:
                client.ledger.outcomes["jobs whose end was not received"] += 1
                return str(row["status"])
            if time.monotonic() > client.clock.end:
                raise Over

    async def collect(self, stream: Stream, document: str, **variables: Any) -> None:
        """Receives all events of a subscription that ends by itself."""
        async with aclosing(self.client.subscribe(document, **variables)) as events:
            async for event in events:
                stream.events.append(event)
        stream.complete = True


Flow = Callable[[Tenant], Awaitable[None]]


async def projects(tenant: Tenant) -> None:
    """Creates, renames, archives, and sometimes deletes a project."""
    entry = tenant.enter("projects", "project")
    await tenant.client.create(gql.CREATE_PROJECT, entry, {"name": entry.name})
    await tenant.update(gql.UPDATE_PROJECT, entry, location=tenant.name("place"))
    if tenant.chance.random() < 0.3:
        await tenant.client.mutate(gql.ARCHIVE_PROJECT, id=entry.id)
        entry.fields["status"] = "archived"
    if tenant.chance.random() < 0.3:
        await tenant.delete(gql.DELETE_PROJECT, entry)


async def add_document(tenant: Tenant, paragraphs: int = 8) -> tuple[Entry, str]:
    """A document and the job that processes it."""
    entry = tenant.enter("documents", "document")
    upload = await tenant.client.upload(f"{entry.name}.txt", text(entry.name, paragraphs), "text/plain")
    values = {"uploadId": upload.id, "title": entry.name, "scope": "COMPANY"}
    made = await tenant.client.create(gql.CREATE_DOCUMENT, entry, values)
    upload.parent = entry.id
    return entry, made["document"]["job"]["id"]


async def library(tenant: Tenant) -> None:
    """Adds a document, changes who sees it, processes it again, and sometimes deletes it."""
    entry, job = await add_document(tenant, tenant.chance.randint(4, 40))
    await tenant.ended(job)
    await tenant.update(gql.UPDATE_DOCUMENT, entry, scope="USER")
    if tenant.chance.random() < 0.4:
        again = await tenant.client.mutate(gql.REPROCESS_DOCUMENT, id=entry.id)
        await tenant.ended(again["document"]["job"]["id"])
    if tenant.chance.random() < 0.6:
        await tenant.delete(gql.DELETE_DOCUMENT, entry)


async def broken_document(tenant: Tenant) -> None:
    """Adds a file that cannot be read: its job has to fail."""
    entry = tenant.enter("documents", "broken")
    upload = await tenant.client.upload(f"{entry.name}.pdf", BROKEN_PDF, "application/pdf")
    made = await tenant.client.create(
        gql.CREATE_DOCUMENT, entry, {"uploadId": upload.id, "title": entry.name}
    )
    job = made["document"]["job"]["id"]
    tenant.client.ledger.may_fail.add(job)
    if await tenant.ended(job) != "FAILED":
        tenant.client.ledger.faults["a document that cannot be read was processed"] += 1


async def text_check(tenant: Tenant) -> None:
    """Has a text checked against the documents that there are."""
    entry = tenant.enter("text_checks", "check")
    entry.name = f"The gate of {entry.name} opens at nine. It is locked at night."
    made = await tenant.client.create(gql.CHECK_TEXT, entry, {"text": entry.name})
    await tenant.ended(made["textCheck"]["job"]["id"])


async def chat(tenant: Tenant) -> None:
    """Asks questions in a conversation, one after another, and listens to the answers."""
    entry = tenant.enter("conversations", "conversation")
    await tenant.client.create(gql.CREATE_CONVERSATION, entry, {"title": entry.name})
    stream = tenant.stream(str(entry.id))
    completed: set[str] = set()
    arrived = asyncio.Event()

    async def listen() -> None:
        async with aclosing(tenant.client.subscribe(gql.WATCH_CONVERSATION, id=entry.id)) as events:
            async for event in events:
                stream.events.append(event)
                if event["kind"] in ("MessageCompleted", "MessageFailed"):
                    completed.add(event.get("messageId") or (event.get("messageOf") or {}).get("id", ""))
                arrived.set()
                arrived.clear()

    listening = asyncio.create_task(listen())
    try:
        for _ in range(tenant.chance.randint(1, 3)):
            tenant.client.clock.check()
            answer = await ask(tenant, entry)
            await wait_for_answer(tenant, answer, completed, bool(stream.events))
            await tenant.client.mutate(
                gql.SUBMIT_FEEDBACK, input={"messageId": answer, "rating": "THUMBS_UP"}
            )
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError, Refusal, Over):
            await listening


async def ask(tenant: Tenant, conversation: Entry) -> str:
    """The ID of the answer to a new question."""
    question = tenant.enter("messages", "question")
    question.name = f"When does the gate of the hall open? {question.name}"
    values: dict[str, Any] = {"conversationId": conversation.id, "content": question.name}
    if tenant.chance.random() < 0.3:
        values |= {"mode": "COUNCIL", "councilRounds": 1}
    sent = await tenant.client.create(gql.SEND_MESSAGE, question, values)
    return str(sent["answer"]["id"])


async def wait_for_answer(tenant: Tenant, answer: str, completed: set[str], streamed: bool) -> None:
    """Waits until the answer has ended, and then for its last event."""
    client = tenant.client
    while answer not in completed:
        row = (await client.query(gql.ANSWER, id=answer))["message"]
        if row["state"] != "STREAMING":
            break
        await asyncio.sleep(0.5)
    deadline = time.monotonic() + WATCH_SECONDS
    while streamed and answer not in completed:
        if time.monotonic() > min(deadline, client.clock.end):
            client.ledger.outcomes["answers whose end was not received"] += 1
            return
        await asyncio.sleep(0.1)


async def crawl(tenant: Tenant) -> None:
    """Crawls images, validates and exports them, and sometimes deletes the crawl."""
    client = tenant.client
    project, entry = tenant.enter("projects", "gallery"), tenant.enter("crawl_jobs", "crawl")
    await client.create(gql.CREATE_PROJECT, project, {"name": project.name})
    sources = [{"kind": "URLS", "urls": list(half)} for half in (tenant.images[::2], tenant.images[1::2])]
    values = {"projectId": project.id, "name": entry.name, "keywords": [tenant.marker], "sources": sources}
    await client.create(gql.CREATE_CRAWL, entry, values)
    images = asyncio.create_task(tenant.collect(tenant.stream(str(entry.id)), gql.WATCH_IMAGES, id=entry.id))
    await tenant.ended(str(entry.id))
    await images
    for table, kind, document in (
        ("validation_jobs", "validation", gql.CREATE_VALIDATION),
        ("export_jobs", "export", gql.CREATE_EXPORT),
    ):
        below = tenant.enter(table, kind)
        below.parent = entry.id
        await client.create(document, below, {"crawlJobId": entry.id, "name": below.name})
        await tenant.ended(str(below.id))
    if tenant.chance.random() < 0.5:
        await tenant.delete(gql.DELETE_CRAWL, entry)


async def energy(tenant: Tenant) -> None:
    """Imports consumption, generates a report, saves it, and waits for its files."""
    client = tenant.client
    profile = {
        "industry": "Manufacturing",
        "location": f"{tenant.marker} works",
        "targetYear": 2036,
        "renewablePercentageIncrease": 50.0,
        "budget": 1200.0,
        "currentRenewablePercentage": 10.0,
        "totalConsumptionKwh": 10_000.0,
    }
    await client.mutate(gql.UPDATE_PROFILE, input=profile)
    entry = tenant.enter("historical_data_imports", "load")
    entry.name += ".csv"
    upload = await client.upload(entry.name, readings(), "text/csv")
    made = await client.create(gql.IMPORT_DATA, entry, {"uploadId": upload.id})
    await tenant.ended(made["historicalDataImport"]["job"]["id"])
    report = tenant.enter("reports", "report")
    made = await client.create(gql.GENERATE_REPORT, report, {"title": report.name})
    progress = tenant.stream(str(report.id))
    watching = asyncio.create_task(tenant.collect(progress, gql.WATCH_REPORT, id=report.id))
    status = await tenant.ended(made["report"]["job"]["id"])
    await watching
    if status != "COMPLETED":
        return
    saved = tenant.enter("saved_reports", "saved")
    await client.create(gql.SAVE_REPORT, saved, {"reportId": report.id, "title": saved.name})
    while not (await client.query(gql.SAVED_FILES, id=saved.id))["savedReport"]["files"]:
        if time.monotonic() > client.clock.end:
            raise Over
        await asyncio.sleep(0.5)
    if tenant.chance.random() < 0.4:
        await tenant.delete(gql.DELETE_REPORT, saved)


async def proposals(tenant: Tenant) -> None:
    """Has requirements proposed, and adds one."""
    client = tenant.client
    entry = tenant.enter("requirement_proposals", "proposal")
    entry.name = f"A primary button with a loading spinner and an icon, for {entry.name}."
    made = await client.create(gql.CREATE_PROPOSAL, entry, {"description": entry.name})
    proposed = tenant.stream(str(entry.id))
    watching = asyncio.create_task(tenant.collect(proposed, gql.WATCH_PROPOSAL, id=entry.id))
    status = await tenant.ended(made["requirementProposal"]["job"]["id"])
    await watching
    if status == "COMPLETED":
        added = tenant.enter("proposed_requirements", "requirement")
        values = {"requirementProposalId": entry.id, "category": "PROPS", "name": added.name}
        await client.create(gql.ADD_REQUIREMENT, added, values)


async def evaluation(tenant: Tenant) -> None:
    """Measures the model on a data set, and sometimes deletes the run."""
    entry = tenant.enter("evaluation_runs", "run")
    upload = await tenant.client.upload(f"{entry.name}.csv", data_set(entry.name), "text/csv")
    values = {"name": entry.name, "datasetUploadId": upload.id}
    await tenant.client.create(gql.CREATE_EVALUATION, entry, values)
    await tenant.ended(str(entry.id))
    if tenant.chance.random() < 0.3:
        await tenant.delete(gql.DELETE_EVALUATION, entry)


async def comparison(tenant: Tenant) -> None:
    """Compares two revisions of a sheet, and sometimes deletes the session."""
    client = tenant.client
    entry = tenant.enter("drawing_sessions", "session")
    old, new = [
        await client.upload(f"{entry.name} {number}.pdf", content, "application/pdf")
        for number, content in enumerate(tenant.drawings)
    ]
    values = {"oldUploadId": old.id, "newUploadId": new.id, "name": entry.name}
    await client.create(gql.CREATE_SESSION, entry, values)
    await client.mutate(gql.START_SESSION, id=entry.id)
    async with aclosing(client.subscribe(gql.WATCH_SESSION, id=entry.id)) as events:
        async for event in events:
            if event["status"] in ("COMPLETED", "ERROR"):
                break
    if tenant.chance.random() < 0.4:
        await tenant.delete(gql.DELETE_SESSION, entry)


async def read_lists(tenant: Tenant) -> None:
    """Reads lists, and tries the IDs of another company's rows."""
    client = tenant.client
    await client.query(tenant.chance.choice(gql.READS))
    foreign = [
        entry.id
        for other in tenant.others
        for entry in client.ledger.entries
        if entry.company == other.client.company and entry.id and entry.table != "messages"
    ]
    if foreign:
        ids = tenant.chance.sample(foreign, min(10, len(foreign)))
        for node in (await client.query(gql.NODES, ids=ids))["nodes"]:
            if node is not None:
                client.ledger.faults[f"{client.company} was shown a foreign {node['__typename']}"] += 1


async def abandon_request(tenant: Tenant) -> None:
    """Sends a request or opens a subscription, and leaves before the answer."""
    client, seconds = tenant.client, tenant.chance.uniform(0.01, 0.3)
    with suppress(Exception):
        if tenant.chance.random() < 0.6:
            await client.send(tenant.chance.choice(gql.READS), {}, seconds)
        else:
            async with asyncio.timeout(seconds):
                async with aclosing(client.subscribe(gql.WATCH_ACTIVITY)) as events:
                    await anext(events)


def text(name: str, paragraphs: int) -> bytes:
    """The text of a document."""
    lines = [f"Guide of {name}."]
    for number in range(paragraphs):
        lines.append(
            f"The gate of the hall {number} of {name} opens at {6 + number % 12} in the morning, and "
            f"the keeper of the hall {number} closes it at night. Visitors of {name} show a pass."
        )
    return "\n\n".join(lines).encode()


def readings() -> bytes:
    """Hourly consumption of `IMPORT_DAYS` days."""
    first = datetime(2025, 3, 1)
    hours = (first + timedelta(hours=hour) for hour in range(24 * IMPORT_DAYS))
    rows = (f"{hour:%Y-%m-%d %H:%M},{10 + hour.hour % 5}.5" for hour in hours)
    return "\n".join(["timestamp,consumption_kwh", *rows, ""]).encode()


def data_set(name: str) -> bytes:
    """Questions, each with its passage, as CSV."""
    lines = ["question,answer,passage"]
    for number in range(QUESTIONS):
        hall = f"the hall {number} of {name}"
        lines.append(f"When does {hall} open?,At {number + 5}.,The doors of {hall} open at {number + 5}.")
    return "\n".join([*lines, ""]).encode()
