"""Random documents of a schema with every kind of field and value: both executors answer alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from graphql import OperationType

from tests.schema.execution.both_executors import DOCUMENTS, PART, SEED, Executors, ExhaustiveExecutor
from tests.schema.execution.random_documents import DocumentWriter, Sizes
from tests.schema.execution.sample_schema import make_sample
from tests.schema.execution.sample_values import World

SAMPLE_DOCUMENTS = DOCUMENTS * 6 // 10
OPERATIONS = *[OperationType.QUERY] * 8, OperationType.MUTATION, OperationType.SUBSCRIPTION
FAULTS = 0.0, 0.0, 0.02, 0.05, 0.15


class SampleValues:
    """Values of arguments."""

    def scalar(self, random: Random, kind: str, field: str, argument: str) -> Any:
        """A value of the scalar."""
        return random.choice(VALUES[kind])


VALUES: dict[str, tuple[Any, ...]] = {
    "Int": (0, 1, 2, 3, 5, -1),
    "Float": (1, 2.5, -0.0, 1e30),
    "Boolean": (True, False),
    "String": ("", "a", 'quoted "text"', "ÄÖ\n€"),
    "ID": ("1", "b", 7),
    "Date": (*["2024-02-29"] * 20, "never"),
}


@pytest.fixture(scope="module")
def executors() -> Executors:
    """The sample schema with each executor."""
    exhaustive = make_sample(compiled=False)
    exhaustive.execution_context_class = ExhaustiveExecutor
    return Executors(make_sample(compiled=False), make_sample(compiled=True), exhaustive)


@pytest.mark.parametrize("part", range(0, SAMPLE_DOCUMENTS, PART))
async def test_both_executors_answer_alike(executors: Executors, part: int) -> None:
    """The same data, errors and order of errors, whatever the values are."""
    schema = executors.stock._schema
    reports = []
    for number in range(part, min(part + PART, SAMPLE_DOCUMENTS)):
        random = Random(f"{SEED} {number}")
        operation = random.choice(OPERATIONS)
        document = DocumentWriter(schema, random, SampleValues(), Sizes()).write(operation)
        faults, timing = random.choice(FAULTS), random.randrange(3)

        @asynccontextmanager
        async def world(
            number: int = number, faults: float = faults, timing: int = timing
        ) -> AsyncIterator[World]:
            yield World(schema, number % 17, faults, timing)

        if report := await executors.check(document, world):
            reports.append(f"document {number} of seed {SEED}\n{report}")
    assert not reports, "\n\n".join([f"{len(reports)} documents differ", *reports[:5]])
    assert executors.seen["refused"] * 10 < executors.seen["documents"]
