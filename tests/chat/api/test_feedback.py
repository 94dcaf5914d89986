"""What people think of answers: one word for each answer, and no more than their own."""

from datetime import UTC, datetime
from typing import Any

import pytest

from db.models import ConversationStatus, FeedbackRating, RoleName
from tests.conftest import People, Save, Unchanged
from tests.factories import a_session, a_user
from tests.factories.chat import a_conversation, a_feedback, a_message, an_answer
from tests.graphql_client import Client
from tests.onlooker import Onlooker

SUBMIT = """mutation ($message: ID!, $rating: FeedbackRating!, $comment: String) {
  feedbackSubmit(input: {messageId: $message, rating: $rating, comment: $comment}) {
  errors { code path message } feedback { id rating comment user { id } message { feedback { id } } } } }"""
DELETE = "mutation ($id: ID!) { feedbackDelete(id: $id) { errors { code path } deletedId } }"
LIST = """query ($filter: FeedbackFilter) { feedbacks(filter: $filter) { nodes { comment } } }"""

AT = ("input", "messageId")


async def test_rating_again_replaces_what_was_said(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    answer, user = an_answer(a_conversation(people.user)), graphql.of(people.user)
    await save(answer)

    first = (await user(SUBMIT, message=answer.gid, rating="THUMBS_UP", comment="Yes."))["feedbackSubmit"]
    second = (await user(SUBMIT, message=answer.gid, rating="THUMBS_DOWN"))["feedbackSubmit"]

    id = first["feedback"]["id"]
    whole = {"id": id, "user": {"id": people.user.gid}, "message": {"feedback": {"id": id}}}
    assert first["feedback"] == {**whole, "rating": "THUMBS_UP", "comment": "Yes."}
    assert second["feedback"] == {**whole, "rating": "THUMBS_DOWN", "comment": None}
    stored = "SELECT count(*) FROM tenant.feedback WHERE message_id = $1"
    assert await onlooker.fetchval(stored, answer.id) == 1


async def test_what_cannot_be_rated_stays_unrated(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    colleague = a_user(people.user.company, RoleName.USER)
    conversation = a_conversation(people.user, a_session(people.user))
    answer, own = an_answer(conversation), a_message(conversation)
    archived: dict[str, Any] = {"status": ConversationStatus.ARCHIVED, "archived_at": datetime.now(UTC)}
    closed = an_answer(a_conversation(people.user, **archived))
    rated = an_answer(conversation)
    await save(colleague, answer, own, closed, a_feedback(rated, colleague))

    async with assert_unchanged():
        for person, message, refusal in (
            (people.user, own, ("CONFLICT", AT)),
            (people.user, closed, ("CONFLICT", AT)),
            (people.user, rated, ("CONFLICT", AT)),
            (people.user, conversation, ("INVALID", AT)),
            (colleague, closed, ("NOT_FOUND", AT)),
            (people.stranger, answer, ("NOT_FOUND", AT)),
            (people.viewer, answer, ("FORBIDDEN", ())),
        ):
            client = graphql.of(person)
            assert await client.refusals(SUBMIT, message=message.gid, rating="THUMBS_UP") == [refusal]
        refused = await graphql.of(people.user).refusals(
            SUBMIT, message=answer.gid, rating="THUMBS_UP", comment="x" * 2001
        )
        assert refused == [("INVALID", ("input", "comment"))]


async def test_feedback_is_taken_back_by_who_gave_it_or_who_oversees(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    conversation = a_conversation(people.user, a_session(people.user))
    colleague = a_user(people.user.company, RoleName.USER)
    rows = [a_feedback(an_answer(conversation), people.user) for _ in range(2)]
    await save(colleague, *rows)

    async with assert_unchanged():
        assert await graphql.of(colleague).refusals(DELETE, id=rows[0].gid) == [("FORBIDDEN", ("id",))]
        assert await graphql.of(people.viewer).refusals(DELETE, id=rows[0].gid) == [("FORBIDDEN", ())]
        assert await graphql.of(people.stranger).refusals(DELETE, id=rows[0].gid) == [("NOT_FOUND", ("id",))]
    for person, row in ((people.user, rows[0]), (people.manager, rows[1])):
        answer = await graphql.of(person)(DELETE, id=row.gid)
        assert answer["feedbackDelete"]["deletedId"] == row.gid
        assert await graphql.of(person).refusals(DELETE, id=row.gid) == [("NOT_FOUND", ("id",))]


@pytest.mark.parametrize(
    ("filter", "comments"),
    [({}, ["b", "a"]), ({"rating": "THUMBS_UP"}, ["a"]), ({"rating": "THUMBS_DOWN"}, ["b"])],
)
async def test_feedback_is_listed(
    graphql: Client, save: Save, people: People, filter: dict[str, Any], comments: list[str]
) -> None:
    answers = [an_answer(a_conversation(people.user)) for _ in range(2)]
    at = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2)]
    down = {"rating": FeedbackRating.THUMBS_DOWN}
    await save(
        a_feedback(answers[0], people.user, comment="a", created_at=at[0]),
        a_feedback(answers[1], people.user, comment="b", created_at=at[1], **down),
    )

    found = await graphql.of(people.manager)(LIST, filter={**filter, "userId": people.user.gid})

    assert [node["comment"] for node in found["feedbacks"]["nodes"]] == comments
    assert (await graphql.of(people.viewer)(LIST, filter=filter))["feedbacks"]["nodes"] == []
