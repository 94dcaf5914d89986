"""What questions ask for, and whether a sentence holds it."""

import pytest

from providers.chat.question_kinds import QuestionKind, holds_kind, question_kind

KINDS = [
    ("How much did the roof cost?", QuestionKind.MONEY),
    ("What was the price of the land?", QuestionKind.MONEY),
    ("What percentage of the doors is rated?", QuestionKind.PERCENTAGE),
    ("How many years did the strike last?", QuestionKind.DURATION),
    ("How long did it take?", QuestionKind.DURATION),
    ("How old was she?", QuestionKind.AGE),
    ("How tall is the tower?", QuestionKind.MEASURE),
    ("How many doors are there?", QuestionKind.COUNT),
    ("In what year was it built?", QuestionKind.YEAR),
    ("When was the lease signed?", QuestionKind.TIME),
    ("Why was the door blocked?", QuestionKind.REASON),
    ("Who signed the lease?", QuestionKind.PERSON),
    ("Which architect drew the hall?", QuestionKind.PERSON),
    ("Where is the loading bay?", QuestionKind.PLACE),
    ("In which city was it signed?", QuestionKind.PLACE),
    ("Which company delivers the steel?", QuestionKind.NAME),
    ("Is the hall heated?", QuestionKind.YES_NO),
    ("What holds the roof?", QuestionKind.OTHER),
    ("What happens when the alarm rings?", QuestionKind.OTHER),
]

HOLDS = [
    ("How much did the roof cost?", "It cost 4,200 euros.", True),
    ("How much did the roof cost?", "It was built in 1904.", False),
    ("What percentage of doors is rated?", "Half of them are.", True),
    ("How many years did it last?", "It lasted two decades.", True),
    ("How many years did it last?", "It was long.", False),
    ("How many doors are there?", "There are two doors.", True),
    ("How many doors are there?", "The doors are red.", False),
    ("When was it signed?", "It was signed on 3 May.", True),
    ("When did the strike of 1904 begin?", "The strike of 1904 was long.", False),
    ("Who signed the lease?", "Maria Vogt signed it.", True),
    ("Who is Maria Vogt?", "Maria Vogt signed it.", False),
    ("Why was it blocked?", "It was blocked to keep the heat inside.", True),
    ("Why was it blocked?", "It was blocked.", False),
    ("What holds the roof?", "Six columns.", True),
]


@pytest.mark.parametrize(("question", "kind"), KINDS)
def test_what_a_question_asks_for(question: str, kind: QuestionKind) -> None:
    assert question_kind(question) is kind


@pytest.mark.parametrize(("question", "sentence", "holds"), HOLDS)
def test_whether_a_sentence_holds_it(question: str, sentence: str, holds: bool) -> None:
    assert holds_kind(question_kind(question), question, sentence) is holds
