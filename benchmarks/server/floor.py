"""The floor: the same answers by hand, with Starlette, asyncpg and orjson, and nothing that can be left out.

One statement for each level of an answer, whose rows become dictionaries. It reads `operationName` and
`variables` of a request, and knows neither users nor GraphQL. It may be made faster, never slower.
"""

import gc
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

DATABASE = "FLOOR_DATABASE_URL"
"""The environment variable with the database's URL."""

USERS = "SELECT id, name FROM users WHERE id = ANY($1)"
OWNED_PROJECTS = """
SELECT id, owner_id, name, code, status, description, budget, archived, created_at
FROM projects ORDER BY created_at, id LIMIT 50"""

PROJECTS = "SELECT id, name, status FROM projects ORDER BY created_at, id LIMIT 20"
SESSIONS = """
SELECT s.id, s.project_id, s.user_id, s.name, s.status, s.created_at
FROM unnest($1::uuid[]) WITH ORDINALITY p(id, o)
CROSS JOIN LATERAL (SELECT * FROM sessions WHERE project_id = p.id ORDER BY created_at, id LIMIT 10) s"""
COMPARISONS = """
SELECT id, session_id, old_drawing_id, new_drawing_id, status, score
FROM comparisons WHERE session_id = ANY($1) ORDER BY created_at, id"""
ANALYSES = """
SELECT id, comparison_id, kind, severity, confidence
FROM analysis_results WHERE comparison_id = ANY($1) ORDER BY created_at, id"""
DRAWINGS = "SELECT id, name FROM drawings WHERE id = ANY($1)"

COMPARISON = """
SELECT id, status, score, threshold, change_count, summary, options, created_at, updated_at,
  session_id, old_drawing_id, new_drawing_id
FROM comparisons WHERE id = $1"""
COMPARISON_FIELDS = (
    "id",
    "status",
    "score",
    "threshold",
    "changeCount",
    "summary",
    "options",
    "createdAt",
    "updatedAt",
)
SESSION = """
SELECT id, name, status, notes, progress, started_at, finished_at, created_at FROM sessions WHERE id = $1"""
SESSION_FIELDS = ("id", "name", "status", "notes", "progress", "startedAt", "finishedAt", "createdAt")
SHEETS = "SELECT id, name, file_url, page_number, width, height FROM drawings WHERE id = ANY($1)"
SHEET_FIELDS = ("id", "name", "fileUrl", "pageNumber", "width", "height")

CONVERSATION = "SELECT id, title FROM conversations WHERE id = $1"
MESSAGES = """
SELECT id, role, content, token_count, created_at
FROM messages WHERE conversation_id = $1 ORDER BY position, id LIMIT 200"""
CITATIONS = """
SELECT message_id, id, label, quote, page, score
FROM citations WHERE message_id = ANY($1) ORDER BY position, id"""

PROJECT_COUNT = "SELECT count(*) FROM projects"
SESSION_COUNTS = "SELECT project_id, count(*) FROM sessions WHERE project_id = ANY($1) GROUP BY project_id"
SESSION_PAGES = """
SELECT s.id, s.project_id, s.name FROM unnest($1::uuid[]) p(id)
CROSS JOIN LATERAL (SELECT * FROM sessions WHERE project_id = p.id ORDER BY created_at, id LIMIT 5) s"""
COMPARISON_COUNTS = (
    "SELECT session_id, count(*) FROM comparisons WHERE session_id = ANY($1) GROUP BY session_id"
)
COMPARISON_PAGES = """
SELECT c.id, c.session_id FROM unnest($1::uuid[]) s(id)
CROSS JOIN LATERAL (SELECT * FROM comparisons WHERE session_id = s.id ORDER BY created_at, id LIMIT 2) c"""

RELOCATE = """
UPDATE projects SET metadata = jsonb_set(metadata, '{city}', to_jsonb($2::text)), updated_at = now()
WHERE id = $1 RETURNING id, name, metadata ->> 'city'"""

Connection = PoolConnectionProxy
Variables = dict[str, str]
Answer = dict[str, Any]


async def list_projects(connection: Connection, variables: Variables) -> Answer:
    """Q1: projects with their owners."""
    projects = await connection.fetch(OWNED_PROJECTS)
    owners = {
        id: {"name": name} for id, name in await connection.fetch(USERS, list({row[1] for row in projects}))
    }
    return {
        "projects": [
            {
                "id": str(id),
                "name": name,
                "code": code,
                "status": status,
                "description": description,
                "budget": budget,
                "archived": archived,
                "createdAt": created_at,
                "owner": owners[owner_id],
            }
            for id, owner_id, name, code, status, description, budget, archived, created_at in projects
        ]
    }


async def list_everything(connection: Connection, variables: Variables) -> Answer:
    """Q2: projects with their sessions, comparisons, analyses, drawings and users."""
    projects = await connection.fetch(PROJECTS)
    sessions = await connection.fetch(SESSIONS, [row[0] for row in projects])
    comparisons = await connection.fetch(COMPARISONS, [row[0] for row in sessions])
    users = {
        id: {"id": str(id), "name": name}
        for id, name in await connection.fetch(USERS, list({row[2] for row in sessions}))
    }
    analyses = defaultdict[UUID, list[Answer]](list)
    for id, comparison_id, kind, severity, confidence in await connection.fetch(
        ANALYSES, [row[0] for row in comparisons]
    ):
        analyses[comparison_id].append(
            {"id": str(id), "kind": kind, "severity": severity, "confidence": confidence}
        )
    drawings = {
        id: {"id": str(id), "name": name}
        for id, name in await connection.fetch(DRAWINGS, list({id for row in comparisons for id in row[2:4]}))
    }
    compared, held = defaultdict[UUID, list[Answer]](list), defaultdict[UUID, list[Answer]](list)
    for id, session_id, old_id, new_id, status, score in comparisons:
        compared[session_id].append(
            {
                "id": str(id),
                "status": status,
                "score": score,
                "analysisResults": analyses.get(id, []),
                "oldDrawing": drawings[old_id],
                "newDrawing": drawings[new_id],
            }
        )
    for id, project_id, user_id, name, status, created_at in sessions:
        held[project_id].append(
            {
                "id": str(id),
                "name": name,
                "status": status,
                "createdAt": created_at,
                "comparisons": compared.get(id, []),
                "user": users[user_id],
            }
        )
    return {
        "projects": [
            {"id": str(id), "name": name, "status": status, "sessions": held.get(id, [])}
            for id, name, status in projects
        ]
    }


async def show_comparison(connection: Connection, variables: Variables) -> Answer:
    """Q3: a comparison with its session and its drawings."""
    row = await connection.fetchrow(COMPARISON, UUID(variables["id"]))
    assert row is not None
    session = await connection.fetchrow(SESSION, row[9])
    assert session is not None
    sheets = {
        sheet[0]: dict(zip(SHEET_FIELDS, (str(sheet[0]), *sheet[1:]), strict=False))
        for sheet in await connection.fetch(SHEETS, [row[10], row[11]])
    }
    comparison = dict(zip(COMPARISON_FIELDS, (str(row[0]), *row[1:]), strict=False))
    comparison["options"] = orjson.Fragment(row[6])
    comparison["session"] = dict(zip(SESSION_FIELDS, (str(session[0]), *session[1:]), strict=False))
    comparison["oldDrawing"], comparison["newDrawing"] = sheets[row[10]], sheets[row[11]]
    return {"comparison": comparison}


async def show_conversation(connection: Connection, variables: Variables) -> Answer:
    """Q4: a conversation with its messages and citations."""
    conversation = await connection.fetchrow(CONVERSATION, UUID(variables["id"]))
    assert conversation is not None
    id, title = conversation
    messages = await connection.fetch(MESSAGES, id)
    citations = defaultdict[UUID, list[Answer]](list)
    for message_id, citation_id, label, quote, page, score in await connection.fetch(
        CITATIONS, [row[0] for row in messages]
    ):
        citations[message_id].append(
            {"id": str(citation_id), "label": label, "quote": quote, "page": page, "score": score}
        )
    return {
        "conversation": {
            "id": str(id),
            "title": title,
            "messages": [
                {
                    "id": str(message_id),
                    "role": role,
                    "content": content,
                    "tokenCount": token_count,
                    "createdAt": created_at,
                    "citations": citations.get(message_id, []),
                }
                for message_id, role, content, token_count, created_at in messages
            ],
        }
    }


async def list_nested_pages(connection: Connection, variables: Variables) -> Answer:
    """Q5: pages of projects, sessions and comparisons, with the total of each list."""
    total = await connection.fetchval(PROJECT_COUNT)
    projects = await connection.fetch(PROJECTS)
    project_ids = [row[0] for row in projects]
    session_counts = {row[0]: row[1] for row in await connection.fetch(SESSION_COUNTS, project_ids)}
    sessions = await connection.fetch(SESSION_PAGES, project_ids)
    session_ids = [row[0] for row in sessions]
    comparison_counts = {row[0]: row[1] for row in await connection.fetch(COMPARISON_COUNTS, session_ids)}
    compared, held = defaultdict[UUID, list[Answer]](list), defaultdict[UUID, list[Answer]](list)
    for id, session_id in await connection.fetch(COMPARISON_PAGES, session_ids):
        compared[session_id].append({"id": str(id)})
    for id, project_id, name in sessions:
        page = {"totalCount": comparison_counts.get(id, 0), "nodes": compared.get(id, [])}
        held[project_id].append({"id": str(id), "name": name, "comparisons": page})
    nodes = [
        {
            "id": str(id),
            "name": name,
            "sessions": {"totalCount": session_counts.get(id, 0), "nodes": held.get(id, [])},
        }
        for id, name, _ in projects
    ]
    return {"projects": {"totalCount": total, "nodes": nodes}}


async def relocate(connection: Connection, variables: Variables) -> Answer:
    """M1: changes the location of a project."""
    row = await connection.fetchrow(RELOCATE, UUID(variables["id"]), variables["location"])
    assert row is not None
    id, name, location = row
    return {"payload": {"project": {"id": str(id), "name": name, "location": location}, "errors": []}}


OPERATIONS: dict[str, Callable[[Connection, Variables], Awaitable[Answer]]] = {
    "Q1": list_projects,
    "Q2": list_everything,
    "Q3": show_comparison,
    "Q4": show_conversation,
    "Q5": list_nested_pages,
    "M1": relocate,
}

pool: asyncpg.Pool


async def answer(request: Request) -> Response:
    """Answers an operation."""
    body = orjson.loads(await request.body())
    async with pool.acquire() as connection:
        data = await OPERATIONS[body["operationName"]](connection, body.get("variables") or {})
    return Response(orjson.dumps({"data": data}), media_type="application/json")


async def ready(request: Request) -> Response:
    """Whether it is ready."""
    return Response()


async def keep(connection: asyncpg.Connection) -> None:
    """Gives a connection back without a statement that resets it."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Opens the pool, and takes what is loaded out of garbage collection."""
    global pool
    pool = await asyncpg.create_pool(os.environ[DATABASE], min_size=4, max_size=16, reset=keep)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    yield
    await pool.close()


app = Starlette(
    routes=[Route("/graphql", answer, methods=["POST"]), Route("/readyz", ready)], lifespan=lifespan
)
