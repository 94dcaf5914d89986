"""Bounds of the compiled executor: of answers with shared objects, and of what a process keeps."""

from typing import Any

import pytest
from graphql import parse

from schema.contract import Contract, make_schema
from schema.execution import plans
from schema.framework import documents
from schema.framework.context import Services
from schema.framework.documents import Documents
from schema.framework.metered_executor import ITEM, LIST, OBJECT, STATEMENT
from schema.framework.operation_size import Limits
from tests import factories
from tests.conftest import People
from tests.factories import a_comparison, a_session
from tests.graphql_client import Client

SHARED = """query ($id: ID!) { drawingSession(id: $id) { comparisons(first: 100) { nodes {
  session { comparisons(first: 100) { nodes { id session { comparisons(first: 2) { nodes { id } } } } } }
} } } }"""
COUNT = 6
INNERMOST = ITEM + 1
INNER = ITEM + 1 + OBJECT + LIST + 1
WEIGHT = 6 * STATEMENT + COUNT * (INNER - 1) + COUNT**2 * INNER + 2 * COUNT**2 * INNERMOST


@pytest.mark.parametrize("compiled", [True, False])
async def test_an_object_counts_at_each_place_of_the_answer(
    services: Services, people: People, compiled: bool
) -> None:
    """One session, loaded once, is in the answer 42 times with all that is in it."""
    session = a_session(people.user)
    await factories.save(services.database, *(a_comparison(session) for _ in range(COUNT)))

    def client(limit: int) -> Client:
        schema = make_schema(Limits(result=limit), compiled=compiled)
        return Client(services, schema).of(people.user)

    assert (await client(WEIGHT).send(SHARED, id=session.gid)).errors is None
    result = await client(WEIGHT - 1).send(SHARED, id=session.gid)
    assert {(error.extensions or {})["code"] for error in result.errors or ()} == {"QUERY_TOO_COMPLEX"}


def plan(contract: Contract, text: str) -> Any:
    """The plan of a document."""
    executor_class: Any = contract.execution_context_class
    executor = executor_class.build(contract._schema, parse(text))
    return executor_class.plans.find(executor)


def test_plans_of_a_bounded_size_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MAX_FIELDS", 39)
    contract = make_schema()
    kept: Any = contract.execution_context_class.plans  # type: ignore[union-attr]
    texts = [f"{{ a{n}: projects {{ nodes {{ id }} }} }}" for n in range(5)]  # three fields each
    for text in texts:
        assert plan(contract, text).size == 3
    assert len(kept) == 39 // (3 + plans.FIELDS_OF_OPERATION)

    large = "{" + " ".join(f"a{n}: me {{ id }}" for n in range(20)) + "}"
    assert plan(contract, large).size == 20  # and what `me` selects, once it is met
    assert len(kept) == 1  # the one that is used


def test_a_bounded_number_of_documents_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", 3)
    monkeypatch.setattr(documents, "MAX_CHARACTERS", 50)
    kept, texts = Documents(), [f"{{ a{n}: __typename }}" for n in range(9)]
    for text in texts[:4]:
        kept.keep(text, parse(text))
    assert [kept.find(text) is not None for text in texts[:4]] == [False, False, True, True]

    kept.keep(large := "{ __typename }" + " " * 50, parse(large))
    assert kept.find(large) is None
    assert kept.find(texts[3]) is not None
