"""Random requests of many companies over few connections, and the checks that none sees another's rows."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update

from db.base import Model
from db.database import Database
from db.loaders import Loaders, RowSource
from db.models import DrawingSession, Project, User
from db.pagination import Order, Page
from db.uow import ScopeKind, UnitOfWork
from tests import factories
from tests.factories import Fixture, a_company, a_project, a_session, a_user
from tests.onlooker import Onlooker

PEOPLE, PROJECTS, SESSIONS = 2, 3, 6
"""How many a company has: people, projects of each, sessions of each project."""
AT_ONCE = 24
PAGE = Page(size=5, order=Order("id"))
WANTED = ("company_id", "id", "name")
SCOPE = text("SELECT current_setting('app.company_id')")
SLEEP = text("SELECT pg_sleep(:seconds)")


Placement: TypeAlias = dict[str, str | None]
AS_ALL: Placement = {}
SHARED: Placement = {"database_name": None}
OF_ITS_OWN: Placement = {"database_name": "its own"}
"""Values of a company by its placement: as the tests place all, in the shared database, and apart."""


class Leak(Exception):
    """A unit of work saw, or touched, what is not its company's."""


@dataclass(frozen=True)
class Tenant:
    """A company of the world, and the ids of what it has. Its sessions are called by its own id."""

    id: UUID
    people: Sequence[UUID]
    projects: Sequence[UUID]
    sessions: Sequence[UUID]


async def populate(
    database: Database, companies: int = 0, *, pooled: int = 0, dedicated: int = 0
) -> list[Tenant]:
    """So many companies, alike: placed as the tests place all, in the shared database, and apart."""
    world = []
    for placement in [AS_ALL] * companies + [SHARED] * pooled + [OF_ITS_OWN] * dedicated:
        company = a_company(**placement)
        people = [a_user(company) for _ in range(PEOPLE)]
        projects = [a_project(user) for user in people for _ in range(PROJECTS)]
        sessions = [with_unique_names(company, project) for project in projects for _ in range(SESSIONS)]
        await factories.save(database, *sessions)
        ids = ([row.id for row in rows] for rows in (people, projects, sessions))
        world.append(Tenant(company.id, *ids))
    return world


def with_unique_names(company: Fixture, project: Fixture) -> Fixture:
    """A session that is called as its company is."""
    return a_session(project.parents[0], project, name=str(company.id))


class SeesAll:
    """No rule of the viewer's: the fence is to hold alone."""

    def __call__(self, model: type[Model], entity: Any) -> list[Any]:
        return []

    def readers(self, model: type[Model]) -> None:
        """Anybody."""


@dataclass
class Chaos:
    """Requests to a database; what they came to is counted, leaks by kind."""

    database: Database
    world: list[Tenant]
    onlooker: Onlooker
    seed: int = 42
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    leaks: Counter[str] = field(default_factory=Counter)
    written: Counter[UUID] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    async def run(self, requests: int) -> None:
        """So many requests, 24 at a time."""
        todo = iter(range(requests))

        async def client() -> None:
            for _ in todo:
                await self.request()

        await asyncio.gather(*(client() for _ in range(AT_ONCE)))

    async def request(self) -> None:
        """One unit of work of a random kind."""
        own, foe = self.random.sample(self.world, 2)
        (kind,) = self.random.choices(list(KINDS), [weight for weight, _, _ in KINDS.values()])
        _, scope, act = KINDS[kind]
        read_only = scope == "read"
        reach: ScopeKind = "self" if kind == "myself" else "company"
        try:
            user = self.random.choice(own.people)
            async with self.database.tenant(own.id, user, kind=reach, read_only=read_only) as uow:
                await act(self, uow, own, foe)
            if kind == "write":
                self.written[own.id] += 1
            self.outcomes[kind, "done"] += 1
        except Leak:
            self.leaks[kind] += 1
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
            self.outcomes[kind, "cancelled"] += 1
        except Exception as error:
            self.outcomes[kind, type(error).__name__] += 1

    # -- what a request does: reading

    async def read(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Pages and counts of own parents and another company's, through the loaders."""
        loaders = Loaders(lambda model: [RowSource(uow, SeesAll())])
        mine, theirs = self.random.sample(own.projects, 3), self.random.sample(foe.projects, 3)
        pages = loaders.page(Project.sessions, PAGE, WANTED, None, None)
        counts = loaders.count(Project.sessions, None, None)
        found = await asyncio.gather(*(pages.load(id) for id in (*mine, *theirs)))
        totals = await asyncio.gather(*(counts.load(id) for id in (*mine, *theirs)))
        check(all(len(rows) == 6 for rows in found[:3]), "own rows")
        check(all(row.name == str(own.id) for rows in found for row in rows), "others' rows")
        check(not any(found[3:]) and not any(totals[3:]) and min(totals[:3]) >= SESSIONS, "others' counts")

    async def mixed(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Ids of another company among one's own."""
        loader = Loaders(lambda model: [RowSource(uow, SeesAll())]).one(DrawingSession, WANTED)
        rows = await loader.load_many([*own.sessions[:5], *foe.sessions[:5]])
        check([row and row.name for row in rows] == [str(own.id)] * 5 + [None] * 5, "others' ids")

    async def everything(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """No condition at all."""
        for model in (Project, DrawingSession):
            found = {row.company_id for row in await uow.all(select(model.__table__.c.company_id).distinct())}
            check(found == {own.id}, "others' rows")

    async def together(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Resolvers that run at once on one unit."""
        await asyncio.gather(*(self.read(uow, own, foe) for _ in range(3)))

    async def scoped(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Whose scope the database believes it has, also after the connection was given back."""
        for _ in range(2):
            check(await uow.scalar(SCOPE) == str(own.id), "scope")
            await uow.release()

    async def people(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Users are fenced by company."""
        found = {row.id for row in await uow.all(select(User.id))}
        check(found == set(own.people), "others' people")

    async def myself(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Who may not see colleagues sees themselves."""
        found = [row.id for row in await uow.all(select(User.id))]
        check(found == [uow.scope.user_id], "others' people")

    # -- writing

    async def write(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """A row of one's own."""
        await uow.execute(self.session_of(own, str(own.id)))

    async def forge(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """A row in another company."""
        await uow.execute(self.session_of(foe, "forged").values(company_id=foe.id))
        raise Leak("forged")

    async def foreign_key(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """A row that hangs on another company's."""
        await uow.execute(self.session_of(foe, "forged"))
        raise Leak("foreign key")

    async def give_away(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """One's own row, moved to another company."""
        mine = DrawingSession.id == self.random.choice(own.sessions)
        await uow.execute(update(DrawingSession).where(mine).values(company_id=foe.id, project_id=None))
        raise Leak("given away")

    async def reach(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Another company's rows and people, changed and deleted by id."""
        theirs = DrawingSession.id == self.random.choice(foe.sessions)
        person = User.id == self.random.choice(foe.people)
        changes = (
            update(DrawingSession).where(theirs).values(name="forged"),
            delete(DrawingSession).where(DrawingSession.company_id == foe.id),
            update(User).where(person).values(full_name="forged"),
            delete(User).where(person),
        )
        for change in changes:
            check((await uow.execute(change)).rowcount == 0, "others' rows changed")

    # -- ends of all kinds

    async def database_error(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """A statement fails after a write."""
        await uow.execute(self.session_of(own, "rolled back"))
        await uow.execute(text("SELECT 1 / 0"))

    async def bug(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Our own code fails after a write."""
        await uow.execute(self.session_of(own, "rolled back"))
        raise KeyError("a bug")

    async def cancelled(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """The client leaves at any moment."""
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(self.random.random() * 0.05, task.cancel)
        await self.linger(uow, own)

    async def timed_out(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Our own patience ends at any moment."""
        async with asyncio.timeout(self.random.random() * 0.05):
            await self.linger(uow, own)

    async def statement_timeout(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """The database's patience ends."""
        await uow.execute(text("SET LOCAL statement_timeout = '10ms'"))
        await uow.execute(SLEEP, {"seconds": 5})

    async def lock_timeout(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """Requests that want the same row."""
        await uow.execute(text("SET LOCAL lock_timeout = '20ms'"))
        await uow.execute(select(Project.id).where(Project.id == own.projects[0]).with_for_update())
        await uow.execute(SLEEP, {"seconds": 0.01})

    async def session_level(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """A bug that leaves another company's scope on the connection."""
        await uow.execute(select(func.set_config("app.company_id", str(foe.id), False)))

    async def killed(self, uow: UnitOfWork, own: Tenant, foe: Tenant) -> None:
        """The server ends the connection."""
        await uow.execute(self.session_of(own, "rolled back"))
        process = await uow.scalar(text("SELECT pg_backend_pid()"))
        async with KILLING:
            await self.onlooker.execute("SELECT pg_terminate_backend($1)", process)
        await uow.execute(text("SELECT 1"))
        raise Leak("a killed connection answered")

    async def linger(self, uow: UnitOfWork, own: Tenant) -> None:
        """Write, then be slow in two steps."""
        await uow.execute(self.session_of(own, "rolled back"))
        await uow.execute(SLEEP, {"seconds": 0.02})
        await uow.execute(SLEEP, {"seconds": 5})

    def session_of(self, tenant: Tenant, name: str) -> Any:
        """An insert that hangs on a project of the tenant's."""
        return insert(DrawingSession).values(project_id=self.random.choice(tenant.projects), name=name)

    async def stored(self) -> dict[UUID, list[str]]:
        """The names of all sessions of each company of the world, as they are stored."""
        rows = await self.onlooker.fetch(STORED, [tenant.id for tenant in self.world])
        return {row["company_id"]: row["names"] for row in rows}


STORED = """SELECT company_id, array_agg(name) AS names FROM tenant.drawing_sessions
WHERE company_id = ANY ($1) GROUP BY company_id"""

KILLING = asyncio.Lock()
"""The onlooker's connection does one thing at a time."""

Act = Callable[[Chaos, UnitOfWork, Tenant, Tenant], Awaitable[None]]
KINDS: dict[str, tuple[float, str, Act]] = {
    "read": (20, "read", Chaos.read),
    "mixed": (12, "read", Chaos.mixed),
    "everything": (8, "read", Chaos.everything),
    "together": (4, "read", Chaos.together),
    "scoped": (6, "read", Chaos.scoped),
    "people": (6, "read", Chaos.people),
    "myself": (4, "read", Chaos.myself),
    "write": (10, "write", Chaos.write),
    "forge": (4, "write", Chaos.forge),
    "foreign_key": (4, "write", Chaos.foreign_key),
    "give_away": (4, "write", Chaos.give_away),
    "reach": (4, "write", Chaos.reach),
    "database_error": (4, "write", Chaos.database_error),
    "bug": (4, "write", Chaos.bug),
    "cancelled": (6, "write", Chaos.cancelled),
    "timed_out": (4, "write", Chaos.timed_out),
    "statement_timeout": (3, "write", Chaos.statement_timeout),
    "lock_timeout": (2, "write", Chaos.lock_timeout),
    "session_level": (3, "write", Chaos.session_level),
    "killed": (0.5, "write", Chaos.killed),
}
"""How often, whether it only reads, and what it does."""


def check(holds: bool, what: str) -> None:
    """Raise `Leak` unless it holds."""
    if not holds:
        raise Leak(what)
