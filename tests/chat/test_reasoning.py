"""How an answer came about, as it is shown at each level and as it is logged."""

from db.models import ExplainabilityLevel
from pipelines.chat.reasoning import MAX_DETAIL_LENGTH, Step, reasoning_chain

STEPS = [
    Step("query_quality", "check", detail="This reads as a question.", confidence=1.0, output={"faults": []}),
    Step("answer", "generate", detail="model/1", output={"found": True}, tokens=(30, 7), seconds=0.25),
]


def test_the_basic_level_names_who_did_what() -> None:
    assert reasoning_chain(STEPS, ExplainabilityLevel.BASIC) == [
        {"agent": "query_quality", "action": "check"},
        {"agent": "answer", "action": "generate"},
    ]


def test_the_detailed_level_tells_what_came_of_it() -> None:
    assert reasoning_chain(STEPS, ExplainabilityLevel.DETAILED) == [
        {
            "agent": "query_quality",
            "action": "check",
            "detail": "This reads as a question.",
            "confidence": 1.0,
        },
        {"agent": "answer", "action": "generate", "detail": "model/1", "confidence": None},
    ]


def test_the_level_for_debugging_tells_every_figure() -> None:
    assert [step["detail"] for step in reasoning_chain(STEPS, ExplainabilityLevel.DEBUG)] == [
        'This reads as a question.: {"faults": []}',
        'model/1: {"found": true, "milliseconds": 250.0, "tokens": 37}',
    ]
    endless = Step("grounding", "verify", output={"unsupported": ["x" * 10_000]})
    (shown,) = reasoning_chain([endless], ExplainabilityLevel.DEBUG)
    assert len(shown["detail"]) == MAX_DETAIL_LENGTH


def test_the_log_holds_everything_at_any_level() -> None:
    assert STEPS[1].columns() == {
        "agent_type": "answer",
        "operation": "generate",
        "output_data": {"found": True, "detail": "model/1"},
        "confidence": None,
        "is_council_vote": False,
        "vote_data": None,
        "execution_time_ms": 250.0,
        "token_usage": {"prompt_tokens": 30, "completion_tokens": 7, "total_tokens": 37},
    }
