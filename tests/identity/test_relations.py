"""Relations of users and companies to the rows of their tenant."""

from db.models import RoleName
from tests.conftest import People, Save
from tests.factories import a_session, a_user
from tests.factories.insights import a_profile
from tests.graphql_client import Client

SESSIONS = """query ($first: Int) { users(first: $first) { nodes { id
  sessions { totalCount nodes { id user { id } } } } } }"""
PROFILE = "query ($id: ID!) { company(id: $id) { profile { id location } } }"


async def test_the_sessions_of_1_user_and_of_50_take_equally_many_statements(
    graphql: Client, save: Save, people: People
) -> None:
    colleagues = [a_user(people.admin.company, RoleName.USER) for _ in range(50)]
    sessions = [a_session(user) for user in colleagues]
    await save(*sessions)
    owned = {user.gid: session.gid for user, session in zip(colleagues, sessions, strict=True)}
    client = graphql.of(people.admin)
    counts = []

    for first in (1, 50):
        client.statements.clear()
        answer = await client(SESSIONS, first=first)
        counts.append(len(client.statements))

    assert counts[0] == counts[1]
    users = answer["users"]["nodes"]
    assert len(users) == 50
    for user in users:
        found = user["sessions"]
        expected = [{"id": owned[user["id"]], "user": {"id": user["id"]}}] if user["id"] in owned else []
        assert found == {"totalCount": len(expected), "nodes": expected}


async def test_the_profile_of_a_company_is_seen_by_its_own_people_only(
    graphql: Client, save: Save, people: People
) -> None:
    company = people.admin.company
    profile = a_profile(company, location="Alexandria")
    await save(profile)

    own = await graphql.of(people.admin)(PROFILE, id=company.gid)

    assert own["company"]["profile"] == {"id": profile.gid, "location": "Alexandria"}
    assert await graphql.of(people.stranger).refusals(PROFILE, id=company.gid) == [("NOT_FOUND", ("id",))]
    other = await graphql.of(people.stranger)(PROFILE, id=people.stranger.company.gid)
    assert other["company"]["profile"] is None
