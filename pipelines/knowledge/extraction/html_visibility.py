"""What of an HTML page a reader sees: hidden parts, navigation and consent banners are removed."""

import re
from collections.abc import Iterator

from lxml import html

HIDDEN_ELEMENTS = frozenset(
    (
        *("script", "style", "template", "noscript", "head", "iframe", "object", "embed", "nav", "select"),
        *("canvas", "video", "audio", "datalist", "rp", "rt", "dialog"),
    )
)
NAVIGATION_ROLES = frozenset(("navigation", "menu", "menubar"))
KEPT_ELEMENTS = frozenset(("html", "body", "main"))
"""Elements that scripts hide until the page has loaded."""

HIDING = re.compile(r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))", re.IGNORECASE)
SHOWING = re.compile(r"(?:^|[;{\s])(?:display|visibility)\s*:", re.IGNORECASE)
CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
SIMPLE_SELECTOR = re.compile(r"([a-z][a-z0-9]*)?((?:[.#][\w-]+)*)", re.IGNORECASE)
MAX_STYLE_LENGTH = 500_000

CONSENT_PLATFORM = re.compile(
    r"onetrust|cybot|usercentrics|didomi|cookie-?law|cookie-?consent|consent-?manager|klaro|truste|iubenda-cs",
    re.IGNORECASE,
)
CONSENT_TOPIC = re.compile(r"cookie|consent|gdpr|dsgvo|rgpd", re.IGNORECASE)
BANNER = re.compile(
    r"banner|notice|\bbar\b|[-_]bar|popup|pop-up|modal|overlay|dialog|toast|disclaimer|hint|layer|message|prompt",
    re.IGNORECASE,
)
COOKIES = re.compile(
    r"cookie|consent|datenschutz|privacy|\u043a\u0443\u043a\u0438|Cookie|\u30af\u30c3\u30ad\u30fc",
    re.IGNORECASE,
)
MAX_BANNER_LENGTH = 3_000
"""Characters; what is longer is the page's subject."""

Rule = tuple[str, frozenset[str], str, bool]
"""Tag, classes and id of a simple selector, and whether it hides."""


def remove_invisible(root: html.HtmlElement) -> None:
    """Remove what a reader does not see or does not read for its content. Text after an element stays."""
    rules = list(style_rules("\n".join(style.text or "" for style in root.iter("style"))))
    invisible = [
        element
        for element in root.iter()
        if not isinstance(element.tag, str) or (element.tag != "html" and _is_invisible(element, rules))
    ]
    for element in invisible:
        if element.getparent() is not None and element.tag != "body":
            element.drop_tree()


def _is_invisible(element: html.HtmlElement, rules: list[Rule]) -> bool:
    if element.tag in HIDDEN_ELEMENTS and not (element.tag == "dialog" and "open" in element.attrib):
        return True
    if element.tag in KEPT_ELEMENTS:
        return False
    role = element.get("role", "").lower()
    if role in NAVIGATION_ROLES or element.get("aria-hidden", "").strip().lower() == "true":
        return True
    if "hidden" in element.attrib and element.get("hidden", "").lower() != "until-found":
        return True
    style = element.get("style", "")
    if style and HIDING.search(style):
        return True
    if rules and _hidden_by(element, rules) and not (style and SHOWING.search(style)):
        return True
    return _is_consent_banner(element)


def style_rules(css: str) -> Iterator[Rule]:
    """Rules with simple selectors that hide or show elements; those within @media are ignored."""
    css = CSS_COMMENT.sub("", css[:MAX_STYLE_LENGTH]).replace("<!--", "").replace("-->", "")
    position = 0
    while (start := css.find("{", position)) >= 0:
        end = _closing_brace(css, start)
        selectors, body = css[position:start].rpartition(";")[2].strip(), css[start : end - 1]
        position = end
        hides = bool(HIDING.search(body))
        if selectors.startswith("@") or not (hides or SHOWING.search(body)):
            continue
        for selector in selectors.split(","):
            match = SIMPLE_SELECTOR.fullmatch(selector.strip())
            if match and match[0]:
                names = re.findall(r"[.#][\w-]+", match[2])
                classes = frozenset(name[1:] for name in names if name[0] == ".")
                id = next((name[1:] for name in names if name[0] == "#"), "")
                yield (match[1] or "").lower(), classes, id, hides


def _closing_brace(css: str, start: int) -> int:
    """The position after the brace that closes the one at `start`."""
    depth, position = 0, start
    while position < len(css):
        depth += {"{": 1, "}": -1}.get(css[position], 0)
        position += 1
        if depth == 0:
            break
    return position


def _hidden_by(element: html.HtmlElement, rules: list[Rule]) -> bool:
    """Whether the most specific rule hides the element; of equals, the last one."""
    classes, id = frozenset(element.get("class", "").split()), element.get("id", "")
    best, hidden_by_rule = (-1, -1, -1), False
    for tag, wanted, wanted_id, hides in rules:
        if (not tag or tag == element.tag) and wanted <= classes and (not wanted_id or wanted_id == id):
            specificity = (bool(wanted_id), len(wanted), bool(tag))
            if specificity >= best:
                best, hidden_by_rule = specificity, hides
    return hidden_by_rule


def _is_consent_banner(element: html.HtmlElement) -> bool:
    """Whether an element is named as a consent banner, is short, and speaks of cookies or privacy."""
    name = f"{element.get('id', '')} {element.get('class', '')} {element.get('aria-label', '')}"
    if not CONSENT_PLATFORM.search(name) and not (CONSENT_TOPIC.search(name) and BANNER.search(name)):
        return False
    if any(True for _ in element.iter("main", "article", "h1")):
        return False
    text = element.text_content()
    return len(text) <= MAX_BANNER_LENGTH and bool(COOKIES.search(text))
