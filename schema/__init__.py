"""The GraphQL contract."""

import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from schema.drawings.operations import DrawingMutations, DrawingQueries, DrawingSubscriptions
from schema.files import FileMutations, FileQueries
from schema.identity.operations import IdentityMutations
from schema.identity.types import IdentityQueries
from schema.jobs import JobMutations, JobQueries, JobSubscriptions
from schema.nodes import NodeQueries
from schema.projects import ProjectMutations, ProjectQueries
from schema.scalars import BIG_INT, BigInt


@strawberry.type(description="Everything that can be read.")
class Query(NodeQueries, IdentityQueries, ProjectQueries, DrawingQueries, FileQueries, JobQueries):
    pass


@strawberry.type(description="Everything that can be done.")
class Mutation(IdentityMutations, ProjectMutations, DrawingMutations, FileMutations, JobMutations):
    pass


@strawberry.type(description="Everything that can be watched.")
class Subscription(DrawingSubscriptions, JobSubscriptions):
    pass


def make_schema(extensions: list[type[SchemaExtension] | SchemaExtension] | None = None) -> strawberry.Schema:
    """The schema, guarded by these extensions."""
    config = StrawberryConfig(scalar_map={BigInt: BIG_INT}, sort_schema=True, disable_field_suggestions=True)
    return strawberry.Schema(Query, Mutation, Subscription, config=config, extensions=extensions or [])


