"""Hidden layers of PDF files (optional content, ISO 32000-1, 8.11)."""

from collections.abc import Iterable

import pikepdf

HIDDEN_KEY = "/SeshatHidden"
"""Key of a marked layer, which PDFium gives out for each text that is on the layer."""

MARKED_INFO = "SeshatLayers"
"""Entry of the information dictionary of a file whose hidden layers are marked."""

HIDDEN_ANNOTATION = 2
"""Annotation flag: not displayed."""

MAX_DEPTH = 20

Key = tuple[int, int]


def mark_hidden(pdf: pikepdf.Pdf) -> bool:
    """Marks hidden layers so that PDFium draws and reads the file as a viewer shows it.

    Each hidden layer gets `HIDDEN_KEY`; forms and annotations on it are emptied or hidden. Returns whether
    the file was changed.
    """
    properties = pdf.Root.get("/OCProperties")
    if not isinstance(properties, pikepdf.Dictionary):
        return False
    groups = [group for group in as_list(properties.get("/OCGs")) if isinstance(group, pikepdf.Dictionary)]
    hidden = hidden_groups(properties, groups)
    if not hidden and not any("/Usage" in group for group in groups):
        return False
    for group in groups:
        if "/Usage" in group:
            del group["/Usage"]
        if group.objgen in hidden:
            group[HIDDEN_KEY] = 1
    properties.D = pikepdf.Dictionary(
        BaseState=pikepdf.Name.ON, OFF=[group for group in groups if group.objgen in hidden]
    )
    for item in pdf.objects:
        hide_content(item, hidden)
    pdf.docinfo[f"/{MARKED_INFO}"] = "marked"
    return True


def hidden_groups(properties: pikepdf.Dictionary, groups: Iterable[pikepdf.Dictionary]) -> frozenset[Key]:
    """The layers that a viewer does not show when it opens the file."""
    config = properties.get("/D", pikepdf.Dictionary())
    hidden = {group.objgen for group in groups} if config.get("/BaseState") == "/OFF" else set()
    hidden -= {group.objgen for group in as_list(config.get("/ON"))}
    hidden |= {group.objgen for group in as_list(config.get("/OFF"))}
    for usage in as_list(config.get("/AS")):
        if usage.get("/Event") != "/View":
            continue
        for group in as_list(usage.get("/OCGs")):
            state = view_state(group)
            if state == "/OFF":
                hidden.add(group.objgen)
            elif state == "/ON":
                hidden.discard(group.objgen)
    return frozenset(hidden)


def view_state(group: pikepdf.Object) -> str | None:
    """What the usage of a layer says of viewers: `/ON`, `/OFF` or nothing."""
    value: object = group
    for key in ("/Usage", "/View", "/ViewState"):
        value = value.get(key) if isinstance(value, pikepdf.Dictionary) else None
    return None if value is None else str(value)


def hide_content(item: pikepdf.Object, hidden: frozenset[Key]) -> None:
    """Marks a membership of hidden layers, empties a form and hides an annotation on one."""
    if not isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
        return
    if item.get("/Type") == "/OCMD" and not is_visible(item, hidden):
        item[HIDDEN_KEY] = 1
    layer = item.get("/OC")
    if not isinstance(layer, pikepdf.Dictionary) or is_visible(layer, hidden):
        return
    if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == "/Form":
        item.write(b"")
    elif "/Rect" in item:
        item.F = int(item.get("/F", 0)) | HIDDEN_ANNOTATION


def is_visible(layer: pikepdf.Object, hidden: frozenset[Key]) -> bool:
    """Whether a layer, or a membership of layers, is shown."""
    if layer.get("/Type") != "/OCMD":
        return layer.objgen not in hidden
    expression = layer.get("/VE")
    if isinstance(expression, pikepdf.Array):
        return evaluate(expression, hidden, 0)
    members = layer.get("/OCGs")
    groups = [members] if isinstance(members, pikepdf.Dictionary) else as_list(members)
    states = [group.objgen not in hidden for group in groups if isinstance(group, pikepdf.Dictionary)]
    if not states:
        return True
    policy = str(layer.get("/P", "/AnyOn"))
    return {
        "/AllOn": all(states),
        "/AnyOff": not all(states),
        "/AllOff": not any(states),
    }.get(policy, any(states))


def evaluate(expression: pikepdf.Object, hidden: frozenset[Key], depth: int) -> bool:
    """The value of a visibility expression."""
    if not isinstance(expression, pikepdf.Array):
        return is_visible(expression, hidden) if isinstance(expression, pikepdf.Dictionary) else True
    if depth > MAX_DEPTH or len(expression) < 2:
        return True
    operator, *operands = expression
    values = [evaluate(operand, hidden, depth + 1) for operand in operands]
    if operator == "/Not":
        return not values[0]
    return any(values) if operator == "/Or" else all(values)


def as_list(value: pikepdf.Object | None) -> list[pikepdf.Object]:
    """The items of an array; none of anything else."""
    return list(value) if isinstance(value, pikepdf.Array) else []
