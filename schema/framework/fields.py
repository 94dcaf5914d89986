"""Fields derived from the relationships of the models: relations, lookups, connections, signed links."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.orm import InstrumentedAttribute
from strawberry import relay

from core.errors import Invalid
from db.base import Model
from db.cursors import decode_cursor, encode_cursor
from db.loaders import ROOT
from db.pagination import Order, Page
from db.selects import Source, Where, foreign_key, target
from resolvers.access import not_found
from schema.framework.context import Context, Info
from schema.framework.decorators import NEEDS, enumeration
from schema.framework.global_ids import key_of
from schema.framework.payloads import field, validate_arguments
from schema.framework.projection import columns

NodeT = TypeVar("NodeT")

DECLARED = "declared"
"""Key of a field's metadata: what it loads along the models' relationships."""

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 25, 100
DEFAULT_COUNT, MAX_COUNT = 10_000, 100_000

First = Annotated[
    int | None, strawberry.argument(description="Returns the first n items. Default 25, maximum 100.")
]
Last = Annotated[int | None, strawberry.argument(description="Returns the last n items. Maximum 100.")]
After = Annotated[str | None, strawberry.argument(description="Returns items after this cursor.")]
Before = Annotated[str | None, strawberry.argument(description="Returns items before this cursor.")]
UpTo = Annotated[int, strawberry.argument(description=f"Counts at most n items. Maximum {MAX_COUNT:,}.")]


@enumeration
class CountPrecision(Enum):
    """Precision of a number of items."""

    EXACT = "exact"
    """The number is exact."""
    AT_LEAST = "at_least"
    """There are more items. The number is the limit of the count."""


@dataclass(frozen=True)
class Relation:
    """A to-one field through the foreign key in this column."""

    key: str
    model: type[Model]


@dataclass(frozen=True)
class Lookup:
    """A root field by the argument `id`."""

    model: type[Model]


class PageRequest(NamedTuple):
    """A page of a list, and its filter with what identifies it."""

    page: Page
    where: Where | None
    tag: str | None


@dataclass(frozen=True)
class ListSource:
    """A to-many field of a relationship, or of a model at the root."""

    source: Source
    order: Order
    orders: type[Enum] | None
    base_filter: type | None = None
    """Type of the filter that holds if the client sends none."""

    @property
    def is_related(self) -> bool:
        """Whether each object has a list of its own."""
        return isinstance(self.source, InstrumentedAttribute)

    @property
    def model(self) -> type[Model]:
        """The model of the items."""
        return target(self.source)[0]

    def select(
        self,
        context: Context,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: Any = None,
        order_by: Any = None,
    ) -> PageRequest:
        """What the arguments of the field select. Raises `NotAuthenticated` and `Invalid`."""
        context.require_viewer()
        validate_arguments({"filter": filter})
        page = page_of(self.model, order_by.value if order_by else self.order, first, after, last, before)
        if filter is None and self.base_filter is not None:
            filter = self.base_filter()
        return PageRequest(page, filter.where, repr(filter)) if filter else PageRequest(page, None, None)


def relation(attribute: InstrumentedAttribute[Any]) -> Any:
    """A to-one field through a foreign key, batched by id. Null if the viewer may not see the row."""
    attribute.parent.registry.configure()
    key, model = foreign_key(attribute)

    async def resolve(root: Any, info: Info) -> Any:
        id = getattr(root, key)
        return None if id is None else await info.context.loaders.one(model, columns(info, model)).load(id)

    return strawberry.field(resolver=resolve, metadata={NEEDS: (key,), DECLARED: Relation(key, model)})


def inverse(attribute: InstrumentedAttribute[Any]) -> Any:
    """A to-one field through a unique foreign key of the other model. Null if the viewer sees no such row."""
    attribute.parent.registry.configure()
    model, _ = target(attribute)
    page = Page(size=1, order=Order("id"))

    async def resolve(root: Any, info: Info) -> Any:
        wanted = columns(info, model)
        rows = await info.context.loaders.page(attribute, page, wanted, None, None).load(root.id)
        return rows[0] if rows else None

    return strawberry.field(resolver=resolve, metadata={NEEDS: ("id",)})


def lookup(model: type[Model], description: str) -> Any:
    """A root field by id. Raises `NotFound` if the object does not exist or the viewer may not see it."""

    async def resolve(info: Info, id: relay.GlobalID) -> Any:
        key = key_of(id, model)
        row = await info.context.loaders.one(model, columns(info, model)).load(key)
        if row is None:
            raise not_found(model, "id")
        return row

    return strawberry.field(resolver=resolve, description=description, metadata={DECLARED: Lookup(model)})


def connection(
    source: Source,
    *,
    orders: type[Enum] | None = None,
    filter: type | None = None,
    filtered: bool = False,
) -> Any:
    """A to-many field with keyset pagination. The default order is the first of `orders`.

    `source` is a relationship, or a model for a root field. A `filtered` list has a filter also if the client
    sends none: the one with the default of each condition.
    """
    if isinstance(source, InstrumentedAttribute):
        source.parent.registry.configure()
    order = next(iter(orders)).value if orders else Order("id")
    listing = ListSource(source, order, orders, filter if filtered else None)

    async def resolve(
        root: Any,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Any = None,
        order_by: Any = None,
    ) -> Any:
        page, where, tag = listing.select(info.context, first, after, last, before, filter, order_by)
        wanted = columns(info, listing.model, ("nodes",), ("edges", "node"), extra=page.order.columns)
        loaders, parent = info.context.loaders, root.id if listing.is_related else ROOT
        return Connection(
            model=listing.model,
            page=page,
            rows=lambda: loaders.page(source, page, wanted, where, tag).load(parent),
            count=lambda limit: loaders.count(source, where, tag, limit).load(parent),
        )

    arguments = dict(resolve.__annotations__)
    if filter is None:
        del arguments["filter"]
    else:
        described = strawberry.argument(description="Returns items that match all conditions.")
        arguments["filter"] = Annotated[filter | None, described]
    if orders is None:
        del arguments["order_by"]
    else:
        described = strawberry.argument(description=f"Sort order. Default {next(iter(orders)).name}.")
        arguments["order_by"] = Annotated[orders | None, described]
    return strawberry.field(
        resolver=_with_arguments(resolve, arguments), metadata={NEEDS: (), DECLARED: listing}
    )


def single_connection(
    model: type[Model], find: Callable[..., Awaitable[dict[UUID, UUID]]], *, orders: type[Enum]
) -> Any:
    """A list of at most one object, whose id `find` answers by the ids of the parents."""
    listing = ListSource(model, next(iter(orders)).value, orders)

    async def resolve(
        root: Any,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        order_by: Any = None,
    ) -> Any:
        page, _, _ = listing.select(info.context, first, after, last, before, None, order_by)
        wanted = columns(info, model, ("nodes",), ("edges", "node"), extra=page.order.columns)
        loaders = info.context.loaders

        async def rows() -> list[Any]:
            id = await loaders.by(find).load(root.id)
            row = None if id is None else await loaders.one(model, wanted).load(id)
            return [row] if row is not None and page.contains(row) else []

        async def count(limit: int) -> int:
            id = await loaders.by(find).load(root.id)
            row = None if id is None else await loaders.one(model, ("id",)).load(id)
            return min(limit, int(row is not None))

        return Connection(model=model, page=page, rows=rows, count=count)

    arguments = dict(resolve.__annotations__)
    described = strawberry.argument(description=f"Sort order. Default {next(iter(orders)).name}.")
    arguments["order_by"] = Annotated[orders | None, described]
    return strawberry.field(resolver=_with_arguments(resolve, arguments), metadata={NEEDS: ("id",)})


def signed_link(path: str, *, name: str, type: str, shown: Callable[[Any], bool] | None = None) -> Any:
    """A field with a signed, expiring URL of the stored object at the key in column `path`, or null.

    Column `name` holds the filename of the download; `type` is a media type or the column that holds one.
    """
    media = type if "/" in type else None

    def resolve(root: Any, info: Info) -> str | None:
        key = getattr(root, path)
        if key is None or (shown and not shown(root)):
            return None
        mime_type = media or getattr(root, type) or "application/octet-stream"
        filename = getattr(root, name)
        if media == "image/png" and not filename.endswith(".png"):
            filename += ".png"
        return info.context.links.download_url(key, filename, mime_type)

    needs = {path, name, *(() if media else (type,)), *(("state",) if shown else ())}
    return strawberry.field(resolver=resolve, metadata={NEEDS: tuple(sorted(needs))})


def _with_arguments(resolve: Callable[..., Any], annotations: dict[str, Any]) -> Callable[..., Any]:
    """The resolver with only these arguments in its signature."""

    async def narrowed(*args: Any, **kwargs: Any) -> Any:
        return await resolve(*args, **kwargs)

    signature = inspect.signature(resolve)
    kept = [
        signature.parameters[name].replace(annotation=kind)
        for name, kind in annotations.items()
        if name != "return"
    ]
    narrowed.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    narrowed.__annotations__ = annotations
    return narrowed


@strawberry.type(description="An item of a connection with its cursor.")
class Edge(Generic[NodeT]):
    cursor: str = strawberry.field(description="Opaque cursor. Pass it as `after` or `before`.")
    node: NodeT = strawberry.field(description="The item.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[NodeT]):
    model: strawberry.Private[type[Model]]
    page: strawberry.Private[Page]
    rows: strawberry.Private[Callable[[], Awaitable[list[Any]]]]
    count: strawberry.Private[Callable[[int], Awaitable[int]]]

    @field
    async def edges(self) -> list[Edge[NodeT]]:
        """Items of the page with their cursors."""
        rows, _ = self.page.trim(await self.rows())
        return [Edge(cursor=self._cursor(row), node=row) for row in rows]

    @field
    async def nodes(self) -> list[NodeT]:
        """Items of the page."""
        return list(self.page.trim(await self.rows())[0])

    @field
    async def page_info(self) -> relay.PageInfo:
        """Pagination information of the page."""
        return page_info(self.model, self.page, *self.page.trim(await self.rows()))

    @field
    async def total_count(self, up_to: UpTo = DEFAULT_COUNT) -> int:
        """Number of items on all pages, or `upTo` if there are more: see `totalCountPrecision`."""
        return min(await self._count_beyond(up_to), up_to)

    @field
    async def total_count_precision(self, up_to: UpTo = DEFAULT_COUNT) -> CountPrecision:
        """Precision of the `totalCount` with the same `upTo`."""
        return CountPrecision.EXACT if await self._count_beyond(up_to) <= up_to else CountPrecision.AT_LEAST

    def _count_beyond(self, up_to: int) -> Awaitable[int]:
        if not 0 <= up_to <= MAX_COUNT:
            raise Invalid(f"upTo must be between 0 and {MAX_COUNT} (got {up_to}).", "upTo")
        return self.count(up_to + 1)

    def _cursor(self, row: Any) -> str:
        return encode_cursor(self.model, self.page.order, row)


def page_info(model: type[Model], page: Page, rows: Sequence[Any], more: bool) -> relay.PageInfo:
    """Pagination information of a page with these rows."""
    return relay.PageInfo(
        has_next_page=page.before is not None if page.backward else more,
        has_previous_page=more if page.backward else page.after is not None,
        start_cursor=encode_cursor(model, page.order, rows[0]) if rows else None,
        end_cursor=encode_cursor(model, page.order, rows[-1]) if rows else None,
    )


def page_of(
    model: type[Model],
    order: Order,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page:
    """The page that Relay's arguments select. Raises `Invalid` for bad sizes or cursors."""
    if first is not None and last is not None:
        raise Invalid("first and last must not be combined.", "last")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MAX_PAGE_SIZE:
            raise Invalid(f"{name} must be between 0 and {MAX_PAGE_SIZE} (got {size}).", name)
    return Page(
        size=last if last is not None else DEFAULT_PAGE_SIZE if first is None else first,
        order=order,
        after=None if after is None else decode_cursor(model, order, after, "after"),
        before=None if before is None else decode_cursor(model, order, before, "before"),
        backward=last is not None,
    )
