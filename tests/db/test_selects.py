"""Statements of the loaders: one for each shape, shared by all viewers of a role, values beside it."""

import re
from collections.abc import Mapping
from itertools import combinations, product
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db import selects
from db.base import Model
from db.models import (
    Citation,
    Conversation,
    ConversationStatus,
    DocumentScope,
    DrawingSession,
    Message,
    Project,
    ProjectStatus,
    RoleName,
    User,
)
from db.pagination import Order, PageShape
from db.readers import COLLEAGUES, PUBLIC
from db.selects import Source
from db.statements import Statement
from resolvers.access import (
    POLICIES,
    Viewer,
    Visibility,
    is_published,
    platform_visibility,
    visibility,
)
from resolvers.identity.roles import GRANTS

SHAPES = [
    PageShape(Order("id", descending=descending), bounds, backward)
    for descending in (False, True)
    for bounds in ((), ("after",), ("before",), ("after", "before"))
    for backward in (False, True)
]
FIRST = SHAPES[0]
RELATED: list[Source] = [
    getattr(mapper.class_, relationship.key)
    for mapper in sorted(Model.registry.mappers, key=lambda each: each.class_.__name__)  # they are a set
    for relationship in mapper.relationships
    if relationship.uselist and relationship.mapper.class_ in POLICIES
]
SOURCES: list[Source] = [*POLICIES, *RELATED]


def a_viewer(role: RoleName, *without: str) -> Viewer:
    """Somebody of that role, whose ids occur nowhere else."""
    return Viewer(uuid4(), uuid4(), role, frozenset(GRANTS[role]) - set(without), platform_id=uuid4())


VIEWERS = [
    *(a_viewer(role) for role in RoleName),
    a_viewer(RoleName.VIEWER, *GRANTS[RoleName.VIEWER]),
    a_viewer(RoleName.MANAGER, "documents:oversee"),
    a_viewer(RoleName.ADMIN, "documents:oversee", "chat:oversee"),
]
RULES = [
    rule for viewer in VIEWERS for rule in (Visibility.of(viewer), Visibility.of(viewer, published=True))
]
WORDS = {word.value for kind in (ConversationStatus, DocumentScope, ProjectStatus) for word in kind} | {
    COLLEAGUES,
    PUBLIC,
}
"""States, scopes and readers that the rules of visibility name."""
EVERYBODY = Visibility.of(a_viewer(RoleName.SUPER_ADMIN))


def all_statements(source: Source, rule: Visibility, shapes: list[PageShape] = SHAPES) -> list[Statement]:
    """Every statement about the source."""
    model, _ = selects.target(source)
    return [
        *(selects.page_of(source, ("id",), shape, rule) for shape in shapes),
        selects.count_of(source, rule),
        *(selects.rows_by_id(model, ("id",), rule, one=one) for one in (False, True)),
    ]


def inline(statement: Statement, values: Mapping[str, Any]) -> str:
    """The statement with the values in their places."""
    arguments = statement.arguments(values)
    return re.sub(r"\$(\d+)", lambda place: repr(arguments[int(place[1]) - 1]), statement.sql)


def words(sql: str) -> str:
    """The text with single spaces."""
    return " ".join(sql.split())


def test_there_are_lists_below_objects() -> None:
    assert {Project.sessions, Conversation.messages, DrawingSession.drawings} < set(RELATED)


@pytest.mark.parametrize("model", POLICIES, ids=lambda model: model.__name__)
def test_what_a_role_sees_is_what_each_of_its_viewers_sees(model: type[Model]) -> None:
    for viewer, is_aliased in product(VIEWERS, (False, True)):
        entity: Any = aliased(model) if is_aliased else model
        for rule, published in ((visibility, False), (platform_visibility, True)):
            expected = Statement(select(entity.id).where(true(), *rule(viewer, model, entity)))
            shared = Visibility.of(viewer, published=published)
            found = Statement(select(entity.id).where(true(), *shared(model, entity)))

            assert inline(found, viewer.parameters) == inline(expected, {})
            assert is_published(model) or not published or " false" in found.sql


def test_viewers_of_a_role_have_the_same_statements() -> None:
    for role in RoleName:
        one, other = (Visibility.of(a_viewer(role)) for _ in range(2))
        for source in SOURCES:
            first, second = (all_statements(source, rule, SHAPES[:2]) for rule in (one, other))
            assert len(first) == 5
            assert list(map(id, first)) == list(map(id, second))


def test_viewers_who_may_see_other_rows_have_statements_of_their_own() -> None:
    assert len(set(RULES)) == 20
    for one, other in combinations(RULES, 2):
        for source in (Project, Message, Conversation.messages):
            first, second = all_statements(source, one, [FIRST]), all_statements(source, other, [FIRST])
            assert set(map(id, first)).isdisjoint(map(id, second))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_value_is_in_a_statement(source: Source) -> None:
    """Ids, keys, cursors and sizes are parameters. Only words of the rules are parts of a statement."""
    for rule in RULES:
        for statement in all_statements(source, rule, SHAPES if rule is RULES[0] else SHAPES[:1]):
            defaults = statement.arguments({})
            assert "'" not in statement.sql
            assert all(default is None or default in WORDS for default in defaults), defaults
            places = {int(place) for place in re.findall(r"\$(\d+)", statement.sql)}
            assert places == set(range(1, len(defaults) + 1))
            numbers = set(re.findall(r"(?<![\w$])\d+", statement.sql))
            assert numbers <= {"1"}  # of `SELECT 1`


def test_a_statement_is_compiled_once_for_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Statement] = []

    class Compiled(Statement):
        __slots__ = ()

        def __init__(self, statement: Any) -> None:
            super().__init__(statement)
            compiled.append(self)

    monkeypatch.setattr(selects, "Statement", Compiled)
    rule = Visibility(RoleName.VIEWER, frozenset({"projects:read", "of this test alone"}))
    for _ in range(3):
        equal = Visibility(RoleName.VIEWER, frozenset({"of this test alone", "projects:read"}))
        selects.rows_by_id(Project, ("id", "name"), rule)
        selects.rows_by_id(Project, ("id", "name"), equal)
        selects.page_of(Project, ("id",), PageShape(Order("name"), ("after",)), rule)
        selects.page_of(Project, ("id",), PageShape(Order("name", "id"), ("after",)), equal)
        selects.count_of(Project.sessions, rule)
        selects.count_of(Project.sessions, equal)
    assert len(compiled) == 3

    selects.rows_by_id(Project, ("name", "id"), rule)
    selects.page_of(Project, ("id",), PageShape(Order("name"), ("before",)), rule)
    selects.page_of(Project, ("id",), PageShape(Order("name"), ("after",), backward=True), rule)
    selects.page_of(Project, ("id",), PageShape(Order("name", descending=True), ("after",)), rule)
    selects.count_of(Project, rule)
    assert len(compiled) == 8


def test_a_bounded_number_of_statements_is_kept() -> None:
    kept = (selects.rows_by_id, selects.page_of, selects.count_of)

    assert selects.STATEMENTS == 2048
    assert [one.cache_parameters() for one in kept] == [{"maxsize": 2048, "typed": False}] * 3


def test_a_statement_with_a_filter_is_not_kept() -> None:
    def where(project: Any) -> list[Any]:
        return [project.status.in_([ProjectStatus.ACTIVE, ProjectStatus.ARCHIVED])]

    before = [one.cache_info() for one in (selects.page_of, selects.count_of)]
    one, other = (selects.filtered_page(Project, ("id",), FIRST, EVERYBODY, where) for _ in range(2))
    count = selects.filtered_count(Project, EVERYBODY, where)

    assert [one.cache_info() for one in (selects.page_of, selects.count_of)] == before
    assert one is not other
    assert one.sql == other.sql
    for statement in (one, count):
        assert set(statement.arguments({})) == {None, "deleted", "active", "archived"}
        assert "'" not in statement.sql


def test_rows_by_id_are_of_the_visible() -> None:
    viewer = a_viewer(RoleName.USER)
    statement = selects.rows_by_id(User, ("id", "status"), Visibility.of(viewer))

    assert words(statement.sql) == (
        "SELECT platform.users.id AS id, platform.users.status AS status FROM platform.users "
        "WHERE platform.users.id = $1::UUID AND platform.users.id = ANY ($2::UUID[]) LIMIT $3::BIGINT"
    )
    values = {**viewer.parameters, selects.KEYS: [UUID(int=1)], selects.BUDGET: 7}
    assert statement.arguments(values) == [viewer.user_id, [UUID(int=1)], 7]


def test_one_row_is_read_by_its_id_alone() -> None:
    statement = selects.rows_by_id(Project, ("id",), lambda model, entity: [], one=True)

    assert words(statement.sql) == (
        "SELECT tenant.projects.id AS id FROM tenant.projects WHERE tenant.projects.id = $1::UUID "
        "LIMIT $2::BIGINT"
    )
    assert statement.arguments({selects.KEYS: UUID(int=1), selects.BUDGET: 7}) == [UUID(int=1), 7]


def test_pages_of_many_parents_are_read_at_once() -> None:
    shape = PageShape(Order("source_index"), ("after",))
    statement = selects.page_of(Message.citations, ("id", "source_index"), shape, lambda model, entity: [])

    assert words(statement.sql) == (
        "SELECT child.id, child.source_index, parent.position AS parent_position "
        "FROM unnest($1::UUID[]) WITH ORDINALITY AS parent(id, position) JOIN LATERAL ("
        "SELECT citations_1.id AS id, citations_1.source_index AS source_index "
        "FROM tenant.citations AS citations_1 WHERE citations_1.message_id = parent.id "
        "AND (citations_1.source_index, citations_1.id) > ($2::INTEGER, $3::UUID) "
        "ORDER BY citations_1.source_index, citations_1.id LIMIT $4::BIGINT"
        ") AS child ON true LIMIT $5::BIGINT"
    )
    values = {
        "keys": [UUID(int=1)],
        "after_source_index": 3,
        "after_id": UUID(int=2),
        "size": 26,
        "budget": 9,
    }
    assert statement.arguments(values) == [[UUID(int=1)], 3, UUID(int=2), 26, 9]


def test_many_parents_are_counted_at_once() -> None:
    statement = selects.count_of(Message.citations, lambda model, entity: [])

    assert words(statement.sql) == (
        "SELECT parent.position, (SELECT count(*) AS count_1 FROM ("
        "SELECT 1 FROM tenant.citations AS citations_1 WHERE citations_1.message_id = parent.id "
        "LIMIT $1::BIGINT) AS counted) AS anon_1 "
        "FROM unnest($2::UUID[]) WITH ORDINALITY AS parent(id, position)"
    )
    values = {"keys": [UUID(int=1)], "count_limit": None}
    assert statement.arguments(values) == [None, [UUID(int=1)]]


@pytest.mark.parametrize(
    ("source", "model", "key"),
    [(Project, Project, None), (Message.citations, Citation, "message_id"), (Citation, Citation, None)],
)
def test_a_source_has_a_model_and_a_key(source: Source, model: type[Model], key: str | None) -> None:
    assert selects.target(source) == (model, key)


def test_a_relation_has_a_key_and_a_model() -> None:
    attribute: InstrumentedAttribute[Any] = Citation.message

    assert selects.foreign_key(attribute) == ("message_id", Message)
