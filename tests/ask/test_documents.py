"""Documents: from an upload to what is found in it, and gone again."""

from server.worker import Worker
from tests.ask import questions
from tests.ask.conftest import Person

LOANS = """Bank statements of the last twelve months are needed for a self-employed borrower.

The minimum credit score of the programme is 660, and the largest loan is three million dollars.

Foreign nationals need a valid passport and two trade references."""


async def test_an_upload_becomes_a_document_that_can_be_searched(worker: Worker, person: Person) -> None:
    document = await person.added(LOANS, title="Guidelines")
    found = (await person(questions.SEARCH, query="lowest credit score"))["documentSearch"]

    assert (document["title"], document["mimeType"], document["errorMessage"]) == (
        "Guidelines",
        "text/plain",
        None,
    )
    assert document["chunkCount"] == document["chunks"]["totalCount"] == 1
    assert document["extractedText"] == LOANS
    assert document["chunks"]["nodes"][0]["content"] == LOANS
    assert [hit["chunk"]["document"]["id"] for hit in found] == [document["id"]]
