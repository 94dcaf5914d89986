"""The explorer in a real browser: sign-in, upload, query, subscription, and nothing from any other host."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, WebSocket, async_playwright, expect

from server.http import explorer
from tests.server.explorer import toy_schema
from tests.server.graphql.conftest import serve_app

CHROMIUM = which("chromium") or which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, as Debian packages it")


@dataclass
class Site:
    """A server with the explorer, and somebody who may sign in."""

    url: str
    login: str
    password: str
    session: str
    """The id of a drawing session to watch."""


@dataclass
class OpenPage:
    """A page of the explorer, with all it asked the network for and all it complained of."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    """What came over WebSockets."""

    def follow(self, socket: WebSocket) -> None:
        """Note a socket's host and what comes over it."""
        self.hosts.add(urlsplit(socket.url).netloc)
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))

    async def tab(self, name: str) -> None:
        """Show the tab of an example."""
        await self.page.get_by_role("tab", name=name).click()

    async def write(self, editor: Locator, text: str) -> None:
        """Replace what an editor holds."""
        await editor.click()
        await self.page.keyboard.press("ControlOrMeta+A")
        await self.page.keyboard.insert_text(text)
        await self.page.keyboard.press("ControlOrMeta+Shift+End")  # brackets that the editor closed itself
        await self.page.keyboard.press("Delete")

    async def run(self, name: str, variables: dict[str, object]) -> Locator:
        """Run an example; gives the pane of its answers."""
        await self.tab(name)
        await self.write(
            self.page.locator(".graphiql-editor-tool .monaco-editor").first, json.dumps(variables)
        )
        await self.page.locator("button.graphiql-execute-button").click()
        return self.page.locator(".graphiql-response .view-lines")


@pytest.fixture(scope="module", autouse=True)
def require_built_explorer() -> None:
    """The explorer, built if it isn't current."""
    explorer.build()


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """The toy."""
    async with serve_app(toy_schema.application()) as address:
        yield Site(f"http://{address}", "ann", toy_schema.PASSWORD, "session-1")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, which can resolve no name."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, site: Site) -> AsyncIterator[OpenPage]:
    """The explorer, loaded."""
    context = await browser.new_context(viewport={"width": 1500, "height": 950})
    explorer_page = OpenPage(await context.new_page())
    context.on("request", lambda request: explorer_page.hosts.add(urlsplit(request.url).netloc))
    explorer_page.page.on("websocket", explorer_page.follow)
    explorer_page.page.on("pageerror", lambda error: explorer_page.complaints.append(str(error)))
    explorer_page.page.on(
        "console",
        lambda message: explorer_page.complaints.append(message.text) if message.type == "error" else None,
    )
    await explorer_page.page.goto(f"{site.url}/graphql")
    await expect(explorer_page.page.get_by_text("Not signed in")).to_be_visible()
    yield explorer_page
    await context.close()


async def sign_in(open_page: OpenPage, site: Site) -> None:
    """Run the first example."""
    await open_page.run("SignIn", {"login": site.login, "password": site.password})
    await expect(open_page.page.get_by_text(f"Signed in as {site.login}")).to_be_visible()


async def test_the_main_job_without_another_host(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    await sign_in(open_page, site)
    answers = await open_page.run("WatchSession", {"id": site.session})
    await expect(answers).to_contain_text("COMPLETED")
    events = [frame for frame in open_page.frames if json.loads(frame)["type"] == "next"]
    statuses = [json.loads(event)["payload"]["data"]["sessionProgress"]["status"] for event in events]
    assert statuses == ["PROCESSING", "PROCESSING", "COMPLETED"]
    await open_page.page.screenshot(path=tmp_path / "watched.png")

    assert open_page.hosts - {""} == {urlsplit(site.url).netloc}
    assert [complaint[:300] for complaint in open_page.complaints] == []


async def test_an_operation_is_run_at_once_after_its_tab_is_shown(open_page: OpenPage, site: Site) -> None:
    await sign_in(open_page, site)
    tab = await open_page.page.get_by_role("tab", name="WatchSession").element_handle()
    button = await open_page.page.locator("button.graphiql-execute-button").element_handle()
    both = "([tab, button]) => { tab.firstElementChild.click(); button.click(); }"
    await open_page.page.evaluate(both, [tab, button])

    answers = open_page.page.locator(".graphiql-response .view-lines")
    await expect(answers).to_contain_text("COMPLETED")


async def test_a_sign_in_goes_with_every_operation(open_page: OpenPage, site: Site) -> None:
    await sign_in(open_page, site)
    await open_page.page.get_by_role("button", name="New tab").click()
    await open_page.write(
        open_page.page.locator(".graphiql-query-editor .monaco-editor"), "query Me { me { username } }"
    )
    await expect(open_page.page.get_by_role("tab", name="Me")).to_be_visible()
    await open_page.page.locator("button.graphiql-execute-button").click()

    answers = open_page.page.locator(".graphiql-response .view-lines")
    await expect(answers).to_contain_text(f'"username": "{site.login}"')


async def test_a_wrong_password_signs_nobody_in(open_page: OpenPage, site: Site) -> None:
    answers = await open_page.run("SignIn", {"login": site.login, "password": "wrong"})

    await expect(answers).to_contain_text("UNAUTHENTICATED")
    await expect(open_page.page.get_by_text("Not signed in")).to_be_visible()


async def test_the_files_panel_uploads(open_page: OpenPage, site: Site, tmp_path: Path) -> None:
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.7 " + os.urandom(2000))
    await sign_in(open_page, site)
    await open_page.page.get_by_role("button", name="Show Files").click()
    await open_page.page.locator("input[type=file]").set_input_files(plan)

    shown = open_page.page.locator(".seshat-files code")
    await expect(shown).to_be_visible()
    key = sha256(plan.read_bytes()).hexdigest()[:12]
    assert await shown.text_content() == key
    assert toy_schema.received[key] == plan.read_bytes()
    assert [complaint[:300] for complaint in open_page.complaints] == []
