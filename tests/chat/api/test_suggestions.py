"""What people might ask: liked questions before frequent ones, and those before what documents offer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import FeedbackRating, MessageState
from tests.conftest import People, Save
from tests.factories import Made
from tests.factories.chat import a_citation, a_conversation, a_feedback, a_message, an_answer
from tests.factories.knowledge import a_document
from tests.graphql_client import Client

SUGGESTIONS = "query ($first: Int! = 5) { suggestions(first: $first) { text source count } }"
NOW = datetime.now(UTC)


def asked(user: Made, text: str, *, cited: bool = True, age: timedelta = timedelta(), **values: Any) -> Made:
    """A question of this person's, answered from a source unless told otherwise: the last row of it."""
    question = a_message(a_conversation(user), content=text, created_at=NOW - age)
    answer = an_answer(question.parents[0], parent_message_id=question.id, **values)
    answer.parents = (*answer.parents, question)
    return a_citation(answer) if cited else answer


def liked(user: Made, text: str, rating: FeedbackRating = FeedbackRating.THUMBS_UP, **given: Any) -> Made:
    """The same, with what this person thinks of the answer."""
    return a_feedback(asked(user, text, cited=False, **given), user, rating=rating)


async def suggested(client: Client, **variables: Any) -> list[tuple[str, str, int]]:
    found = (await client(SUGGESTIONS, **variables))["suggestions"]
    return [(each["text"], each["source"], each["count"]) for each in found]


async def test_liked_questions_come_before_frequent_ones_and_those_before_documents(
    graphql: Client, save: Save, people: People
) -> None:
    user = people.user
    down = FeedbackRating.THUMBS_DOWN
    await save(
        liked(user, "Who needs a passport?", age=timedelta(hours=3)),
        liked(user, "How large is the largest loan?", age=timedelta(hours=2)),
        liked(user, "how  large is the largest LOAN?", age=timedelta(hours=1)),
        liked(user, "Why is the sky blue?", down),
        *(asked(user, "What is the least score?", age=timedelta(minutes=each)) for each in range(3)),
        asked(user, "Asked only once?"),
        asked(user, "Answered by nothing?", cited=False),
        asked(user, "Answered by nothing?", cited=False),
        asked(user, "Failed twice?", state=MessageState.FAILED),
        asked(user, "Failed twice?", state=MessageState.FAILED),
        asked(user, "Long ago?", age=timedelta(days=91)),
        asked(user, "Long ago?", age=timedelta(days=92)),
        asked(user, f"{'long ' * 60}question?"),
        asked(user, f"{'long ' * 60}question?"),
        a_document(user, title="Guidelines", keywords=["loans", "passports"]),
        a_document(user, title="Notes", keywords=[]),
    )

    assert await suggested(graphql.of(user), first=20) == [
        ("how large is the largest LOAN?", "LIKED", 2),
        ("Who needs a passport?", "LIKED", 1),
        ("What is the least score?", "FREQUENT", 3),
        ("What is “Notes” about?", "DEFAULT", 0),
        ("What does “Guidelines” say about loans?", "DEFAULT", 0),
    ]
    assert [text for text, _, _ in await suggested(graphql.of(user), first=2)] == [
        "how large is the largest LOAN?",
        "Who needs a passport?",
    ]


async def test_a_question_stands_once_where_it_is_best(graphql: Client, save: Save, people: People) -> None:
    text = "Who needs a passport?"
    await save(liked(people.user, text), asked(people.user, text), asked(people.user, text))

    assert await suggested(graphql.of(people.user)) == [(text, "LIKED", 1)]


async def test_nobody_learns_what_others_ask(graphql: Client, save: Save, people: People) -> None:
    text = "Will we be sold?"
    await save(liked(people.user, text), asked(people.user, text), asked(people.user, text))

    seen = [await suggested(graphql.of(each)) for each in (people.viewer, people.stranger, people.admin)]

    assert seen == [[], [], [(text, "LIKED", 1)]]


@pytest.mark.parametrize("first", [-1, 21])
async def test_so_many_are_not_suggested(graphql: Client, people: People, first: int) -> None:
    assert await graphql.of(people.user).refusals(SUGGESTIONS, first=first) == [("INVALID", ("first",))]


async def test_it_costs_the_same_however_much_was_asked(graphql: Client, save: Save, people: People) -> None:
    user = graphql.of(people.user)
    await suggested(user, first=20)
    before = len(graphql.statements)

    await save(*(liked(people.user, f"Question {number}?") for number in range(8)))
    await suggested(user, first=20)

    assert len(graphql.statements) == before == 3
