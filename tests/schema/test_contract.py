"""The contract: written down, described, and nothing in it that clients must not see."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from db.base import PlatformModel, TenantModel
from resolvers.access import POLICIES
from schema.contract import make_schema
from schema.framework.decorators import STORED_TYPES
from tests.isolation.generated_operations import UNLISTED

SCHEMA = make_schema()._schema
ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "schema" / "schema.graphql"
OWN_TYPES = {name: kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")}

ALLOWED_WORDS = {
    ("SecondFactorVerifyInput", "deviceToken"),
    ("SecondFactorVerifyPayload", "accessToken"),
    ("SecondFactorVerifyPayload", "deviceToken"),
    ("SecondFactorVerifyPayload", "refreshToken"),
    ("TotpDisableInput", "password"),
    ("TotpEnrollInput", "password"),
    ("TotpEnrollPayload", "secret"),
    ("EmailChangeRequestInput", "password"),
    ("EmailVerifyInput", "token"),
    ("InvitationAcceptInput", "password"),
    ("InvitationAcceptInput", "token"),
    ("InvitationAcceptPayload", "accessToken"),
    ("InvitationAcceptPayload", "refreshToken"),
    ("Mutation", "passwordChange"),
    ("Mutation", "passwordReset"),
    ("Mutation", "passwordResetRequest"),
    ("PasswordChangeInput", "currentPassword"),
    ("PasswordChangeInput", "newPassword"),
    ("PasswordChangePayload", "accessToken"),
    ("PasswordChangePayload", "refreshToken"),
    ("PasswordResetInput", "newPassword"),
    ("PasswordResetInput", "token"),
    ("UserRegisterInput", "password"),
    ("UserSignInInput", "password"),
    ("UserCreateInput", "password"),
    ("UserError", "path"),
    *(
        (payload, token)
        for payload in ("UserRegisterPayload", "UserSignInPayload", "TokenRefreshPayload")
        for token in ("accessToken", "refreshToken")
    ),
    *((name, "deviceToken") for name in ("UserRegisterPayload", "UserSignInPayload", "UserSignInInput")),
    ("Mutation", "tokenRefresh"),
    ("TokenRefreshInput", "refreshToken"),
    ("UserSignOutInput", "refreshToken"),
    ("Image", "hash"),
    ("DatasetImage", "hash"),
    ("DatasetVersion", "digest"),
    ("Image", "perceptualHash"),
}
"""Where such words are meant to be: what signing in takes and gives, an error's path, counts of tokens, and
what tells equal pictures."""


REPLACED_PHRASES = (
    "Asking again with the same key",
    "before is void",
    "begins at once",
    "begun anew",
    "ever later",
    "How many from the",
    "In which order",
    "makes no second one",
    "Nobody suspends themselves",
    "Only what follows this cursor",
    "This is longer than",
    "unless told",
    "what is left out stays",
    "What came of it",
    "Where it stands",
    "Which object",
)
"""Phrases that the standard sentences of descriptions, docstrings, refusals and the README replaced."""


def members() -> Iterator[tuple[str, str, str | None]]:
    """Everything that has a name inside a type, with its description: (type, name, description)."""
    for name, kind in OWN_TYPES.items():
        match kind:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for field_name, field in kind.fields.items():
                    yield name, field_name, field.description
                    for argument_name, argument in field.args.items():
                        yield f"{name}.{field_name}", argument_name, argument.description
            case GraphQLInputObjectType():
                for input_name, input_field in kind.fields.items():
                    yield name, input_name, input_field.description
            case GraphQLEnumType():
                for value_name, value in kind.values.items():
                    yield name, value_name, value.description


def test_the_contract_is_what_is_written_down() -> None:
    assert make_schema(sort=True).as_str() + "\n" == WRITTEN.read_text(), "run `make schema`"


def test_every_type_is_described() -> None:
    assert [name for name, kind in OWN_TYPES.items() if not kind.description] == []


def test_every_field_argument_input_and_enum_value_is_described() -> None:
    assert [(kind, name) for kind, name, description in members() if not description] == []


def test_mutations_answer_with_payloads_of_their_name() -> None:
    assert SCHEMA.mutation_type is not None

    for name, field in SCHEMA.mutation_type.fields.items():
        payload = get_named_type(field.type)
        assert payload.name == f"{name[0].upper()}{name[1:]}Payload"
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["errors"].type) == "[UserError!]!"
        others = [each.type for inner, each in payload.fields.items() if inner != "errors"]
        assert not any(isinstance(kind, GraphQLNonNull) for kind in others)


def test_no_path_password_or_token_is_shown() -> None:
    words = "path|password|token(?!s|Count|Usage|F1)|secret|hash|digest|storageKey|database_?server"
    secret = re.compile(words, re.IGNORECASE)  # how many tokens a text has is no secret

    assert {(kind, name) for kind, name, _ in members() if secret.search(name)} == ALLOWED_WORDS


def test_every_stored_type_has_an_access_rule() -> None:
    models = {stored.model for stored in STORED_TYPES.values()}

    assert models <= set(POLICIES)
    assert models <= {
        mapper.class_ for plane in (PlatformModel, TenantModel) for mapper in plane.registry.mappers
    }


def test_every_stored_type_is_a_node() -> None:
    node = SCHEMA.get_type("Node")
    assert isinstance(node, GraphQLInterfaceType)

    assert {kind.name for kind in SCHEMA.get_possible_types(node)} == set(STORED_TYPES)


def test_every_stored_type_is_reached_by_id_and_in_a_list() -> None:
    assert SCHEMA.query_type is not None
    roots = SCHEMA.query_type.fields.values()
    answers = {str(field.type) for field in roots}

    assert set(STORED_TYPES) <= {str(field.type) for field in roots if "id" in field.args}
    assert {name for name in STORED_TYPES if f"{name}Connection!" not in answers} == UNLISTED


def test_enum_values_are_upper_case() -> None:
    enums = [kind for kind in OWN_TYPES.values() if isinstance(kind, GraphQLEnumType)]

    assert [
        value for kind in enums for value in kind.values if not re.fullmatch("[A-Z][A-Z0-9_]*", value)
    ] == []


@pytest.mark.parametrize("pattern", ["schema/schema.graphql", "README.md", "*.py", "docs/*.md"])
def test_replaced_phrases_are_gone(pattern: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [path for path in listed.stdout.splitlines() if not path.startswith("tests/")]
    texts = {path: " ".join((ROOT / path).read_text().split()) for path in paths if (ROOT / path).exists()}

    assert [
        (path, phrase) for path, text in texts.items() for phrase in REPLACED_PHRASES if phrase in text
    ] == []
