"""Fields derived from the relationships of the models: relations, lookups, connections, signed links."""

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from sqlalchemy.orm import InstrumentedAttribute
from strawberry import relay

from core.errors import Invalid
from db.base import Model
from db.cursors import decode_cursor, encode_cursor
from db.loaders import ROOT, Source, foreign_key, target
from db.pagination import Order, Page
from resolvers.access import not_found
from schema.framework.context import Info
from schema.framework.decorators import NEEDS
from schema.framework.global_ids import key_of
from schema.framework.payloads import field, validate_arguments
from schema.framework.projection import columns

NodeT = TypeVar("NodeT")
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 25, 100

First = Annotated[
    int | None, strawberry.argument(description="Returns the first n items. Default 25, maximum 100.")
]
Last = Annotated[int | None, strawberry.argument(description="Returns the last n items. Maximum 100.")]
After = Annotated[str | None, strawberry.argument(description="Returns items after this cursor.")]
Before = Annotated[str | None, strawberry.argument(description="Returns items before this cursor.")]


def relation(attribute: InstrumentedAttribute[Any]) -> Any:
    """A to-one field through a foreign key, batched by id. Null if the viewer may not see the row."""
    attribute.parent.registry.configure()
    key, model = foreign_key(attribute)

    async def resolve(root: Any, info: Info) -> Any:
        id = getattr(root, key)
        return None if id is None else await info.context.loaders.one(model, columns(info, model)).load(id)

    return strawberry.field(resolver=resolve, metadata={NEEDS: (key,)})


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

    return strawberry.field(resolver=resolve, description=description)


def connection(source: Source, *, orders: type[Enum] | None = None, filter: type | None = None) -> Any:
    """A to-many field with keyset pagination. The default order is the first of `orders`.

    `source` is a relationship, or a model for a root field.
    """
    related = isinstance(source, InstrumentedAttribute)
    if isinstance(source, InstrumentedAttribute):
        source.parent.registry.configure()
    model, _ = target(source)
    default_order = next(iter(orders)).value if orders else Order("id")

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
        info.context.viewer  # noqa: B018  requires a signed-in viewer
        validate_arguments({"filter": filter})
        order = order_by.value if order_by else default_order
        page = page_of(model, order, first, after, last, before)
        wanted = columns(info, model, ("nodes",), ("edges", "node"), extra=order.columns)
        where, tag = (filter.where, repr(filter)) if filter else (None, None)
        loaders, parent = info.context.loaders, root.id if related else ROOT
        return Connection(
            model=model,
            page=page,
            rows=lambda: loaders.page(source, page, wanted, where, tag).load(parent),
            count=lambda: loaders.count(source, where, tag).load(parent),
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
    return strawberry.field(resolver=_with_arguments(resolve, arguments), metadata={NEEDS: ()})


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
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @field
    async def edges(self) -> list[Edge[NodeT]]:
        """Items of the page with their cursors."""
        rows, _ = self.page.trim(await self.rows())
        return [Edge(cursor=self._cursor(row), node=row) for row in rows]

    @field
    async def nodes(self) -> list[NodeT]:
        """Items of the page."""
        return self.page.trim(await self.rows())[0]

    @field
    async def page_info(self) -> relay.PageInfo:
        """Pagination information of the page."""
        rows, more = self.page.trim(await self.rows())
        backward = self.page.backward
        return relay.PageInfo(
            has_next_page=self.page.before is not None if backward else more,
            has_previous_page=more if backward else self.page.after is not None,
            start_cursor=self._cursor(rows[0]) if rows else None,
            end_cursor=self._cursor(rows[-1]) if rows else None,
        )

    @field
    async def total_count(self) -> int:
        """Total number of items on all pages."""
        return await self.count()

    def _cursor(self, row: Any) -> str:
        return encode_cursor(self.model, self.page.order, row)


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
