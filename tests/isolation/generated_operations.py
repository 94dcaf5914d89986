"""Operations written from the contract itself: every root field and mutation, with arguments that fit."""

from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)
from strawberry import relay

from db.ids import new_id
from schema.contract import make_schema
from schema.framework.decorators import STORED_TYPES

SCHEMA = make_schema()._schema

ABOUT = {
    "sessionId": "DrawingSession",
    "sessionSummary": "DrawingSession",
    "sessionProgress": "DrawingSession",
    "reportProgress": "Report",
    "requirementProposed": "RequirementProposal",
    "conversationEvents": "Conversation",
    "textCheckEvents": "TextCheck",
    "imagesAdded": "CrawlJob",
    "crawlRetry": "CrawlJob",
    "crawlRepeat": "CrawlJob",
    "savedReportComparison": "SavedReport",
    "baseline": "EvaluationRun",
    "candidate": "EvaluationRun",
    "node": "Project",
    "nodes": "Project",
    "duplicateGroup": "Image",
    "proposalId": "RequirementProposal",
    "changeReview": "Comparison",
    "sessionRevoke": "User",
}
"""What an argument, or a root field's ids, are of where neither the answer nor the argument's name tells."""

UNLISTED = {
    "UploadedFile",
    "ConsumptionReading",
    "EnergySource",
    "EvaluationCase",
    "ProposedRequirement",
    "TextCheckSentence",
    "ValidationFinding",
    "DatasetVersion",
    "DatasetImage",
    "HistoricalDataImport",
    "Report",
}
"""What no root list has: it is reached from what it belongs to, or by its id."""

FITTING: dict[str, Any] = {
    "sha256": "0" * 64,
    "mimeType": "application/pdf",
    "filename": "plan.pdf",
    "email": "somebody.new@test.example",
    "password": "correct horse battery",
    "newPassword": "another battery staple",
    "inCodeGeneration": True,
    "requirements": {"props": [{"name": "label"}]},
    "role": "USER",
    "candidate": relay.to_base64("EvaluationRun", str(new_id())),
}
"""Values of arguments and inputs that not every text fits."""

Ids = dict[str, str]
"""The id of one object of every stored type."""


def root(operation: str) -> dict[str, GraphQLField]:
    """The fields of `Query` or `Mutation`."""
    kind = SCHEMA.get_type(operation)
    assert isinstance(kind, GraphQLObjectType)
    fields: dict[str, GraphQLField] = kind.fields
    return fields


def of_type(field: str, argument: str, answer: str = "") -> str:
    """The stored type whose id an argument takes: `projectId` a project's, `imageDelete(id)` an image's."""
    if argument in ABOUT:
        return ABOUT[argument]
    received = argument.removesuffix("Ids").removesuffix("Id")
    for name in sorted(STORED_TYPES, key=len, reverse=True):
        words = name[0].lower() + name[1:]
        if (
            received == words
            or received.endswith(name)
            or (argument in ("id", "ids") and field.startswith(words))
        ):
            return name
    if received.lower().endswith("upload") or field.startswith("upload"):
        return "UploadedFile"
    if field.startswith("job"):
        return "ProcessingJob"
    return answer if answer in STORED_TYPES else ABOUT[field]


def fitting_value(field: str, name: str, kind: Any, ids: Ids) -> Any:
    """A value of the type: ids are those of the objects given."""
    bare = get_nullable_type(kind)
    if name in FITTING:
        return FITTING[name]
    if is_list_type(bare):
        return [fitting_value(field, name, bare.of_type, ids)]
    match bare:
        case GraphQLInputObjectType():
            return {
                key: fitting_value(field, key, each.type, ids)
                for key, each in bare.fields.items()
                if is_required_input_field(each) or get_named_type(each.type).name == "ID" or key in FITTING
            }
        case GraphQLEnumType():
            return next(iter(bare.values))
    scalars: dict[str, Any] = {"Int": 1, "BigInt": 1, "Float": 0.5, "Boolean": True, "JSON": {}}
    if bare.name == "ID":
        return ids[of_type(field, name)]
    return scalars.get(bare.name, "text")


def id_for(field: str, name: str, answer: str, ids: Ids) -> str:
    """The id of an object that the argument is about. A change is identified within its comparison."""
    id = ids[of_type(field, name, answer)]
    if field != "changeReview":
        return id
    return relay.to_base64("Change", f"{relay.GlobalID.from_id(id).node_id}.{new_id()}")


def arguments(field: str, declared: dict[str, GraphQLArgument], answer: str, ids: Ids) -> dict[str, Any]:
    """A value for each argument that the field wants."""
    found = {}
    for name, each in declared.items():
        names_object = get_named_type(each.type).name == "ID"
        if not (names_object or is_required_argument(each)):
            continue
        if names_object and name not in FITTING:
            id = id_for(field, name, answer, ids)
            found[name] = [id] if is_list_type(get_nullable_type(each.type)) else id
        else:
            found[name] = fitting_value(field, name, each.type, ids)
    return found


def operation_with_variables(operation: str, name: str, ids: Ids) -> tuple[str, dict[str, Any]]:
    """A document for one root field, and its variables."""
    field = root(operation)[name]
    answer = get_named_type(field.type)
    variables = arguments(name, field.args, answer.name, ids)
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in variables)
    passed = ", ".join(f"{key}: ${key}" for key in variables)
    head = f"{operation.lower()} ({declared})" if variables else operation.lower()
    call = f"{name}({passed})" if variables else name
    return f"{head} {{ {call}{selection_of(answer)} }}", variables


def selection_of(kind: Any) -> str:
    """What to select of an answer: ids where there are any."""
    if not is_composite_type(kind):
        return ""
    if kind.name.endswith("Connection"):
        return " { totalCount nodes { id } }"
    if kind.name.endswith("Payload"):
        return " { errors { code path } }"
    if "id" in getattr(kind, "fields", {}):
        return " { id }"
    return " { __typename }"
