"""The Workbench on the real application: a walk through its screens in a browser.

Each screen has no serious accessibility finding, asks no other host, and leaves no token in a storage.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from server.http import explorer
from server.worker import Worker
from tests.drawings.pipeline.conftest import PASSWORD, Person
from tests.server.explorer.test_browser import CHROMIUM, FLAGS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, as Debian packages it")

AXE = explorer.WEB / "node_modules" / "axe-core" / "axe.min.js"
FINDINGS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(({impact}) => ["serious", "critical"].includes(impact))
  .map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`)"""
WIDTH, HEIGHT = 1440, 900
MAIL_PAGES = {
    "password-reset": "New password",
    "email-verification": "Confirm your email address",
    "invitation": "Join your team",
    "password": "Reset your password",
}
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


@dataclass
class Workbench:
    """A page of the Workbench, with the hosts that it asks and what it complains of."""

    context: BrowserContext
    page: Page
    url: str
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    async def sign_in(self, email: str) -> None:
        """From the sign-in to the first screen."""
        await self.page.get_by_label("Email address or username").fill(email)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("heading", name="Drawings", level=1)).to_be_visible()

    async def check_screen(self) -> None:
        """No serious finding in light and dark, and no scrolling sideways on a phone."""
        await self.page.evaluate(AXE.read_text())
        for scheme, width in (("light", 360), ("dark", WIDTH)):
            await self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await self.page.set_viewport_size({"width": width, "height": HEIGHT})
            assert await self.page.evaluate(FINDINGS) == [], (self.page.url, scheme)
            assert await self.page.evaluate("document.documentElement.scrollWidth") <= width, self.page.url

    async def storages(self) -> Any:
        """What scripts can read: both storages and cookies."""
        return json.loads(await self.page.evaluate(STORED))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, which can resolve no name."""
    explorer.build()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def workbench(browser: Browser, person: Person, tmp_path: Path) -> AsyncIterator[Workbench]:
    """The page of the sign-in, in a browser that was never here."""
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB", reduced_motion="reduce"
    )
    page = await context.new_page()
    opened = Workbench(context, page, person.instance.url)
    context.on("request", lambda request: opened.hosts.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: opened.hosts.add(urlsplit(socket.url).netloc))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: opened.complaints.append(message.text) if message.type == "error" else None,
    )
    await page.goto(opened.url)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    yield opened
    await page.screenshot(path=tmp_path / "end.png")
    await context.close()
    assert opened.hosts - {""} == {urlsplit(opened.url).netloc}
    assert opened.complaints == []


async def email_of(person: Person) -> str:
    """The address of the person."""
    return str((await person.ask("{ me { email } }"))["me"]["email"])


async def comparisons_of(person: Person) -> Any:
    """The comparisons of the person's only session."""
    sessions = await person.ask(
        """{ drawingSessions { nodes { comparisons { nodes {
        alignmentSource changes { decision note } } } } } }"""
    )
    (session,) = sessions["drawingSessions"]["nodes"]
    return session["comparisons"]["nodes"]


async def test_a_session_outlives_a_reload_and_leaves_no_secret(workbench: Workbench, person: Person) -> None:
    page = workbench.page
    await workbench.check_screen()
    await workbench.sign_in(await email_of(person))
    await expect(page.get_by_text("No comparisons yet")).to_be_visible()
    await workbench.check_screen()
    (cookie,) = await workbench.context.cookies(f"{workbench.url}/auth/session")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/auth/session")

    await page.reload()
    await expect(page.get_by_text("No comparisons yet")).to_be_visible()
    assert await workbench.storages() == [{"seshat.language": "en"}, {}, ""]

    await page.get_by_role("button", name="Account and settings").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await workbench.context.cookies(f"{workbench.url}/auth/session") == []
    assert await workbench.storages() == [{"seshat.language": "en"}, {}, ""]
    await page.reload()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_links_of_mails_open_pages(workbench: Workbench) -> None:
    for path, title in MAIL_PAGES.items():
        await workbench.page.goto(f"{workbench.url}/account/{path}#token=wrong")
        await expect(workbench.page.get_by_role("heading", name=title)).to_be_visible()
        await workbench.check_screen()


async def test_drawings_are_compared_and_reviewed(
    workbench: Workbench, person: Person, worker: Worker, revisions: Callable[..., tuple[Path, Path]]
) -> None:
    page = workbench.page
    old, new = revisions("A-101")
    await workbench.sign_in(await email_of(person))
    await page.get_by_role("link", name="New comparison").click()
    await workbench.check_screen()
    for file, side in ((old, "Old issue"), (new, "New issue")):
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("group", name=side).get_by_role("button", name="Choose a file").click()
        await (await chooser.value).set_files(file)
    await page.get_by_role("textbox", name="Name").fill("Library")
    await page.get_by_role("button", name="Compare").click()

    await expect(page.get_by_role("heading", name="Library")).to_be_visible()
    sheet = page.get_by_role("link", name="A-101")
    await expect(sheet).to_contain_text("changed", timeout=60_000)
    await workbench.check_screen()

    await page.get_by_role("button", name="Write report").click()
    await page.get_by_role("menuitem", name="CSV").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV").click(timeout=60_000)
    assert (await (await download.value).path()).read_bytes().count(b"A-101") > 1

    await sheet.click()
    await expect(page.locator(".cloud")).not_to_have_count(0)
    count = await page.locator(".change").count()
    assert await page.locator(".cloud").count() == count
    await page.locator(".change").first.click()
    await page.keyboard.press("a")
    await expect(page.locator(".change").first).to_contain_text("Accepted")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("i")
    await expect(page.locator(".change").nth(1)).to_contain_text("Ignored")
    await page.get_by_label("Note").fill("as agreed")
    await page.get_by_role("button", name="Save note").click()
    await expect(page.get_by_role("button", name="Save note")).to_be_hidden()
    await workbench.check_screen()
    for mode in ("Old", "New", "Slider", "Blink", "Opacity", "Overlay"):
        await page.get_by_role("radio", name=mode, exact=True).click()

    (comparison,) = await comparisons_of(person)
    assert [tuple(change.values()) for change in comparison["changes"][:3]] == [
        ("ACCEPTED", None),
        ("IGNORED", "as agreed"),
        ("OPEN", None),
    ]

    await page.get_by_role("button", name="Align").click()
    await expect(page.get_by_text("Pairs: 0")).to_be_visible()
    for x, y in ((0.2, 0.25), (0.8, 0.7)):
        for pane in (0, 1):
            box = await page.locator(".panes .layer").nth(pane).bounding_box()
            assert box is not None
            await page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    await expect(page.get_by_text("Pairs: 2")).to_be_visible()
    await workbench.check_screen()
    await page.get_by_role("button", name="Align by points").click()
    await expect(page.get_by_role("radio", name="Overlay")).to_be_visible(timeout=60_000)
    (comparison,) = await comparisons_of(person)
    assert comparison["alignmentSource"] == "POINTS"
