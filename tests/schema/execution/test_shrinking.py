"""Documents are shrunk to what makes them interesting."""

from tests.schema.execution.random_documents import RandomDocument
from tests.schema.execution.shrinking import shrink


async def test_a_document_shrinks_to_what_is_needed() -> None:
    """Other fields, arguments, fragments and variables are left out."""

    async def is_interesting(document: RandomDocument) -> bool:
        return "needed" in document.text

    large = RandomDocument(
        """query Q($a: Int, $b: Int) { x(a: $a) { y ...F } z { ...G } u @skip(if: true) }
        fragment F on X { f(b: {c: $b}) { needed other } } fragment G on Z { g(b: $b) }""",
        {"a": 1, "b": 2},
    )

    small = await shrink(large, is_interesting)

    needed = "query Q { x { ...F } } fragment F on X { f { needed } }"
    assert " ".join(small.text.split()) == needed
    assert small.variables == {}
