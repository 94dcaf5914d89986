"""Random documents of the contract over stored rows, as people of all roles: both executors answer alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLNonNull, GraphQLObjectType, is_non_null_type

from core.errors import Forbidden, NotFound
from core.garbage_collection import freeze_heap
from db.loaders import RowSource
from schema.contract import Contract, make_schema
from schema.framework.context import Context, Services
from schema.framework.decorators import STORED_TYPES
from schema.framework.operation_size import Limits
from tests.factories import Fixture
from tests.onlooker import Onlooker
from tests.schema.execution.both_executors import DOCUMENTS, PART, SEED, Executors, ExhaustiveExecutor
from tests.schema.execution.contract_values import SIZES, ContractValues
from tests.schema.execution.random_documents import DocumentWriter
from tests.schema.execution.stored_rows import StoredRows, store_rows

CONTRACT_DOCUMENTS = DOCUMENTS * 4 // 10
LIMITS = Limits(cost=10**9, reads=10**6, result=10**7)
FAULTS = NotFound("There is no such row.", "id"), Forbidden("Not this row."), RuntimeError("broken")


class FaultyContext(Context):
    """A context in which no row of some models can be loaded."""

    faults: dict[str, Exception]

    def _row_sources(self, model: Any) -> list[RowSource]:
        sources = super()._row_sources(model)
        if fault := self.faults.get(model.__name__ if model else ""):
            raise fault
        return sources


MODELS = ["", *sorted({stored.model.__name__ for stored in STORED_TYPES.values()})]
"""Models whose rows cannot be loaded, by name; the empty name is that of computed values."""


def make_strict(schema: Contract) -> Contract:
    """The contract with more fields that are never null: their nulls and errors make objects null."""
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                if not is_non_null_type(field.type) and Random(kind.name + name).random() < 0.08:
                    field.type = GraphQLNonNull(field.type)
    return schema


@pytest.fixture(scope="module", params=["as served", "strict"])
def executors(request: pytest.FixtureRequest) -> Executors:
    """The contract with each executor."""
    stock, exhaustive = (make_schema(LIMITS, compiled=False) for _ in range(2))
    exhaustive.execution_context_class = ExhaustiveExecutor
    compiled = make_schema(LIMITS)
    if request.param == "strict":
        stock, compiled, exhaustive = map(make_strict, (stock, compiled, exhaustive))
    freeze_heap()
    return Executors(stock, compiled, exhaustive, request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rows(services: Services, platform: Fixture, onlooker: Onlooker) -> StoredRows:
    """What is stored."""
    return await store_rows(services, platform, onlooker)


@pytest.fixture(scope="module")
def fixed_services(services: Services) -> Services:
    """The services at one moment: links do not change from one execution to the next."""
    moment = datetime.now(UTC)
    return replace(services, links=replace(services.links, clock=lambda: moment))


@pytest.mark.parametrize("part", range(0, CONTRACT_DOCUMENTS // 2, PART))
async def test_both_executors_answer_alike(
    executors: Executors, rows: StoredRows, fixed_services: Services, part: int
) -> None:
    """The same data, errors and order of errors, for each viewer."""
    schema = executors.stock._schema
    values = ContractValues(rows.ids)
    reports = []
    for number in range(part, min(part + PART, CONTRACT_DOCUMENTS // 2)):
        random = Random(f"{SEED} {executors.name} {number}")
        document = DocumentWriter(schema, random, values, SIZES).write()
        viewer = random.choice(rows.viewers)
        faults = {
            random.choice(MODELS): random.choice(FAULTS) for _ in range(random.choice((0, 0, 0, 0, 1, 3)))
        }

        @asynccontextmanager
        async def context(viewer: Any = viewer, faults: Any = faults) -> AsyncIterator[Context]:
            opened = FaultyContext(fixed_services, viewer)
            opened.faults = faults
            try:
                yield opened
            finally:
                await opened.close()

        if report := await executors.check(document, context):
            reports.append(f"document {number} of seed {SEED}, {viewer and viewer.role}, {faults}\n{report}")
        values.remember(executors.data)
    assert not reports, "\n\n".join([f"{len(reports)} documents differ", *reports[:5]])
    assert executors.seen["refused"] * 10 < executors.seen["documents"], executors.seen
    assert executors.seen["with ten values or more"] * 5 > executors.seen["documents"], executors.seen
