"""Nothing that the server returns leads to a host that the client named."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from core.settings import Settings
from db.ids import new_id
from db.models import User, UserStatus
from schema.framework.context import Services
from server.app import create_app
from tests.conftest import Save
from tests.factories import a_company, a_user, an_upload
from tests.factories.knowledge import a_document

EVIL = {
    "host": "evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "gopher",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-prefix": "/evil",
    "forwarded": "host=evil.example;proto=gopher",
}
DOCUMENT = "query ($id: ID!) { document(id: $id) { fileUrl } }"


@pytest.mark.parametrize(
    ("public_url", "begin"),
    [(None, "/files/"), ("https://seshat.example/base", "https://seshat.example/base/files/")],
)
async def test_links_never_lead_to_the_host_of_the_request(
    settings: Settings, services: Services, save: Save, public_url: str | None, begin: str
) -> None:
    user = a_user(a_company())
    document = a_document(user, an_upload(user))
    await save(document)
    app = create_app(settings.model_copy(update={"worker": False, "public_url": public_url}))
    headers = {**EVIL, "authorization": f"Bearer {services.token_signer.access_token(user.id)}"}
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
        answer = await client.post(
            "http://evil.example/graphql",
            json={"query": DOCUMENT, "variables": {"id": document.gid}},
            headers=headers,
        )

    assert answer.json()["data"]["document"]["fileUrl"].startswith(begin)
    assert "evil" not in answer.text


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphql/", "/readyz/", "/files/x", "/assets", "/x"])
async def test_no_answer_repeats_the_host_of_the_request(api: httpx.AsyncClient, path: str) -> None:
    headers = {**EVIL, "accept": "text/html,application/xhtml+xml"}

    answer = await api.get(path, headers=headers, follow_redirects=False)

    assert "evil" not in answer.text + str(answer.headers)


async def test_links_of_the_suspended_stop_working(
    api: httpx.AsyncClient, services: Services, save: Save
) -> None:
    user = a_user(a_company())
    document = a_document(user, an_upload(user))
    await save(document)
    headers = {"authorization": f"Bearer {services.token_signer.access_token(user.id)}"}

    async def link(query: str, **variables: str) -> str:
        body = {"query": query, "variables": variables}
        answer = (await api.post("/graphql", json=body, headers=headers)).json()["data"]
        return str(answer["document"]["fileUrl"])

    download = await link(DOCUMENT, id=document.gid)
    before = await api.get(download)
    async with services.database.platform() as uow:
        await uow.execute(update(User).where(User.id == user.id).values(status=UserStatus.SUSPENDED))
    async with asyncio.timeout(1):
        while (after := await api.get(download)).status_code != 410:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert before.status_code == 404, "the file itself is not stored"
    assert after.json()["errors"][0]["message"] == "The link is no longer valid."
    upload = replace(services.links, holder_id=user.id).upload_url(
        user.company.id, new_id(), datetime.now(UTC) + timedelta(hours=1)
    )
    assert (await api.put(upload, content=b"x")).status_code == 410
