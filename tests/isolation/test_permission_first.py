"""Who may not do something is told so, and nothing of the state: permission is judged first."""

import pytest

from schema.identity.sign_in import PUBLIC_MUTATIONS
from tests.conftest import Unchanged
from tests.graphql_client import Client
from tests.isolation.conftest import Neighbours
from tests.isolation.generated_operations import operation_with_variables, root

OWN = {
    "emailChangeRequest",
    "emailVerificationRequest",
    "passwordChange",
    "sessionRevoke",
    "sessionRevokeAll",
    "totpConfirm",
    "totpDisable",
    "totpEnroll",
    "userSignOut",
}
"""Mutations of what is the viewer's own, which need no permission."""

MULTIPART = {"fileUpload"}
"""Mutations whose input is not JSON alone."""

PROTECTED_MUTATIONS = sorted(set(root("Mutation")) - PUBLIC_MUTATIONS - OWN - MULTIPART)


@pytest.mark.parametrize("name", PROTECTED_MUTATIONS)
async def test_who_only_reads_is_refused_before_the_state_is_looked_at(
    graphql: Client, neighbours: Neighbours, assert_unchanged: Unchanged, name: str
) -> None:
    document, variables = operation_with_variables("Mutation", name, neighbours.ids)

    async with assert_unchanged():
        refused = await graphql.of(neighbours.viewer).refusals(document, **variables)

    assert {code for code, _ in refused} <= {"FORBIDDEN", "NOT_FOUND"}
    assert refused
