"""A hub of data sets with the API of Hugging Face, in a thread: repositories in memory, files by digest."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class FakeHub(ThreadingHTTPServer):
    """Repositories with their files by name. `uploads` are digests of large files in the order of arrival."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.token = token
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.objects: dict[str, bytes] = {}
        self.uploads: list[str] = []
        self.commits = 0

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    """Answers a request."""

    server: FakeHub

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        if not self.authorized():
            return
        path = self.path.partition("?")[0]
        if found := re.fullmatch("/api/datasets/([^/]+/[^/]+)/tree/main", path):
            files = self.server.repositories[found[1]]
            listed = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
            self.answer(listed)
        elif found := re.fullmatch("/datasets/([^/]+/[^/]+)/resolve/main/(.+)", path):
            self.answer(json.loads(self.server.repositories[found[1]][found[2]]))
        else:
            self.answer({"error": "unknown"}, 404)

    def do_PUT(self) -> None:
        oid = self.path.rpartition("/")[2]
        content = self.body()
        assert hashlib.sha256(content).hexdigest() == oid
        self.server.objects[oid] = content
        self.server.uploads.append(oid)
        self.answer({})

    def do_POST(self) -> None:
        body = self.body()
        if not self.authorized():
            return
        path = self.path.partition("?")[0]
        if path == "/api/repos/create":
            self.create(json.loads(body))
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "regular" if file["path"].endswith((".md", ".json")) else "lfs",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self.answer({"files": files})
        elif path.endswith("/info/lfs/objects/batch"):
            wanted = json.loads(body)["objects"]
            self.answer({"transfer": "basic", "objects": [self.action(item) for item in wanted]})
        elif found := re.fullmatch("/api/datasets/([^/]+/[^/]+)/commit/main", path):
            self.commit(found[1], [json.loads(line) for line in body.splitlines()])
        else:
            self.answer({"error": "unknown"}, 404)

    def create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        exists = name in self.server.repositories
        self.server.repositories.setdefault(name, {".gitattributes": b""})
        self.answer({"url": f"{self.server.url}/datasets/{name}", "name": name}, 409 if exists else 200)

    def action(self, item: dict[str, Any]) -> dict[str, Any]:
        known = item["oid"] in self.server.objects
        upload = {"actions": {"upload": {"href": f"{self.server.url}/lfs/{item['oid']}"}}}
        return {"oid": item["oid"], "size": item["size"], **({} if known else upload)}

    def commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        files = self.server.repositories[name]
        for line in lines:
            value = line["value"]
            match line["key"]:
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.server.objects[value["oid"]]
                case "deletedFile":
                    del files[value["path"]]
        self.server.commits += 1
        self.answer(
            {
                "success": True,
                "commitOid": "0" * 40,
                "commitUrl": f"{self.server.url}/datasets/{name}/commit/0",
            }
        )

    def authorized(self) -> bool:
        """Whether the request has the token; refuses it otherwise."""
        if self.headers.get("authorization") == f"Bearer {self.server.token}":
            return True
        self.answer({"error": "Invalid token"}, 401)
        return False

    def body(self) -> bytes:
        if self.headers.get("transfer-encoding", "") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, value: Any, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def fake_hub(token: str) -> Iterator[FakeHub]:
    """A hub for the block."""
    hub = FakeHub(token)
    thread = Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
