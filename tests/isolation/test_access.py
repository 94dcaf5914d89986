"""Every root field and mutation, asked by nobody, by another company's administrator, by the powerless."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from graphql import get_named_type
from starlette.datastructures import UploadFile

from schema.framework.context import Services
from schema.framework.decorators import STORED_TYPES
from tests import factories
from tests.conftest import Unchanged
from tests.factories import Fixture, an_upload
from tests.fingerprints import fingerprints
from tests.graphql_client import Client
from tests.isolation.conftest import Neighbours
from tests.isolation.generated_operations import UNLISTED, operation_with_variables, root
from tests.onlooker import Onlooker

PUBLIC = {
    "emailVerify",
    "invitationAccept",
    "passwordReset",
    "passwordResetRequest",
    "secondFactorVerify",
    "tokenRefresh",
    "userRegister",
    "userSignIn",
}
"""What nobody in particular may do."""

ONESELF = {
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
"""What everybody may do, and to themselves only."""

PLATFORM_ONLY = {
    "companyCreate",
    "companyDelete",
    "companyPlace",
    "embeddingModelActivate",
    "embeddingModelCreate",
    "embeddingModelDelete",
    "embeddingModelUpdate",
    "userApprove",
}
"""What an administrator of a company may not do either."""

SHARED = {"EmbeddingModel", "Permission", "Role"}
"""What all companies have in common."""

TAKEN = "DELETE FROM platform.role_permissions USING platform.roles WHERE id = role_id AND name = 'viewer'"
READS, WRITES = sorted(root("Query")), sorted(set(root("Mutation")) - PUBLIC - {"fileUpload"})
TAKES_ID = {
    name
    for name in READS
    if any(str(argument.type) == "ID!" for argument in root("Query")[name].args.values())
}
COMPARING = {"evaluationComparison"}
"""What takes two objects of a type, of which there is one here."""
LISTS = {name for name in READS if "after" in root("Query")[name].args}


@pytest_asyncio.fixture
async def powerless(onlooker: Onlooker, neighbours: Neighbours) -> AsyncIterator[Fixture]:
    """A colleague whose role grants nothing."""
    grants = await onlooker.fetch("SELECT role_id, permission_id FROM platform.role_permissions")
    await onlooker.execute(TAKEN)
    yield neighbours.viewer
    back = "INSERT INTO platform.role_permissions (role_id, permission_id) VALUES ($1, $2)"
    arguments = f"{back} ON CONFLICT DO NOTHING"
    await onlooker.executemany(arguments, [tuple(grant) for grant in grants])


def ids_in(answer: Any) -> set[str]:
    """Every id in an answer."""
    if isinstance(answer, dict):
        own = {answer["id"]} if "id" in answer else set()
        return own.union(*(ids_in(inner) for inner in answer.values()))
    return set().union(*(ids_in(inner) for inner in answer)) if isinstance(answer, list) else set()


async def test_one_of_everything_is_requested(neighbours: Neighbours, graphql: Client) -> None:
    owner = graphql.of(neighbours.owner)

    assert set(neighbours.ids) == set(STORED_TYPES)
    for name in sorted(TAKES_ID - COMPARING):
        document, variables = operation_with_variables("Query", name, neighbours.ids)
        answer = (await owner(document, **variables))[name]
        assert answer is not None or "id" not in variables, name
    seen = set()
    for name in LISTS:
        document, variables = operation_with_variables("Query", name, neighbours.ids)
        whole = document.replace(f" {name}(", f" {name}(first: 100, ").replace(
            f" {name} {{", f" {name}(first: 100) {{"
        )
        seen |= ids_in(await owner(whole, **variables))
    assert set(neighbours.ids.values()) - seen <= {neighbours.ids[name] for name in UNLISTED}


@pytest.mark.parametrize("name", READS)
async def test_nobody_reads_anything(graphql: Client, neighbours: Neighbours, name: str) -> None:
    document, variables = operation_with_variables("Query", name, neighbours.ids)

    result = await graphql.send(document, **variables)

    assert [(error.extensions or {})["code"] for error in result.errors or ()] == ["UNAUTHENTICATED"]
    assert ids_in(result.data) == set()


@pytest.mark.parametrize("name", WRITES)
async def test_nobody_does_anything(
    graphql: Client, assert_unchanged: Unchanged, neighbours: Neighbours, name: str
) -> None:
    document, variables = operation_with_variables("Mutation", name, neighbours.ids)

    async with assert_unchanged():
        assert await graphql.refusals(document, **variables) == [("UNAUTHENTICATED", ())]


@pytest.mark.parametrize("name", READS)
async def test_a_stranger_reads_nothing_of_another_company(
    graphql: Client, neighbours: Neighbours, name: str
) -> None:
    document, variables = operation_with_variables("Query", name, neighbours.ids)
    shared = {neighbours.ids[kind] for kind in SHARED}
    answer = get_named_type(root("Query")[name].type).name

    result = await graphql.of(neighbours.stranger).send(document, **variables)

    assert ids_in(result.data) & set(neighbours.ids.values()) <= shared
    codes = [(error.extensions or {})["code"] for error in result.errors or ()]
    refused = name in TAKES_ID - {"node"} and answer not in SHARED
    assert codes == ["NOT_FOUND"] if refused else set(codes) <= {"NOT_FOUND"}


@pytest.mark.parametrize("name", WRITES)
async def test_a_stranger_changes_nothing_of_another_company(
    graphql: Client,
    onlooker: Onlooker,
    assert_unchanged: Unchanged,
    neighbours: Neighbours,
    name: str,
) -> None:
    document, variables = operation_with_variables("Mutation", name, neighbours.ids)
    arguments = variables.get("input", {})
    foreign = "id" in variables or any(key.endswith(("Id", "Ids")) for key in arguments)
    stranger = graphql.of(neighbours.stranger)
    if not foreign and name not in PLATFORM_ONLY:
        company_id = neighbours.owner.company.id
        before = await fingerprints(onlooker, company_id)
        await stranger.send(document, **variables)
        assert await fingerprints(onlooker, company_id) == before
        return

    async with assert_unchanged():
        refusal = await stranger.refusals(document, **variables)

    ((code, path),) = refusal
    if name in PLATFORM_ONLY:
        assert (code, path) == ("FORBIDDEN", ())
    else:
        assert code == ("INVALID" if name == "sessionRevoke" else "NOT_FOUND")  # whose IDs are not global
        assert path[0] in ("id", "input")


@pytest.mark.parametrize("name", READS)
async def test_who_has_no_permission_reads_nothing_but_what_is_their_own(
    graphql: Client, neighbours: Neighbours, powerless: Fixture, name: str
) -> None:
    document, variables = operation_with_variables("Query", name, neighbours.ids)

    result = await graphql.of(powerless).send(document, **variables)

    own = {powerless.gid, neighbours.owner.company.gid}
    assert ids_in(result.data) <= own
    codes = {(error.extensions or {})["code"] for error in result.errors or ()}
    assert codes <= {"NOT_FOUND", "FORBIDDEN"}
    assert codes or name not in TAKES_ID - {"node", "company"}


@pytest.mark.parametrize("name", sorted(set(WRITES) - ONESELF))
async def test_who_has_no_permission_does_nothing(
    graphql: Client, assert_unchanged: Unchanged, neighbours: Neighbours, powerless: Fixture, name: str
) -> None:
    document, variables = operation_with_variables("Mutation", name, neighbours.ids)

    async with assert_unchanged():
        ((code, _),) = await graphql.of(powerless).refusals(document, **variables)

    assert code in ("FORBIDDEN", "NOT_FOUND")


async def test_an_upload_is_seen_by_who_announced_it_alone(
    graphql: Client, services: Services, neighbours: Neighbours
) -> None:
    upload = an_upload(neighbours.viewer)
    await factories.save(services.database, upload)
    document = "query ($id: ID!) { upload(id: $id) { id } }"

    own = await graphql.of(neighbours.viewer)(document, id=upload.gid)

    assert own["upload"] == {"id": upload.gid}
    for other in (neighbours.owner, neighbours.stranger):
        assert await graphql.of(other).refusals(document, id=upload.gid) == [("NOT_FOUND", ("id",))]


async def test_files_are_taken_from_nobody_without_permission(
    graphql: Client, neighbours: Neighbours, assert_unchanged: Unchanged
) -> None:
    upload = "mutation ($file: Upload!) { fileUpload(file: $file) { errors { code path } } }"
    file = UploadFile(io.BytesIO(b"%PDF-1.7 nothing"), filename="plan.pdf")

    async with assert_unchanged():
        as_nobody = await graphql.refusals(upload, file=file)
        as_viewer = await graphql.of(neighbours.viewer).refusals(upload, file=file)

    assert as_nobody == [("UNAUTHENTICATED", ())]
    assert as_viewer == [("FORBIDDEN", ())]
