"""The picture of the graph shows the models as they are."""

from pathlib import Path

from db import models
from server.commands import entity_graph

DRAWN = Path(__file__).parents[3] / "docs" / "graph.md"


def test_the_picture_is_what_the_models_say() -> None:
    assert entity_graph.page() == DRAWN.read_text(), "run `make graph`"


def test_every_entity_is_in_the_picture() -> None:
    entities = entity_graph.entities()

    assert len(entities) == 31
    assert sum(each.fields for each in entities) == 356
    assert {each.name for each in entities} == {
        name for line in entity_graph.lines(entities) for name in (line.split()[0], line.split()[2])
    } | {"EmbeddingModel"}


def test_one_and_many_and_none_are_distinguished() -> None:
    feedback, message = models.Feedback.__table__.c, models.Message.__table__.c

    assert entity_graph.cardinality(feedback.message_id) == "||--o|"
    assert entity_graph.cardinality(feedback.user_id) == "||--o{"
    assert entity_graph.cardinality(message.parent_message_id) == "|o--o{"
    assert entity_graph.cardinality(models.CompanyProfile.__table__.c.company_id) == "||--o|"
