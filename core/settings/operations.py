"""Settings of the limits on GraphQL operations."""

from pydantic import Field
from pydantic_settings import BaseSettings


class OperationSettings(BaseSettings):
    """Limits of one GraphQL operation."""

    query_characters: int = Field(default=50_000, ge=1_000, description="Maximum length of a document.")
    query_tokens: int = Field(default=6_000, ge=100, description="Maximum lexical tokens of a document.")
    query_depth: int = Field(default=15, ge=5, description="Maximum nesting of fields in a document.")
    query_fields: int = Field(
        default=1_500, ge=100, description="Maximum fields of a document, with fragments spread."
    )
    query_aliases: int = Field(default=60, ge=1, description="Maximum aliases of a document.")
    query_reads: int = Field(
        default=250, ge=10, description="Maximum lists, connections and relations that a document selects."
    )
    query_cost: int = Field(
        default=400_000, ge=1_000, description="Maximum objects of an answer in which every page is full."
    )
    query_introspection: int = Field(
        default=80_000, ge=1_000, description="Maximum values of an answer to introspection."
    )
    introspection: bool = Field(
        default=True,
        description="Answers introspection and serves the contract at `/graphql/schema.graphql`. "
        "Error messages suggest names exactly if it does.",
    )
    explorer: bool = Field(default=True, description="Serves the explorer to browsers at `/graphql`.")
    workbench: bool = Field(default=True, description="Serves the Workbench to browsers at `/`.")
    query_result: int = Field(
        default=60_000,
        ge=1_000,
        description="Maximum weight of an answer: about 10 microseconds of CPU time each.",
    )
    compiled_executor: bool = Field(
        default=True,
        description="Executes operations by compiled plans; `false` uses the stock executor of graphql-core.",
    )
    query_rows: int = Field(
        default=25_000,
        ge=1_000,
        description="Maximum rows that an operation reads. A column of unlimited text counts as another row.",
    )
