"""Demo documents, conversations, citations, feedback and token usage."""

from datetime import timedelta

from db.models import (
    AgentLog,
    Citation,
    Conversation,
    ConversationStatus,
    Document,
    DocumentChunk,
    DocumentScope,
    Feedback,
    FeedbackRating,
    LlmProvider,
    Message,
    MessageRole,
    ProcessingStatus,
    RunLog,
    RunStatus,
    TextCheck,
    TextCheckState,
    TokenUsage,
)
from server.demo.draft import Draft

TOPICS = ("Heating", "Lighting", "Water", "Insurance", "Loans", "Fire safety", "Acoustics", "Cleaning")
QUALIFIERS = ("twice a year", "before the winter", "by the owner", "within five days", "on every floor")
MODEL = "extractive"
OPERATIONS = ("chat", "embedding", "report_generation", "document_processing", "council_voting")
AGENTS = ("research", "grounding", "explainability", "council_analytical", "council_critical")
FAULTS = ("TIMEOUT", "RATE_LIMIT_EXCEEDED", "NO_CITATIONS")
PRICES = 0.00001, 0.00002
"""US dollars per prompt token and per completion token."""


def sentence(draft: Draft, topic: str, section: int) -> str:
    """A sentence of a document about its topic."""
    return f"{topic}, section {section}: this is checked {draft.one(QUALIFIERS)}."


def knowledge(draft: Draft) -> None:
    """Documents with chunks; a few have failed."""
    for number, at in draft.each(Document):
        topic, failed = draft.one(TOPICS), number % 12 == 11
        name = f"{topic.lower().replace(' ', '-')}-{number + 1}.txt"
        draft.add(
            Document,
            at,
            uploaded_by_id=draft.person(),
            title=f"{topic}: a guide",
            filename=name,
            original_filename=name,
            file_path=f"{draft.company_id}/documents/{draft.key(at)}/{name}",
            file_size=0,
            file_type="txt",
            mime_type="text/plain",
            content_category="manual",
            scope=DocumentScope.COMPANY if draft.chance(0.7) else DocumentScope.USER,
            processing_status=ProcessingStatus.FAILED if failed else ProcessingStatus.COMPLETED,
            error_message="There is no text in it." if failed else None,
            extracted_text=None if failed else "",
            summary=None if failed else f"When and how {topic.lower()} is looked after.",
            keywords=[] if failed else [topic.lower(), "check"],
            topics=[] if failed else [topic],
            chunk_count=0,
            processed_at=at + timedelta(seconds=9),
            created_at=at,
            updated_at=at + timedelta(seconds=9),
        )
    readable = [
        document for document in draft.rows.get(Document, []) if document["extracted_text"] is not None
    ]
    for number in range(draft.counts.get(DocumentChunk, 0) if readable else 0):
        document = readable[number % len(readable)]
        index = document["chunk_count"]
        content = sentence(draft, document["topics"][0], index + 1)
        document["chunk_count"] = index + 1
        document["extracted_text"] += content if index == 0 else f"\n\n{content}"
        document["file_size"] = len(document["extracted_text"])
        draft.add(
            DocumentChunk,
            document["created_at"],
            document_id=document["id"],
            chunk_index=index,
            content=content,
            token_count=len(content.split()),
            created_at=document["processed_at"],
            updated_at=document["processed_at"],
        )


def chat(draft: Draft) -> None:
    """Conversations with questions, answers and consistent counters."""
    for _, at in draft.each(Conversation):
        topic = draft.one(TOPICS)
        archived = draft.chance(0.2)
        draft.add(
            Conversation,
            at,
            user_id=draft.person(),
            title=f"When is {topic.lower()} checked?",
            status=ConversationStatus.ARCHIVED if archived else ConversationStatus.ACTIVE,
            archived_at=at + timedelta(days=1) if archived else None,
            model_name=MODEL,
            message_count=0,
            total_tokens_used=0,
            created_at=at,
            updated_at=at,
        )
    for number, conversation, at in draft.under(Message, Conversation):
        is_question = number % 2 == 0
        topic = conversation["title"].removeprefix("When is ").removesuffix(" checked?").capitalize()
        said = conversation["title"] if is_question else sentence(draft, topic, number)
        tokens = 0 if is_question else 4 * len(said.split())
        conversation["message_count"] += 1
        conversation["total_tokens_used"] += tokens
        conversation["updated_at"] = at
        draft.add(
            Message,
            at,
            conversation_id=conversation["id"],
            role=MessageRole.USER if is_question else MessageRole.ASSISTANT,
            content=said,
            model=None if is_question else MODEL,
            prompt_tokens=None if is_question else tokens // 2,
            completion_tokens=None if is_question else tokens - tokens // 2,
            total_tokens=None if is_question else tokens,
            confidence=None if is_question else draft.share(0.4, 1),
            created_at=at,
            updated_at=at,
        )
    add_answer_details(draft)
    add_token_usage(draft)


def add_answer_details(draft: Draft) -> None:
    """Citations, feedback, requests and agent steps of answers."""
    owners = {row["id"]: row["user_id"] for row in draft.rows.get(Conversation, [])}
    answers = [row for row in draft.rows.get(Message, []) if row["role"] is MessageRole.ASSISTANT]
    documents = draft.rows.get(Document, [])
    for number in range(draft.counts.get(Citation, 0) if answers else 0):
        answer = answers[number % len(answers)]
        draft.add(
            Citation,
            answer["created_at"],
            message_id=answer["id"],
            source_index=number // len(answers) + 1,
            source_name=draft.one(documents)["title"] if documents else None,
            snippet=answer["content"],
            confidence=answer["confidence"],
            text_start_index=0,
            text_end_index=len(answer["content"]),
            inline_number=number // len(answers) + 1,
        )
    for answer in answers[: draft.counts.get(Feedback, 0)]:
        good = draft.chance(0.8)
        draft.add(
            Feedback,
            answer["created_at"],
            message_id=answer["id"],
            user_id=owners[answer["conversation_id"]],
            rating=FeedbackRating.THUMBS_UP if good else FeedbackRating.THUMBS_DOWN,
            comment=None if good else "Not what was asked.",
            created_at=answer["created_at"],
        )
    for number in range(draft.counts.get(RunLog, 0) if answers else 0):
        answer, failed = answers[number % len(answers)], number % 15 == 14
        draft.add(
            RunLog,
            answer["created_at"],
            user_id=owners[answer["conversation_id"]],
            conversation_id=answer["conversation_id"],
            message_id=None if failed else answer["id"],
            model=MODEL,
            tokens_used=None if failed else answer["total_tokens"],
            latency_ms=draft.random.randrange(300, 9_000),
            status=RunStatus.ERROR if failed else RunStatus.SUCCESS,
            error_code=draft.one(FAULTS) if failed else None,
            created_at=answer["created_at"],
        )
    for number in range(draft.counts.get(AgentLog, 0) if answers else 0):
        answer, agent = answers[number % len(answers)], draft.one(AGENTS)
        vote = {
            "agent": agent,
            "temperature": 0.5,
            "vote": answer["content"],
            "confidence": 0.8,
            "reasoning": "",
        }
        council = agent.startswith("council_")
        draft.add(
            AgentLog,
            answer["created_at"],
            agent_type=agent,
            operation="vote" if council else "retrieve",
            confidence=draft.share(0.4, 1),
            is_council_vote=council,
            vote_data=vote if council else None,
            execution_time_ms=draft.share(5, 900),
            message_id=answer["id"],
            user_id=owners[answer["conversation_id"]],
            created_at=answer["created_at"],
        )


def add_token_usage(draft: Draft) -> None:
    """Token usage and cost of operations."""
    for _, at in draft.each(TokenUsage):
        prompt_tokens, answered = draft.random.randrange(50, 2_000), draft.random.randrange(20, 800)
        draft.add(
            TokenUsage,
            at,
            operation_type=draft.one(OPERATIONS),
            prompt_tokens=prompt_tokens,
            completion_tokens=answered,
            total_tokens=prompt_tokens + answered,
            estimated_cost=round(prompt_tokens * PRICES[0] + answered * PRICES[1], 6),
            llm_provider=draft.one(list(LlmProvider)),
            model_name=MODEL,
            user_id=draft.person(),
            created_at=at,
        )


def text_checks(draft: Draft) -> None:
    """Checks of texts that wait, or that were stopped before their first sentence."""
    for number, at in draft.each(TextCheck):
        draft.add(
            TextCheck,
            at,
            user_id=draft.person(),
            text=sentence(draft, draft.one(TOPICS), number + 1),
            state=TextCheckState.STOPPED if draft.chance(0.8) else TextCheckState.WAITING,
            sentence_count=1,
            created_at=at,
            updated_at=at,
        )
