"""Which network addresses producers may connect to, and which host names are sent elsewhere on purpose. Pure.

A feed is written by strangers: without this check, one link makes us read the machine's own services. The *connected*
address is vetted, not the name, so that a name which resolves differently the second time gains nothing.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from producers.errors import ProducerError

_EMBEDS_IPV4: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
_NEVER: Final = (
    ip_network("0.0.0.0/8"),
    ip_network("100.64.0.0/10"),
    ip_network("192.88.99.0/24"),
    ip_network("fec0::/10"),
)


def refusal(address: str) -> str | None:
    """Why an IP address must not be connected to, or None if it may.

    Refused: what is not globally reachable (loopback, private, link-local, reserved …), multicast, and IPv6 forms that
    carry an IPv4 address (NAT64, 6to4; mapped ones are judged by the address they carry).
    """
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address!r} is no address"
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return refusal(str(ip.ipv4_mapped))
        if any(ip in network for network in _EMBEDS_IPV4):
            return f"{address} carries an IPv4 address"
    if ip.is_multicast:
        return f"{address} is a multicast address"
    if not ip.is_global or any(ip in network for network in _NEVER if network.version == ip.version):
        return f"{address} is not a public address"
    return None


class ConnectTo:
    """Host names that are sent to a given address whatever DNS says, like curl's --connect-to.

    Args:
        table: "www.paper.example" or "*.example" -> "127.0.0.1:8080" (an IP address; IPv6 in brackets).

    Raises:
        ProducerError: a target is not ADDRESS:PORT.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._exact: dict[str, tuple[str, int]] = {}
        self._suffixes: list[tuple[str, tuple[str, int]]] = []
        for pattern, target in table.items():
            name, where = pattern.lower().rstrip("."), _target(pattern, target)
            if name.startswith("*."):
                self._suffixes.append((name[1:], where))
            else:
                self._exact[name] = where
        self._suffixes.sort(key=lambda item: len(item[0]), reverse=True)
        self.targets = frozenset((*self._exact.values(), *(where for _, where in self._suffixes)))

    def target(self, host: str) -> tuple[str, int] | None:
        """Address and port for a host, or None for hosts that DNS is asked about. The longest suffix wins."""
        name = host.lower().rstrip(".")
        found = self._exact.get(name)
        return found or next((where for suffix, where in self._suffixes if name.endswith(suffix)), None)


def _target(pattern: str, target: str) -> tuple[str, int]:
    host, _, port = target.rpartition(":")
    try:
        address = str(ip_address(host.strip("[]")))
        number = int(port)
    except ValueError as error:
        raise ProducerError(
            f"connect_to sends {pattern!r} to {target!r}, which is no address",
            "write ADDRESS:PORT, e.g. 127.0.0.1:8080",
        ) from error
    return address, number
