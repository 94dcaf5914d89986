"""Every entity and field that is written down is stored, and is in the contract."""

from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from graphql import GraphQLEnumType, GraphQLField, GraphQLNonNull, GraphQLObjectType, get_named_type
from sqlalchemy.dialects.postgresql import JSONB
from strawberry.utils.str_converters import to_camel_case

from db import models
from schema.contract import make_schema
from tests.schema.graph import entity_tables
from tests.schema.graph.entity_tables import DocumentedField

SCHEMA = make_schema()._schema
FIELDS = entity_tables.fields()
ENTITIES = {described.entity for described in FIELDS}
VALUES = entity_tables.enumerations()

ELSEWHERE = {
    ("RolePermission", "role_id"): ("Role", "permissions", "a link without a life of its own"),
    ("RolePermission", "permission_id"): ("Role", "permissions", "a link without a life of its own"),
    ("Drawing", "storage_path"): ("Drawing", "fileUrl", "clients get signed links, never paths"),
    ("Comparison", "overlay_path"): ("Comparison", "overlayUrl", "clients get signed links, never paths"),
    ("Comparison", "old_image_path"): ("Comparison", "oldImageUrl", "clients get signed links, never paths"),
    ("Comparison", "new_image_path"): ("Comparison", "newImageUrl", "clients get signed links, never paths"),
    ("Document", "file_path"): ("Document", "fileUrl", "clients get signed links, never paths"),
    ("Image", "storage_url"): ("Image", "fileUrl", "clients get signed links, never paths"),
}
"""Where else in the contract a field is, and why."""

HIDDEN = {
    ("User", "hashed_password"): "a secret",
}
"""What no client sees, and why."""

COMPUTED = {("User", "is_admin"): "follows from the role"}
"""What is in the contract without a column, and why."""

DEPRECATED = {
    ("User", "name"): "fullName",
    ("Message", "timestamp"): "createdAt",
    ("Message", "tokensUsed"): "totalTokens",
    ("Document", "uploadedAt"): "createdAt",
    ("DocumentChunk", "embeddingId"): "vectorId",
    ("Image", "url"): "originalUrl",
}
"""Names that the source systems used, and what to ask for instead."""

WORDS: dict[type[Any], str] = {
    sa.Uuid: "ID",
    sa.Text: "Text",
    sa.Integer: "Int",
    sa.BigInteger: "BigInt",
    sa.Double: "Float",
    sa.Boolean: "Bool",
    sa.DateTime: "DateTime",
    JSONB: "JSON",
}
"""What the document calls a column's type."""


def name(described: DocumentedField) -> str:
    return f"{described.entity}.{described.field}"


def in_contract(described: DocumentedField) -> tuple[str, str]:
    """The type and field of the contract where it should be."""
    if (described.entity, described.field) in ELSEWHERE:
        return ELSEWHERE[described.entity, described.field][:2]
    shown = described.field.removesuffix("_id") if described.type.startswith("→") else described.field
    return described.entity, to_camel_case(shown)


def contract_field(entity: str, field: str) -> GraphQLField:
    kind = SCHEMA.get_type(entity)
    assert isinstance(kind, GraphQLObjectType), f"the contract has no type {entity}"
    assert field in kind.fields, f"{entity} has no field {field}"
    found: GraphQLField = kind.fields[field]
    return found


def test_31_entities_with_356_fields_are_written_down() -> None:
    assert len(ENTITIES) == 31
    assert len(FIELDS) == 356
    assert [each for each, count in Counter(map(name, FIELDS)).items() if count > 1] == []
    written = {(described.entity, described.field) for described in FIELDS}
    assert written >= ELSEWHERE.keys() | HIDDEN.keys() | COMPUTED.keys()


@pytest.mark.parametrize("described", FIELDS, ids=name)
def test_a_field_is_stored_as_written(described: DocumentedField) -> None:
    columns = getattr(models, described.entity).__table__.c
    if (described.entity, described.field) in COMPUTED:
        assert described.field not in columns
        return

    column = columns[described.field]

    assert column.nullable is described.nullable
    assert stored_as(column.type) == (
        "ID" if described.type.startswith("→") else "JSON" if "[" in described.type else described.type
    )


def stored_as(kind: Any) -> str:
    """A column's type in the words of the document."""
    if isinstance(kind, sa.Enum):
        assert kind.enum_class is not None
        return kind.enum_class.__name__
    if type(kind) is sa.String:
        return f"Str({kind.length})"
    return WORDS[type(kind)]


@pytest.mark.parametrize("described", FIELDS, ids=name)
def test_a_field_is_in_the_contract(described: DocumentedField) -> None:
    if (described.entity, described.field) in HIDDEN:
        shown = getattr(SCHEMA.get_type(described.entity), "fields", {})
        assert to_camel_case(described.field) not in shown
        return

    found = contract_field(*in_contract(described))

    assert found.deprecation_reason is None
    if described.type in VALUES:
        assert get_named_type(found.type).name == described.type
    if described.nullable:
        assert not isinstance(found.type, GraphQLNonNull)


@pytest.mark.parametrize(("enumeration", "values"), VALUES.items())
def test_an_enumeration_has_the_values_that_are_written_down(enumeration: str, values: list[str]) -> None:
    kind = SCHEMA.get_type(enumeration)
    stored = [member.value for member in getattr(models, enumeration)]

    assert isinstance(kind, GraphQLEnumType)
    assert set(values) <= set(stored)
    assert {value.upper().replace(".", "_") for value in stored} == set(kind.values)


@pytest.mark.parametrize(("alias", "instead"), DEPRECATED.items())
def test_a_name_of_a_source_system_still_works(alias: tuple[str, str], instead: str) -> None:
    found = contract_field(*alias)

    assert f"`{instead}`" in (found.deprecation_reason or "")
    assert str(found.type) == str(contract_field(alias[0], instead).type)


def test_no_other_name_is_deprecated() -> None:
    assert set(DEPRECATED) == {
        (kind, name)
        for kind, type in SCHEMA.type_map.items()
        if isinstance(type, GraphQLObjectType)
        for name, field in type.fields.items()
        if field.deprecation_reason is not None
    }
