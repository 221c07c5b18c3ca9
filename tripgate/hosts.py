"""By which names a development machine is asked, as the `Host` header says.

A page of elsewhere can have its own name lead to this machine (DNS rebinding), and is then of the same origin as what
answers here: no rule about origins keeps it from reading. But it cannot choose what its requests name as their host.
"""

from collections.abc import Collection
from ipaddress import ip_address


def named(host: str | None, names: Collection[str]) -> bool:
    """Whether a request may be for this machine: by an IP address, as `localhost` or one of its subdomains, or so.

    No name leads anywhere but where an address says, so nobody can have one of somebody else's lead here.

    Args:
        host: The header as it came; `None` where there is none, which no browser leaves out.
        names: More names, in lower case.
    """
    if host is None:
        return True
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    name = name.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost") or name in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
