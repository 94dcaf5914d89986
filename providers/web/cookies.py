"""Cookies of crawls: kept in memory per crawl and host, and sent back to that host only."""

from collections import OrderedDict
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie

MAX_JARS, MAX_COOKIES, MAX_COOKIE_LENGTH = 5000, 50, 4096
"""Pairs of crawl and host whose cookies are kept, and cookies of one of them."""


class CookieJars:
    """The cookies that hosts have set in each session."""

    def __init__(self) -> None:
        self._jars: OrderedDict[tuple[str, str], dict[str, str]] = OrderedDict()

    def header(self, session: str, origin: str) -> str:
        """The value of the `Cookie` header for this origin; empty if there is none."""
        jar = self._jars.get((session, origin), {}) if session else {}
        return "; ".join(f"{name}={value}" for name, value in jar.items())

    def store(self, session: str, origin: str, lines: Sequence[str]) -> None:
        """Keep the cookies of `Set-Cookie` headers; those that have expired are removed."""
        if not session:
            return
        jar = self._jars.setdefault((session, origin), {})
        self._jars.move_to_end((session, origin))
        for line in lines:
            for name, morsel in parse_cookie(line):
                if morsel is None:
                    jar.pop(name, None)
                elif name in jar or len(jar) < MAX_COOKIES:
                    jar[name] = morsel
        while len(self._jars) > MAX_JARS:
            self._jars.popitem(last=False)


def parse_cookie(line: str) -> list[tuple[str, str | None]]:
    """The name and value of a `Set-Cookie` header; no value if it removes the cookie."""
    if len(line) > MAX_COOKIE_LENGTH:
        return []
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(line)
    except CookieError:
        return []
    return [
        (name, None if morsel["max-age"].strip() in ("0", "-1") else morsel.coded_value)
        for name, morsel in cookies.items()
    ]
