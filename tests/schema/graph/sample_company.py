"""A small company whose every row is known: what the questions of the five source systems are asked of.

Days are of March 2026, but for usage, which is counted back from today.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from db.ids import new_id
from db.models import (
    ConversationStatus,
    DocumentScope,
    DrawingType,
    FeedbackRating,
    JobStatus,
    LlmProvider,
    ProcessingJobType,
    ProcessingStatus,
    ProjectStatus,
    RoleName,
    RunStatus,
    SessionStatus,
    UserStatus,
)
from tests.factories import (
    Fixture,
    a_company,
    a_comparison,
    a_drawing,
    a_job,
    a_project,
    a_session,
    a_user,
    a_version,
    an_activity,
    an_analysis,
)
from tests.factories.chat import (
    a_citation,
    a_conversation,
    a_feedback,
    a_message,
    a_reply,
    a_run_log,
    a_token_usage,
    a_vote,
    an_agent_log,
    an_answer,
)
from tests.factories.evaluation import a_requirement_export, a_run
from tests.factories.imagery import a_crawl, an_export, an_image
from tests.factories.insights import a_profile, a_report
from tests.factories.knowledge import a_chunk, a_document

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def on(day: int) -> datetime:
    """Noon of that day in March 2026."""
    return datetime(2026, 3, day, 12, tzinfo=UTC)


def ago(days: int) -> datetime:
    """The beginning of a UTC day before today."""
    return TODAY - timedelta(days=days)


def date_of(days: int) -> str:
    """That day, as it is answered."""
    found: date = ago(days).date()
    return found.isoformat()


@dataclass(frozen=True)
class SampleCompany:
    """The company's people, and its rows by the names that the questions use."""

    admin: Fixture
    user: Fixture
    rows: dict[str, Fixture]

    def gid(self, name: str) -> str:
        """The id by which clients know the row."""
        return self.rows[name].gid


def fixed_rows() -> SampleCompany:
    """The company, not saved."""
    company, mark = a_company(), new_id().hex
    admin = a_user(company, username=f"ada-{mark}", email=f"ada-{mark}@fixed.example", created_at=on(1))
    named: dict[str, Any] = {"username": f"ben-{mark}", "email": f"ben-{mark}@fixed.example"}
    user = a_user(company, RoleName.USER, full_name="Ben", created_at=on(2), **named)
    out = a_user(company, RoleName.VIEWER, status=UserStatus.SUSPENDED, created_at=on(3))
    rows = {"admin": admin, "user": user, "out": out}
    for part in (*PARTS, energy):
        rows |= part(admin, user, rows)
    return SampleCompany(admin, user, rows)


def rebuild(company: SampleCompany) -> list[Fixture]:
    """The same rows once more, as far as a company can have them twice, not saved."""
    rows = dict(company.rows)
    for part in PARTS:
        rows |= part(company.admin, company.user, rows)
    return [row for name, row in rows.items() if row is not company.rows[name]]


Rows = dict[str, Fixture]


def drawings(admin: Fixture, user: Fixture, rows: Rows) -> Rows:
    """A finished session of two pairs of sheets, an active one, and a finished one without a project."""
    tower = a_project(user, name="Tower", created_at=on(1))
    bridge = a_project(admin, name="Bridge", created_at=on(2), status=ProjectStatus.COMPLETED)
    done: dict[str, Any] = {"status": SessionStatus.COMPLETED}
    first = a_session(user, tower, name="Tower B", created_at=on(3), **done)
    sheets = {
        (name, side): a_drawing(first, side, drawing_name=name, page_number=page)
        for page, name in enumerate(("A-101", "A-102"), 1)
        for side in DrawingType
    }
    pairs = {
        name: a_comparison(first, sheets[name, DrawingType.OLD], sheets[name, DrawingType.NEW], **measured)
        for name, measured in {
            "A-101": {"alignment_score": 0.5, "changes_detected": True},
            "A-102": {"alignment_score": 1.0, "changes_detected": False},
        }.items()
    }
    said: dict[str, Any] = {"changes_found": ["A door was added."], "critical_change": "The door."}
    finished: dict[str, Any] = {"status": JobStatus.COMPLETED, "progress": 100}
    talk = a_conversation(user, first, title="About B", created_at=on(4), updated_at=on(4))
    return {
        "tower": tower,
        "bridge": bridge,
        "first": first,
        "second": a_session(admin, bridge, name="Bridge B", created_at=on(4)),
        "third": a_session(admin, name="Loose", created_at=on(5), **done),
        **{f"{name} {side.value}": sheet for (name, side), sheet in sheets.items()},
        **pairs,
        "told": an_analysis(pairs["A-101"], created_at=on(3), **said),
        "untold": an_analysis(pairs["A-102"], created_at=on(4), success=False, error_message="Too faint."),
        "version 1": a_version(tower, sheets["A-101", DrawingType.OLD], upload_date=on(1)),
        "version 2": a_version(tower, sheets["A-101", DrawingType.NEW], upload_date=on(3), version_number=2),
        "extraction": a_job(user, first, created_at=on(3), **finished),
        "comparing": a_job(user, first, job_type=ProcessingJobType.COMPARISON, created_at=on(4), **finished),
        "talk": talk,
        "asked": a_message(talk, content="What is new?", created_at=on(4)),
        "told so": an_answer(talk, content="A door.", created_at=on(5)),
        "later talk": a_conversation(admin, first, title="Again", created_at=on(6), updated_at=on(6)),
    }


def imagery(admin: Fixture, user: Fixture, rows: Rows) -> Rows:
    """Two crawls of one project, one with three images, and an export of it."""
    cats = a_crawl(rows["tower"], name="Cats", created_at=on(7), status=JobStatus.COMPLETED)
    dogs = a_crawl(rows["tower"], name="Dogs", created_at=on(8))
    images = {f"cat {number}": an_image(cats, filename=f"cat{number}.jpg") for number in (1, 2, 3)}
    ready: dict[str, Any] = {"status": JobStatus.COMPLETED, "total_images": 3, "exported_images": 3}
    return {
        "cats": cats,
        "dogs": dogs,
        **images,
        "packed": an_export(cats, name="Packed", created_at=on(9), **ready),
        "unpacked": an_export(cats, name="Unpacked", created_at=on(10)),
        "made": an_activity(user, action="PROJECT_CREATE", timestamp=on(1)),
        "crawled": an_activity(user, action="CRAWL_JOB_CREATE", timestamp=on(7)),
        "begun": an_activity(admin, action="DRAWING_SESSION_START", timestamp=on(4)),
    }


def chat(admin: Fixture, user: Fixture, rows: Rows) -> Rows:
    """A conversation with an answer that is cited, rated and voted on, an archived one, and what ran."""
    loan = a_conversation(
        user, title="Loans", created_at=on(11), updated_at=on(20), message_count=4, total_tokens_used=60
    )
    question = a_message(loan, content="Which programme?", created_at=on(11))
    answer = an_answer(loan, content="DSCR.", created_at=on(12))
    old: dict[str, Any] = {"status": ConversationStatus.ARCHIVED, "archived_at": on(15)}
    again = a_reply(answer, content="Sure?", created_at=on(13))
    failed: dict[str, Any] = {"status": RunStatus.ERROR, "error_code": "TIMEOUT", "tokens_used": None}
    return {
        "loan": loan,
        "question": question,
        "answer": answer,
        "again": again,
        "surely": a_reply(answer, content="Really?", created_at=on(14)),
        "old": a_conversation(user, title="Old", created_at=on(14), updated_at=on(15), **old),
        "second source": a_citation(answer, 2, source_name="Rates", page_number=4),
        "first source": a_citation(
            answer, 1, source_name="Guide", inline_number=1, text_start_index=0, text_end_index=4
        ),
        "rating": a_feedback(answer, user, rating=FeedbackRating.THUMBS_UP, comment="Good."),
        "step": an_agent_log(user, answer, agent_type="research", created_at=on(12)),
        "vote 1": a_vote(user, answer, "analytical", created_at=on(12), confidence=0.85),
        "vote 2": a_vote(user, answer, "critical", created_at=on(12), confidence=0.65),
        "run": a_run_log(user, answer, created_at=ago(3)),
        "failed run": a_run_log(user, created_at=ago(3), **failed),
        "admin's run": a_run_log(admin, created_at=ago(1), tokens_used=12),
    }


def energy(admin: Fixture, user: Fixture, rows: Rows) -> Rows:
    """The company's targets, two reports, and tokens of two people."""
    targets: dict[str, Any] = {"location": "Pune", "target_year": 2035, "budget": 100_000.0}
    spent: dict[str, Any] = {"operation_type": "council_voting", "llm_provider": LlmProvider.OPENAI}
    counted: dict[str, Any] = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    return {
        "profile": a_profile(admin.company, **targets),
        "report": a_report(user, report_id="r-1", title="March", saved_at=on(16)),
        "second report": a_report(admin, report_id="r-2", title="April", saved_at=on(17)),
        "tokens": a_token_usage(user, created_at=ago(5)),
        "council's tokens": a_token_usage(user, created_at=ago(2), estimated_cost=1.5, **spent, **counted),
        "admin's tokens": a_token_usage(admin, created_at=ago(2), estimated_cost=None),
    }


def knowledge(admin: Fixture, user: Fixture, rows: Rows) -> Rows:
    """A finished document in two pieces, one for its owner alone, and two that wait."""
    waits: dict[str, Any] = {"processing_status": ProcessingStatus.PENDING, "is_processed": False}
    guide = a_document(
        user, title="Guide", created_at=on(18), is_processed=True, chunk_count=2, processed_at=on(18)
    )
    own: dict[str, Any] = {"scope": DocumentScope.USER, "is_processed": True, "processed_at": on(19)}
    return {
        "guide": guide,
        "piece 0": a_chunk(guide, 0, content="One two."),
        "piece 1": a_chunk(guide, 1, content="Two three."),
        "private": a_document(admin, title="Private", created_at=on(19), **own),
        "later": a_document(user, title="Later", created_at=on(21), **waits),
        "sooner": a_document(user, title="Sooner", created_at=on(20), **waits),
    }


def components(admin: Fixture, user: Fixture, rows: Rows) -> Rows:
    """Two evaluation runs, and three exports of requirements, one of them not timed."""

    def reviewed(
        day: int, component_type: str, approved: int, edited: int, own: int, ms: int | None
    ) -> Fixture:
        counts = {"approved_count": approved, "edited_count": edited, "custom_added_count": own}
        received: dict[str, Any] = {"component_type": component_type, "proposal_latency_ms": ms}
        return a_requirement_export(user, created_at=on(day), **counts, **received)

    return {
        "evaluated": a_run(admin, name="Evaluated", created_at=on(22), status=JobStatus.COMPLETED),
        "planned": a_run(admin, name="Planned", created_at=on(23)),
        "button": reviewed(24, "Button", 4, 1, 0, 2999),
        "second button": reviewed(25, "Button", 2, 2, 1, 3000),
        "card": reviewed(26, "Card", 6, 0, 2, None),
    }


PARTS = (drawings, imagery, chat, knowledge, components)
"""What a company may have any number of times."""
