"""Settings: each refusal is one line that names the setting."""

import stat
from pathlib import Path

import pytest

from core.settings import Settings, SettingsError, load_settings
from core.settings.chat import ChatSettings
from core.settings.crawling import CrawlSettings
from tests.server.conftest import run

README = Path(__file__).parents[2] / "README.md"

REFUSALS = [
    ({"PORT": "eighty"}, "PORT: input should be a valid integer, unable to parse string as an integer"),
    ({"PORT": "0"}, "PORT: input should be greater than or equal to 1"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ({"SECRET_KEY": "hunter2"}, "SECRET_KEY: must be at least 32 characters"),
    (
        {"DATABASE_URL": "mysql://somewhere/seshat"},
        "DATABASE_URL: must be a URL such as postgresql://user:password@host:5432/database",
    ),
    ({"DATABASE_URL": "postgresql://somewhere"}, "DATABASE_URL: must name a database"),
    (
        {"DATABASE_ADMIN_URL": "postgresql://somewhere/seshat"},
        "DATABASE_ADMIN_URL requires DATABASE_URL",
    ),
    (
        {"STORAGE_URL": "ftp://somewhere"},
        "STORAGE_URL: must start with file://, s3://, gs:// or az://",
    ),
    ({"PUBLIC_URL": "seshat"}, "PUBLIC_URL: must be a URL that starts with http:// or https://"),
    (
        {"QDRANT_URL": "qdrant.example.com"},
        "QDRANT_URL: must start with http://, https:// or unix:/",
    ),
    (
        {"EMBEDDING_URL": "localhost:1234/v1"},
        "EMBEDDING_URL: must be a URL that starts with http:// or https://",
    ),
    (
        {"OVERLAY_COLOURS": "red,green"},
        "OVERLAY_COLOURS: must be three colours such as #d62728, separated by commas",
    ),
    (
        {"QUEUE_SLOTS": "chat=2,drawings"},
        "QUEUE_SLOTS: must be queues and numbers, such as chat=2,drawings=1",
    ),
    ({"QUEUE_LIMITS": "drawings=0"}, "QUEUE_LIMITS: input should be greater than 0"),
    (
        {"CHAT_PROVIDERS": "ollama=http://localhost"},
        'CHAT_PROVIDERS: must be an object such as {"ollama": {"url": "…", "model": "…"}}',
    ),
    (
        {"CHAT_PROVIDERS": '{"oracle": {"url": "http://localhost", "model": "sibyl"}}'},
        "CHAT_PROVIDERS: input should be 'openai' or 'ollama'",
    ),
    (
        {"CHAT_PROVIDERS": '{"ollama": {"url": "localhost", "model": "tiny"}}'},
        "CHAT_PROVIDERS: must be a URL that starts with http:// or https://",
    ),
    ({"CRAWL_ALLOW": "10.1.0.0/99"}, "CRAWL_ALLOW: 10.1.0.0/99 is not a network such as 10.1.0.0/16"),
    ({"CRAWL_ENGINES": "bing,altavista"}, "CRAWL_ENGINES: altavista must be one of google, bing, duckduckgo"),
    (
        {"JOB_STALE": "3"},
        "JOB_STALE must be at least twice JOB_HEARTBEAT",
    ),
]


@pytest.mark.parametrize(("environment", "line"), REFUSALS, ids=[line.split(":")[0] for _, line in REFUSALS])
def test_a_wrong_setting_is_one_line(
    environment: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refusal:
        load_settings()

    assert str(refusal.value) == line


def test_the_command_line_says_it_without_a_traceback_and_exits_with_2(tmp_path: Path) -> None:
    code, output, errors = run("serve", "--data", str(tmp_path), DB_POOL_SIZE="many", DB_POOL_TIMEOUT="-1")

    assert (code, output) == (2, "")
    assert errors == (
        "seshat: DB_POOL_SIZE: input should be a valid integer, unable to parse string as an integer; "
        "DB_POOL_TIMEOUT: input should be greater than 0\n"
    )


def test_a_configured_database_wants_a_configured_secret(tmp_path: Path) -> None:
    code, _, errors = run(
        "serve", "--data", str(tmp_path), DATABASE_URL="postgresql://app_rw@127.0.0.1:1/seshat"
    )

    assert (code, errors) == (2, "seshat: SECRET_KEY: is required with DATABASE_URL\n")


def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://app_rw@127.0.0.1:1/seshat", "SECRET_KEY": "x" * 32}

    code, _, errors = run("serve", "--data", str(tmp_path), **environment)

    assert code == 1
    assert errors.startswith("seshat: seshat cannot be reached: ")
    assert errors.count("\n") == 1


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().__setattr__("port", 1)


def test_the_generated_secret_is_kept_for_nobody_else(tmp_path: Path) -> None:
    first, second = (load_settings({"data": tmp_path}).secret() for _ in range(2))

    assert first == second
    assert len(first) == 64
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_secrets_are_not_shown() -> None:
    settings = load_settings({"secret_key": "a secret that only the tests know"})

    assert "only the tests know" not in repr(settings)


def test_the_table_in_the_readme_is_the_settings() -> None:
    begin, end = "<!-- settings -->\n", "<!-- /settings -->"

    table = README.read_text().partition(begin)[2].partition(end)[0]

    assert table == settings_table()


def settings_table() -> str:
    """The README's table of every setting, its default and its meaning."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    further = ChatSettings.model_fields | CrawlSettings.model_fields
    fields = sorted(Settings.model_fields.items(), key=lambda item: item[0] in further)
    for name, field in fields:
        rows.append(f"| `{name.upper()}` | {default_text(field.default)} | {field.description} |")
    return "\n".join(rows) + "\n"


def default_text(default: object) -> str:
    """A default as one would write it in the environment."""
    if not default and not isinstance(default, bool | int):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    if isinstance(default, dict):
        return f"`{','.join(f'{word}={number}' for word, number in default.items())}`"
    return f"`{default}`"
