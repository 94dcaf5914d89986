"""The checker notices each thing that it looks for."""

from uuid import uuid4

import pytest
from strawberry.relay import GlobalID

from tests.chaos.checker import compare, is_part
from tests.chaos.client import Client, Clock
from tests.chaos.faults import FEW_KILLS, FEW_PAUSES, KILLS, PAUSES, schedule
from tests.chaos.ledger import Entry, Fate, Ledger, Stream

COMPANY, OTHER = uuid4(), uuid4()
COMPANIES = {"quartz": COMPANY, "basalt": OTHER}
ID = uuid4()


def a_ledger(fate: Fate = Fate.KEPT, **fields: object) -> Ledger:
    """A ledger with one project."""
    entry = Entry("projects", "a project", "quartz", str(GlobalID("Project", str(ID))), fate, fields=fields)
    return Ledger([entry])


def a_row(**changes: object) -> dict[str, object]:
    """The project's row."""
    return {"id": ID, "company_id": COMPANY, "name": "a project", "status": "active", **changes}


def checks(ledger: Ledger, *rows: dict[str, object]) -> list[str]:
    """What does not hold."""
    return [finding.check for finding in compare(ledger, "projects", "name", list(rows), COMPANIES)]


def test_an_acknowledged_row_is_stored_once() -> None:
    assert checks(a_ledger(), a_row()) == []
    assert checks(a_ledger()) == ["acknowledged mutations once"]
    assert checks(a_ledger(), a_row(), a_row()) == ["acknowledged mutations once"]
    assert checks(a_ledger(), a_row(id=uuid4())) == ["acknowledged mutations once"]


def test_a_mutation_that_was_not_answered_has_run_at_most_once() -> None:
    assert checks(a_ledger(Fate.SENT)) == checks(a_ledger(Fate.SENT), a_row()) == []
    assert checks(a_ledger(Fate.SENT), a_row(), a_row()) == ["acknowledged mutations once"]


def test_a_deleted_row_is_gone_with_its_children() -> None:
    ledger = a_ledger(Fate.GONE)
    ledger.entries.append(
        Entry("projects", "a child", "quartz", None, Fate.KEPT, parent=ledger.entries[0].id)
    )

    assert checks(ledger) == []
    assert checks(ledger, a_row()) == ["acknowledged mutations once"]
    assert checks(ledger, a_row(name="a child")) == ["acknowledged mutations once"]


def test_an_acknowledged_update_is_stored() -> None:
    assert checks(a_ledger(status="archived"), a_row(status="archived")) == []
    assert checks(a_ledger(status="archived"), a_row()) == ["acknowledged updates are stored"]
    assert checks(a_ledger(status=["active", "archived"]), a_row()) == []


def test_a_row_in_another_company_is_foreign() -> None:
    assert checks(a_ledger(), a_row(company_id=OTHER)) == ["no foreign row"]


@pytest.mark.parametrize(
    ("received", "whole"),
    [
        (["MessageDelta", "MessageCompleted"], True),
        (["MessageCreated", "MessageDelta", "MessageCompleted"], True),
        (["MessageCreated", "MessageCompleted"], False),
        (["MessageDelta", "MessageDelta", "MessageCompleted"], False),
        (["MessageCompleted", "MessageDelta"], False),
    ],
)
def test_a_stream_is_a_run_of_the_stored_events(received: list[str], whole: bool) -> None:
    stream = Stream("quartz", "", [{"kind": kind} for kind in received])

    assert is_part(stream, ["MessageCreated", "MessageDelta", "MessageCompleted"]) is whole


def test_foreign_text_in_an_answer_is_noted() -> None:
    ledger = Ledger()
    client = Client("", None, ledger, Clock(0, 0), "quartz", "", "", "quartz1", ("basalt1", "marble1"))  # type: ignore[arg-type]

    client.look('{"name": "quartz1 project"}')
    assert ledger.faults == {}
    client.look('{"name": "basalt1 project"}')
    assert ledger.faults == {"quartz was shown basalt1": 1}


def test_a_seed_gives_one_schedule() -> None:
    faults = schedule(7, 300, KILLS, PAUSES)

    assert faults == schedule(7, 300, KILLS, PAUSES) != schedule(8, 300, KILLS, PAUSES)
    assert len(faults) == sum(KILLS.values()) + sum(PAUSES.values()) == 44
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert faults[-1].at < 300
    assert len(schedule(7, 60, FEW_KILLS, FEW_PAUSES)) == 8
