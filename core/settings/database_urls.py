"""URLs of databases, as both SQLAlchemy and the driver read them."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

SCHEMES = ("postgresql+asyncpg", "postgresql", "postgres")
INVALID = "must be a URL such as postgresql://user:password@host:5432/database"
DEFAULT_PORT = "5432"

PARAMETERS = {
    "host",
    "port",
    "application_name",
    "gsslib",
    "krbsrvname",
    "options",
    "passfile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "target_session_attrs",
}
"""Parameters that the driver knows. It would send any other one to the server as a setting."""

HOST = re.compile(r"(\[[^\]]+\]|[^:]*)(?::(\d+)?)?")
PORTS = re.compile(r"\d+(,\d+)*")


def normalize_database_url(url: str) -> str:
    """The URL with the driver's name and quoted in full. Raises `ValueError`.

    Sockets and several hosts are in the parameters `host` and `port`, where SQLAlchemy reads them.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(INVALID) from None
    if parts.scheme not in SCHEMES:
        raise ValueError(INVALID)
    if "#" in url or re.search("[/@]", parts.path[1:]):
        raise ValueError("must have /, #, ? and @ in names and passwords percent-encoded, such as %2F")
    if len(parts.path) < 2:
        raise ValueError("must name a database")
    authority, _, address = parts.netloc.rpartition("@")
    parameters = dict(read_parameters(parts.query))
    addressed, address_ports = split_ports(unquote(address))
    hosts, host_ports = split_ports(parameters.pop("host", "") or addressed)
    ports = parameters.pop("port", "") or host_ports or address_ports
    if ports and not (PORTS.fullmatch(ports) and ports.count(",") in (0, hosts.count(","))):
        raise ValueError("must have a port for each host")
    if hosts.startswith("/"):
        parameters |= {"host": hosts} | ({"port": ports} if ports else {})
        address = ""
    elif "," in hosts:
        parameters |= {"host": hosts, "port": ports or ",".join(DEFAULT_PORT for _ in hosts.split(","))}
        address = ""
    else:
        address = hosts + (f":{ports}" if ports else "")
    user, _, password = authority.partition(":")
    account = (
        percent_encode(user)
        + (f":{percent_encode(password)}" if password else "")
        + ("@" if authority else "")
    )
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"{SCHEMES[0]}://{account}{address}/{percent_encode(parts.path[1:])}{query}"


def read_parameters(query: str) -> Iterator[tuple[str, str]]:
    """The parameters by their names in libpq. Raises `ValueError` for one that the driver does not know."""
    for name, value in parse_qsl(query, keep_blank_values=True):
        known = {"ssl": "sslmode"}.get(name, name)
        if known not in PARAMETERS:
            raise ValueError(f"has a parameter that is not supported: {name[:40]}")
        yield known, value


def split_ports(hosts: str) -> tuple[str, str]:
    """Hosts and ports, both separated by commas; no ports if none is named. Raises `ValueError`.

    Colons in the folder of a socket, such as `/cloudsql/project:region:instance`, are part of its name.
    """
    if hosts.startswith("/"):
        return hosts, ""
    found = [HOST.fullmatch(host) for host in hosts.split(",")]
    if not all(found):
        raise ValueError(INVALID)
    names, ports = zip(*(match.groups() for match in found if match), strict=True)
    return ",".join(names), ",".join(port or DEFAULT_PORT for port in ports) if any(ports) else ""


def percent_encode(text: str) -> str:
    """A percent-encoded name or password, which may be encoded already."""
    return quote(unquote(text), safe="")


def driverless_url(url: str) -> str:
    """A database URL without SQLAlchemy's driver name, as asyncpg and psql accept it."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)
