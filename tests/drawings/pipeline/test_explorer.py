"""The explorer on the real application: sign in, start a comparison, watch it, read it, and no other host."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright, expect

from server.http import explorer
from server.worker import Worker
from tests.drawings.pipeline.conftest import PASSWORD, Person
from tests.server.explorer.test_browser import CHROMIUM, FLAGS, OpenPage

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, as Debian packages it")


async def test_the_main_job_in_a_browser(
    person: Person, worker: Worker, revisions: Callable[..., tuple[Path, Path]]
) -> None:
    explorer.build()
    session = await person.session(*revisions("A-101"))
    email = (await person.ask("{ me { email } }"))["me"]["email"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(viewport={"width": 1500, "height": 950})
        opened = OpenPage(await context.new_page())
        context.on("request", lambda request: opened.hosts.add(urlsplit(request.url).netloc))
        opened.page.on("websocket", opened.follow)
        await opened.page.goto(f"{person.instance.url}/graphql")

        await opened.run("SignIn", {"login": email, "password": PASSWORD})
        await expect(opened.page.get_by_text("signed in as")).to_be_visible()
        answers = await opened.run("SessionStart", {"id": session})
        await expect(answers).to_contain_text("PROCESSING")
        answers = await opened.run("WatchSession", {"id": session})
        await expect(answers).to_contain_text("COMPLETED", timeout=60_000)
        answers = await opened.run("ReadComparison", {"id": session})
        await expect(answers).to_contain_text('"drawingName": "A-101"')

        assert opened.hosts - {""} == {urlsplit(person.instance.url).netloc}
        await browser.close()
