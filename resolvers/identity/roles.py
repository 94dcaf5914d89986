"""Roles and their permissions."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from db.arrays import any_id
from db.ids import new_id
from db.models import Permission, Role, RoleName, RolePermission
from db.uow import UnitOfWork

DESCRIPTIONS = {
    RoleName.SUPER_ADMIN: "Runs the platform: every company, every user.",
    RoleName.ADMIN: "Administers one company: its people and everything it has.",
    RoleName.MANAGER: "Sees what the company does, and works in it.",
    RoleName.ANALYST: "Works with documents, drawings and reports.",
    RoleName.REP: "Asks, uploads, and keeps conversations.",
    RoleName.USER: "Works in projects and uploads files.",
    RoleName.VIEWER: "Reads.",
}

READ = {
    "projects:read": "See projects.",
    "drawings:read": "See drawing sessions, sheets, comparisons and analyses.",
    "jobs:read": "See jobs and their progress.",
    "roles:read": "See roles and permissions.",
    "images:read": "See crawls, images, validations and exports.",
    "documents:read": "See documents and what they say.",
    "chat:history": "See one's own conversations, and those about drawing sessions.",
    "explain:view": "See how an answer came about.",
    "reports:view": "See reports and the company's profile.",
    "evaluations:read": "See evaluation runs.",
}
WORK = {
    "projects:create": "Make projects.",
    "projects:update": "Change, archive and restore projects.",
    "drawings:create": "Compare drawing sets.",
    "drawings:update": "Change drawing sessions and version labels.",
    "files:create": "Upload files.",
    "jobs:run": "Start, cancel and retry jobs.",
    "images:create": "Crawl, validate and export images.",
    "documents:create": "Add documents.",
    "documents:update": "Change one's own documents.",
    "documents:delete": "Delete one's own documents.",
    "chat:use": "Hold conversations and rate answers.",
    "requirements:create": "Have requirements proposed; review and export them.",
}
ANALYSE = {
    "agents:read": "See what agents did.",
    "reports:generate": "Make reports.",
    "reports:save": "Keep, tag and change reports.",
    "evaluations:create": "Make and change evaluation runs.",
}
OVERSEE = {
    "users:read": "See the company's people.",
    "activity:read": "See what everybody in the company did.",
    "projects:delete": "Delete projects with all they hold.",
    "drawings:delete": "Delete drawing sessions with all they hold.",
    "images:delete": "Delete crawls with all they hold.",
    "analytics:read": "See everybody's usage, runs and agent logs.",
    "chat:oversee": "See everybody's conversations.",
    "documents:oversee": "See and change everybody's documents.",
    "requirements:oversee": "See everybody's requirement proposals and exports.",
    "evaluations:delete": "Delete evaluation runs.",
    "reports:delete": "Delete reports.",
}
ADMINISTER = {
    "users:create": "Add people to the company.",
    "users:update": "Change people's names, roles and status.",
    "users:delete": "Delete people with what is theirs.",
    "companies:update": "Change the company.",
    "reports:configure": "Change the company's profile, targets and weights.",
    "admin:access": "Open the administration.",
}
PLATFORM = {
    "platform:manage": "See and manage every company and user.",
    "companies:create": "Make companies.",
    "embeddings:manage": "Add and activate embedding models.",
    "documents:publish": "Make documents that every company reads.",
}

GRANTS = {
    RoleName.VIEWER: READ,
    RoleName.USER: READ | WORK,
    RoleName.REP: READ | WORK,
    RoleName.ANALYST: READ | WORK | ANALYSE,
    RoleName.MANAGER: READ | WORK | ANALYSE | OVERSEE,
    RoleName.ADMIN: READ | WORK | ANALYSE | OVERSEE | ADMINISTER,
    RoleName.SUPER_ADMIN: READ | WORK | ANALYSE | OVERSEE | ADMINISTER | PLATFORM,
}

ROLES_BY_AUTHORITY = (
    (RoleName.SUPER_ADMIN,),
    (RoleName.ADMIN,),
    (RoleName.MANAGER,),
    (RoleName.ANALYST,),
    (RoleName.REP, RoleName.USER),
    (RoleName.VIEWER,),
)
"""Roles of equal authority, highest first."""


def outranks(role: RoleName, other: RoleName) -> bool:
    """Whether `role` may assign and manage `other`: it has at least the same authority."""
    rank = {name: position for position, names in enumerate(ROLES_BY_AUTHORITY) for name in names}
    return rank[role] <= rank[other]


async def seed(uow: UnitOfWork) -> None:
    """Create or update roles, permissions and grants to match this module. Idempotent."""
    described = insert(Role).values(
        [{"id": new_id(), "name": name, "description": text} for name, text in DESCRIPTIONS.items()]
    )
    await uow.execute(
        described.on_conflict_do_update(
            index_elements=[Role.name],
            set_={"description": described.excluded.description},
            where=Role.description.is_distinct_from(described.excluded.description),
        )
    )
    known = insert(Permission).values(
        [
            {"id": new_id(), "resource": resource, "action": action, "description": text}
            for granted, text in GRANTS[RoleName.SUPER_ADMIN].items()
            for resource, action in (granted.split(":"),)
        ]
    )
    await uow.execute(
        known.on_conflict_do_update(
            index_elements=[Permission.resource, Permission.action],
            set_={"description": known.excluded.description},
            where=Permission.description.is_distinct_from(known.excluded.description),
        )
    )
    roles = {row.name: row.id for row in await uow.all(select(Role.name, Role.id))}
    permissions = {
        f"{row.resource}:{row.action}": row.id
        for row in await uow.all(select(Permission.id, Permission.resource, Permission.action))
    }
    expected = {(roles[role], permissions[name]) for role, grants in GRANTS.items() for name in grants}
    existing = {
        tuple(row) for row in await uow.all(select(RolePermission.role_id, RolePermission.permission_id))
    }
    for role_id, permission_id in expected - existing:
        grant = insert(RolePermission).values(role_id=role_id, permission_id=permission_id)
        await uow.execute(grant.on_conflict_do_nothing())
    for role_id, permission_id in existing - expected:
        await uow.execute(
            delete(RolePermission).where(
                RolePermission.role_id == role_id, RolePermission.permission_id == permission_id
            )
        )


async def permissions_by_role(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[Permission]]:
    """The permissions of each role, by resource and action."""
    statement = (
        select(RolePermission.role_id, *Permission.__table__.c)
        .join(Permission, Permission.id == RolePermission.permission_id)
        .where(RolePermission.role_id == any_id(ids))
        .order_by(Permission.resource, Permission.action)
    )
    permissions: dict[UUID, list[Permission]] = {}
    for row in await uow.all(statement):
        permissions.setdefault(row.role_id, []).append(row)
    return permissions
