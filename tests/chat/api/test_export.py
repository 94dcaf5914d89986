"""Conversations as Markdown: to the letter, with footnotes where offsets say."""

from datetime import UTC, datetime, timedelta

from db.models import MessageState, RoleName
from tests.conftest import People, Save
from tests.factories import a_user
from tests.factories.chat import a_citation, a_conversation, a_message, an_answer
from tests.graphql_client import Client

EXPORT = "query ($id: ID!) { conversationExport(id: $id) { filename content } }"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

ANSWER = "The score \U0001f600 is 660.\n\nA \u05e9\u05dc\u05d5\u05dd passport [^1] is needed."
FIRST, SECOND = ANSWER.index("\n\n"), len(ANSWER)

MARKDOWN = """# Loans: what \\[^9] is “needed”?

Started 2026-03-01 12:00 UTC.

## 1. Question, 2026-03-01 12:00 UTC

> What is the score?
>
> And who needs \\[^1] a passport?

## 2. Answer to 1, by tiny-1, 2026-03-01 12:01 UTC

The score \U0001f600 is 660.[^1]

A \u05e9\u05dc\u05d5\u05dd passport \\[^1] is needed.[^2][^3]

[^1]: Guidelines, page 4: “The score is 660.”
[^2]: Notes: “A passport, and more.”
[^3]: Unknown document

## 3. Question after 2, 2026-03-01 12:02 UTC

> Anything else?

## 4. Answer to 3, by tiny-1, 2026-03-01 12:03 UTC

Well,

*This answer was stopped.*

## 5. Answer to 3, by tiny-1, 2026-03-01 12:04 UTC

*This answer failed.*

## 6. Question, 2026-03-01 12:05 UTC

> In other words?
"""


async def test_a_conversation_is_written_down_whole(graphql: Client, save: Save, people: People) -> None:
    title = "Loans: what [^9] is “needed”?\n"
    conversation = a_conversation(people.user, title=title, created_at=NOON)
    times = [NOON + timedelta(minutes=number) for number in range(6)]
    request = a_message(
        conversation,
        content="What is the score?\n\nAnd who needs [^1] a passport?",
        created_at=times[0],
    )
    values = {"model": "tiny-1", "parent_message_id": request.id}
    answer = an_answer(conversation, content=ANSWER, created_at=times[1], **values)
    answer.parents = (*answer.parents, request)
    more = a_message(conversation, content="Anything else?", created_at=times[2], parent_message_id=answer.id)
    more.parents = (*more.parents, answer)
    values = {"model": "tiny-1", "parent_message_id": more.id}
    stopped = an_answer(
        conversation, content="Well,", created_at=times[3], state=MessageState.STOPPED, **values
    )
    failed = an_answer(conversation, content="", created_at=times[4], state=MessageState.FAILED, **values)
    branch = a_message(conversation, content="In other words?", created_at=times[5])
    for each in (request, answer, more):  # a message is stored before what follows it
        await save(each)
    await save(
        stopped,
        failed,
        branch,
        a_citation(answer, 2, source_name=None),
        a_citation(
            answer,
            1,
            source_name="Guidelines",
            page_number=4,
            snippet="The score\nis 660.",
            text_start_index=0,
            text_end_index=FIRST,
            inline_number=1,
        ),
        a_citation(
            answer,
            3,
            source_name="Notes",
            snippet="A passport, and more.",
            text_start_index=FIRST + 2,
            text_end_index=SECOND,
            inline_number=2,
        ),
    )

    found = (await graphql.of(people.user)(EXPORT, id=conversation.gid))["conversationExport"]

    assert found["content"] == MARKDOWN
    assert found["filename"] == "Loans what 9 is needed.md"


async def test_it_costs_the_same_however_much_was_said(graphql: Client, save: Save, people: People) -> None:
    conversation = a_conversation(people.user)
    await save(conversation)
    user = graphql.of(people.user)
    await user(EXPORT, id=conversation.gid)
    before = len(graphql.statements)

    answers = [an_answer(conversation) for _ in range(5)]
    await save(*map(a_citation, answers))
    await user(EXPORT, id=conversation.gid)

    assert len(graphql.statements) == before == 3


async def test_what_is_out_of_sight_is_not_written_down(graphql: Client, save: Save, people: People) -> None:
    conversation = a_conversation(people.user)
    colleague = a_user(people.user.company, RoleName.USER)
    await save(conversation, colleague)

    for other in (colleague, people.stranger):
        refusals = await graphql.of(other).refusals(EXPORT, id=conversation.gid)
        assert refusals == [("NOT_FOUND", ("id",))]


async def test_numbers_become_footnotes_and_markup_is_text(
    graphql: Client, save: Save, people: People
) -> None:
    conversation = a_conversation(people.user, title="<b>Rent</b>")
    content = "The rent is 660 [1]. See [x](http://a.example) [2] <script>."
    metadata = {"truncated": True}
    answer = an_answer(conversation, content=content, model="<i>", message_metadata=metadata)
    await save(conversation, answer)
    end = content.index(" [1]")
    await save(
        a_citation(
            answer,
            1,
            source_name="![x](http://b.example)",
            snippet="<img src=x>",
            text_start_index=0,
            text_end_index=end,
            inline_number=1,
        )
    )

    exported = (await graphql.of(people.user)(EXPORT, id=conversation.gid))["conversationExport"]["content"]

    assert "# < b>Rent< /b>\n" in exported
    assert ", by < i>, " in exported
    assert "The rent is 660[^1]. See [x] (http[:]//a[.]example) [2] < script>.\n" in exported
    assert "*This answer was cut off at the maximum length.*" in exported
    assert "[^1]: ![x] (http[:]//b[.]example): \u201c< img src=x>\u201d" in exported
