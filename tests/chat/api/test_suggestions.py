"""What people might ask: liked questions before frequent ones, and those before what documents offer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import FeedbackRating, MessageState
from tests.conftest import People, Save
from tests.factories import Fixture
from tests.factories.chat import a_citation, a_conversation, a_feedback, a_message, an_answer
from tests.factories.knowledge import a_document
from tests.graphql_client import Client

SUGGESTIONS = "query ($first: Int! = 5) { suggestions(first: $first) { text source count } }"
NOW = datetime.now(UTC)


def a_cited_question(
    user: Fixture, text: str, *, cited: bool = True, age: timedelta = timedelta(), **values: Any
) -> Fixture:
    """A question of this person's, answered from a source unless told otherwise: the last row of it."""
    question = a_message(a_conversation(user), content=text, created_at=NOW - age)
    answer = an_answer(question.parents[0], parent_message_id=question.id, **values)
    answer.parents = (*answer.parents, question)
    return a_citation(answer) if cited else answer


def a_liked_question(
    user: Fixture, text: str, rating: FeedbackRating = FeedbackRating.THUMBS_UP, **arguments: Any
) -> Fixture:
    """The same, with what this person thinks of the answer."""
    return a_feedback(a_cited_question(user, text, cited=False, **arguments), user, rating=rating)


async def suggestions(client: Client, **variables: Any) -> list[tuple[str, str, int]]:
    found = (await client(SUGGESTIONS, **variables))["suggestions"]
    return [(each["text"], each["source"], each["count"]) for each in found]


async def test_liked_questions_come_before_frequent_ones_and_those_before_documents(
    graphql: Client, save: Save, people: People
) -> None:
    user = people.user
    down = FeedbackRating.THUMBS_DOWN
    await save(
        a_liked_question(user, "Who needs a passport?", age=timedelta(hours=3)),
        a_liked_question(user, "How large is the largest loan?", age=timedelta(hours=2)),
        a_liked_question(user, "how  large is the largest LOAN?", age=timedelta(hours=1)),
        a_liked_question(user, "Why is the sky blue?", down),
        *(
            a_cited_question(user, "What is the least score?", age=timedelta(minutes=each))
            for each in range(3)
        ),
        a_cited_question(user, "Asked only once?"),
        a_cited_question(user, "Answered by nothing?", cited=False),
        a_cited_question(user, "Answered by nothing?", cited=False),
        a_cited_question(user, "Failed twice?", state=MessageState.FAILED),
        a_cited_question(user, "Failed twice?", state=MessageState.FAILED),
        a_cited_question(user, "Long ago?", age=timedelta(days=91)),
        a_cited_question(user, "Long ago?", age=timedelta(days=92)),
        a_cited_question(user, f"{'long ' * 60}question?"),
        a_cited_question(user, f"{'long ' * 60}question?"),
        a_document(user, title="Guidelines", keywords=["loans", "passports"]),
        a_document(user, title="Notes", keywords=[]),
    )

    assert await suggestions(graphql.of(user), first=20) == [
        ("how large is the largest LOAN?", "LIKED", 2),
        ("Who needs a passport?", "LIKED", 1),
        ("What is the least score?", "FREQUENT", 3),
        ("What is “Notes” about?", "DEFAULT", 0),
        ("What does “Guidelines” say about loans?", "DEFAULT", 0),
    ]
    assert [text for text, _, _ in await suggestions(graphql.of(user), first=2)] == [
        "how large is the largest LOAN?",
        "Who needs a passport?",
    ]


async def test_a_question_stands_once_where_it_is_best(graphql: Client, save: Save, people: People) -> None:
    text = "Who needs a passport?"
    await save(
        a_liked_question(people.user, text),
        a_cited_question(people.user, text),
        a_cited_question(people.user, text),
    )

    assert await suggestions(graphql.of(people.user)) == [(text, "LIKED", 1)]


async def test_nobody_learns_what_others_ask(graphql: Client, save: Save, people: People) -> None:
    text = "Will we be sold?"
    await save(
        a_liked_question(people.user, text),
        a_cited_question(people.user, text),
        a_cited_question(people.user, text),
    )

    seen = [await suggestions(graphql.of(each)) for each in (people.viewer, people.stranger, people.admin)]

    assert seen == [[], [], [(text, "LIKED", 1)]]


@pytest.mark.parametrize("first", [-1, 21])
async def test_so_many_are_not_suggested(graphql: Client, people: People, first: int) -> None:
    assert await graphql.of(people.user).refusals(SUGGESTIONS, first=first) == [("INVALID", ("first",))]


async def test_it_costs_the_same_however_much_was_requested(
    graphql: Client, save: Save, people: People
) -> None:
    user = graphql.of(people.user)
    await suggestions(user, first=20)
    before = len(graphql.statements)

    await save(*(a_liked_question(people.user, f"Question {number}?") for number in range(8)))
    await suggestions(user, first=20)

    assert len(graphql.statements) == before == 3
