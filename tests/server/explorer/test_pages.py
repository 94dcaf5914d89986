"""What a browser is given at the endpoint, and how it is built."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from server.graphql.view import GraphQLView
from server.http import explorer
from tests.server.explorer.toy_schema import open_context
from tests.server.graphql.conftest import client_of
from tests.server.graphql.toy_schema import schema

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sources of the test's own."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.jsx").write_text("one")
    (tmp_path / "package.json").write_text('{"scripts": {"build": "exit 3"}}')
    monkeypatch.setattr(explorer, "WEB", tmp_path)
    monkeypatch.setattr(explorer, "BUILT", tmp_path / "dist")
    return tmp_path


def application() -> Starlette:
    """The endpoint with the explorer, and its files."""
    return Starlette(
        routes=[
            Route("/graphql", GraphQLView(schema, open_context, explorer=explorer.explorer)),
            explorer.assets(),
        ]
    )


async def test_a_browser_gets_the_built_page(web: Path) -> None:
    (web / "dist" / "assets").mkdir(parents=True)
    (web / "dist" / "explorer.html").write_text("<p>the explorer</p>")
    (web / "dist" / "assets" / "main-1.js").write_text("1")

    async with client_of(application()) as http:
        page = await http.get("/graphql", headers={"accept": BROWSER})
        script = await http.get("/assets/main-1.js")

    assert (page.status_code, page.text) == (200, "<p>the explorer</p>")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe-eval" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].count("unsafe-inline") == 1
    assert (page.headers["vary"], page.headers["cache-control"]) == ("Accept", "no-cache")
    assert (script.status_code, script.headers["cache-control"]) == (
        200,
        "public, max-age=31536000, immutable",
    )


async def test_without_a_build_there_is_a_page_of_words(web: Path) -> None:
    async with client_of(application()) as http:
        page = await http.get("/graphql", headers={"accept": BROWSER, "host": '"><b>'})
        missing = await http.get("/assets/main-1.js")

    assert (page.status_code, missing.status_code) == (200, 404)
    assert "python -m server.http.explorer build" in page.text
    assert "<b>" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html"])
async def test_other_clients_get_graphql(web: Path, accept: str) -> None:
    async with client_of(application()) as http:
        response = await http.get("/graphql", headers={"accept": accept}, params={"query": "{ hello }"})
        without = await http.get("/graphql", headers={"accept": accept})

    assert response.json()["data"] == {"hello": "Hello world"}
    assert without.status_code == 400


async def test_a_browser_can_open_the_address_of_a_query(web: Path) -> None:
    async with client_of(application()) as http:
        response = await http.get("/graphql", headers={"accept": BROWSER}, params={"query": "{ hello }"})
    assert response.json()["data"] == {"hello": "Hello world"}


def test_a_build_that_is_current_is_kept(web: Path) -> None:
    (web / "dist").mkdir()
    (web / "dist" / ".sources").write_text(explorer.sources_digest())
    assert explorer.build() is False


def test_a_build_that_fails_says_why_in_a_line(
    web: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (web / "src" / "main.jsx").write_text("two")
    failing = web / "npm"
    failing.write_text("#!/bin/sh\necho first\necho the reason >&2\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setattr(explorer, "node_and_npm", lambda: (Path("/bin/sh"), [str(failing)]))
    monkeypatch.setattr("sys.argv", ["explorer", "build"])

    assert explorer.main() == 1
    assert capsys.readouterr().err == "explorer not built: npm ci failed: the reason\n"


def test_the_assets_are_mounted_where_the_page_looks() -> None:
    mount = explorer.assets()
    assert isinstance(mount, Mount)
    config = (explorer.WEB / "vite.config.ts").read_text()
    assert (mount.path, "base: '/'" in config) == ("/assets", True)
