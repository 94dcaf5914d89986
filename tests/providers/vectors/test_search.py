"""What a search finds, in which order, and what it never finds."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from core.ports import Hit, SearchScope, VectorStore, VectorStores
from tests.providers.vectors.conftest import EAST, NORTH, UP, a_chunk, ids

COMPANY, OTHER, PLATFORM = uuid4(), uuid4(), uuid4()


def ids_of(hits: list[Hit]) -> list[UUID]:
    return [hit.chunk_id for hit in hits]


async def test_chunks_are_found_by_meaning_nearest_first(store: VectorStore) -> None:
    near, far, farthest = (a_chunk("", [1.0, off, 0.0]) for off in (0.1, 1.0, 5.0))
    await store.upsert(COMPANY, [farthest, near, far])

    hits = await store.search(SearchScope(COMPANY), vector=NORTH, text=None)

    assert ids_of(hits) == ids([near, far, farthest])
    assert [hit.similarity for hit in hits] == pytest.approx([0.9950, 0.7071, 0.1961], abs=1e-4)


async def test_a_chunk_counts_by_the_best_of_its_windows_and_once(store: VectorStore) -> None:
    long, short = a_chunk("", EAST, UP, NORTH), a_chunk("", [1.0, 0.5, 0.0])
    await store.upsert(COMPANY, [short, long])

    hits = await store.search(SearchScope(COMPANY), vector=NORTH, text=None)

    assert ids_of(hits) == ids([long, short])
    assert hits[0].similarity == pytest.approx(1.0)


async def test_chunks_are_found_by_words_rare_ones_first(store: VectorStore) -> None:
    common = [a_chunk(f"The beam rests on wall number {number}") for number in range(8)]
    rare = a_chunk("The girder rests on a column")
    await store.upsert(COMPANY, [*common, rare])

    hits = await store.search(SearchScope(COMPANY), vector=None, text="Which walls carry GIRDERS?", limit=3)

    assert hits[0].chunk_id == rare.id
    assert {hit.similarity for hit in hits} == {None}
    assert set(ids_of(hits)[1:]) <= set(ids(common))


async def test_both_ways_are_fused_by_score(store: VectorStore) -> None:
    meant, both, named = (
        a_chunk("nothing", NORTH),
        a_chunk("a girder", [1, 1, 0]),
        a_chunk("girder", [0, 1, 1]),
    )
    await store.upsert(COMPANY, [meant, named, both])

    hits = await store.search(SearchScope(COMPANY), vector=NORTH, text="girder")

    # The question's one word is known: words weigh 1.5 times as much as meaning. By meaning 1, .7071 and 0.
    longer = (1 + 1.2 * (0.25 + 0.75 / 128)) / (1 + 1.2 * (0.25 + 0.75 * 2 / 128))
    expected = {both.id: (2**-0.5 + 1.5 * longer) / 2.5, named.id: 1.5 / 2.5, meant.id: 1 / 2.5}
    assert ids_of(hits) == list(expected)
    assert [hit.score for hit in hits] == pytest.approx(list(expected.values()), abs=1e-4)
    assert [hit.similarity for hit in hits] == pytest.approx([0.7071, 0.0, 1.0], abs=1e-4)


async def test_words_weigh_less_in_a_question_of_unknown_words(store: VectorStore) -> None:
    meant, named = a_chunk("nothing", NORTH), a_chunk("girder", EAST)
    await store.upsert(COMPANY, [meant, named])

    known = await store.search(SearchScope(COMPANY), vector=NORTH, text="girder")
    unknown = await store.search(SearchScope(COMPANY), vector=NORTH, text="pilaster quoin girder lintel")

    assert ids_of(known) == [named.id, meant.id]
    assert ids_of(unknown) == [meant.id, named.id]
    assert [hit.score for hit in unknown] == pytest.approx([1 / 1.375, 0.375 / 1.375])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("réservoir", "Le RÉSERVOIR est plein"),
        ("cities", "a city"),
        ("水库", "这个水库很大"),
        ("A-101", "see A-101 and A-102"),
        ("Überlauf", "der U\u0308berlauf"),
    ],
)
async def test_words_are_compared_as_people_read_them(store: VectorStore, question: str, text: str) -> None:
    wanted = a_chunk(text)
    await store.upsert(COMPANY, [a_chunk("something else"), wanted])

    assert ids_of(await store.search(SearchScope(COMPANY), vector=None, text=question)) == [wanted.id]


async def test_a_text_without_words_finds_nothing_and_neither_is_a_mistake(store: VectorStore) -> None:
    await store.upsert(COMPANY, [a_chunk("text")])

    assert await store.search(SearchScope(COMPANY), vector=None, text=" ?! ") == []
    with pytest.raises(ValueError, match="a vector or a text is required"):
        await store.search(SearchScope(COMPANY), vector=None, text=None)


async def test_nothing_is_found_where_nothing_was_stored(store: VectorStore) -> None:
    assert await store.search(SearchScope(COMPANY), vector=NORTH, text="text") == []
    assert await store.count(COMPANY) == 0
    await store.delete(COMPANY, uuid4())


async def test_what_a_user_sees(store: VectorStore) -> None:
    user, colleague = uuid4(), uuid4()
    own = a_chunk(user=user, scope="user")
    shared = a_chunk(user=colleague, scope="company")
    private = a_chunk(user=colleague, scope="user")
    published, internal = a_chunk(scope="global"), a_chunk(scope="company")
    await store.upsert(COMPANY, [own, shared, private])
    await store.upsert(PLATFORM, [published, internal])

    async def seen(reach: SearchScope) -> set[UUID]:
        hits = await store.search(reach, vector=NORTH, text="text")
        return set(ids_of(hits))

    assert await seen(SearchScope(COMPANY, user)) == set(ids([own, shared]))
    assert await seen(SearchScope(COMPANY, user, PLATFORM)) == set(ids([own, shared, published]))
    assert await seen(SearchScope(COMPANY)) == set(ids([own, shared, private]))
    assert await seen(SearchScope(OTHER, user, PLATFORM)) == {published.id}


async def test_documents_narrow_and_never_widen(store: VectorStore) -> None:
    first, second, foreign = a_chunk(), a_chunk(), a_chunk()
    await store.upsert(COMPANY, [first, second])
    await store.upsert(OTHER, [foreign])
    chosen = frozenset({first.document_id, foreign.document_id})

    narrowed = await store.search(SearchScope(COMPANY, document_ids=chosen), vector=NORTH, text="text")
    none = await store.search(SearchScope(COMPANY, document_ids=frozenset()), vector=NORTH, text="text")

    assert ids_of(narrowed) == [first.id]
    assert none == []


async def test_how_rare_a_word_is_does_not_depend_on_other_companies(store: VectorStore) -> None:
    await store.upsert(COMPANY, [a_chunk("beam girder"), a_chunk("beam"), a_chunk("girder")])
    before = await store.search(SearchScope(COMPANY), vector=None, text="beam girder")

    await store.upsert(OTHER, [a_chunk("girder") for _ in range(40)])

    assert await store.search(SearchScope(COMPANY), vector=None, text="beam girder") == before


async def test_fifty_searches_at_once_do_not_leak(store: VectorStore) -> None:
    draw = random.Random(5)
    companies = {
        uuid4(): [a_chunk(f"beam {n}", [draw.random() for _ in range(3)]) for n in range(30)]
        for _ in range(10)
    }
    await asyncio.gather(*(store.upsert(company, chunks) for company, chunks in companies.items()))
    request = [draw.choice(list(companies)) for _ in range(50)]

    answers = await asyncio.gather(
        *(store.search(SearchScope(company), vector=NORTH, text="beam 7", limit=20) for company in request)
    )

    for company, hits in zip(request, answers, strict=True):
        assert len(hits) == 20
        assert set(ids_of(hits)) <= set(ids(companies[company]))
        assert {hit.company_id for hit in hits} == {company}


async def test_storing_again_replaces_and_deleting_keeps_what_it_is_required_to(store: VectorStore) -> None:
    document = uuid4()
    old, new, other = a_chunk(document=document), a_chunk(document=document), a_chunk()
    await store.upsert(COMPANY, [old, other])
    await store.upsert(COMPANY, [old, new])
    assert await store.count(COMPANY) == 3

    await store.delete(COMPANY, document, keep=[new.id])
    await store.delete(OTHER, other.document_id)

    assert await store.count(COMPANY, document) == 1
    hits = await store.search(SearchScope(COMPANY), vector=NORTH, text=None)
    assert set(ids_of(hits)) == {new.id, other.id}


async def test_a_document_can_be_shared_later(stores: VectorStores, store: VectorStore) -> None:
    private = a_chunk(user=uuid4(), scope="user")
    await store.upsert(COMPANY, [private])
    somebody = SearchScope(COMPANY, uuid4())
    assert await store.search(somebody, vector=NORTH, text=None) == []

    await stores.update_scope(OTHER, private.document_id, "company")
    assert await store.search(somebody, vector=NORTH, text=None) == []
    await stores.update_scope(COMPANY, private.document_id, "company")

    assert ids_of(await store.search(somebody, vector=NORTH, text=None)) == [private.id]


async def test_a_company_is_forgotten_by_every_model_and_nobody_else_is(stores: VectorStores) -> None:
    company, models = uuid4(), [stores.of(f"test {uuid4()}", 3) for _ in range(2)]
    gone, document, kept = a_chunk(), a_chunk(), a_chunk()
    for model in models:
        await model.upsert(company, [gone, document])
        await model.upsert(OTHER, [kept])

    await stores.delete(company, document.document_id)
    assert [await model.count(company) for model in models] == [1, 1]
    await stores.delete(company)

    assert [await model.count(company) for model in models] == [0, 0]
    assert [await model.count(OTHER) for model in models] == [1, 1]


async def test_a_dropped_model_can_be_filled_again(stores: VectorStores) -> None:
    name = f"test {uuid4()}"
    await stores.of(name, 3).upsert(COMPANY, [a_chunk()])
    held = stores.of(name, 3)

    await stores.drop(name, 3)
    assert await held.count(COMPANY) == 0
    await held.upsert(COMPANY, [a_chunk(), a_chunk()])

    assert await held.count(COMPANY) == 2
