"""What the keys of a configuration make of each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ctportd.config.mail import problem_of
from ctportd.errors import ConfigError
from ctportd.nearest import no_such

if TYPE_CHECKING:
    from ctportd.config.tables import ConfigFile, CtserverTable

_HIGHEST_TCP_PORT = 65_535


def split_address(address: str) -> tuple[str, int]:
    """``host:port`` in its parts; ``[::1]:1190`` too.

    Raises:
        ValueError: It is no such thing.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError(address)
    return host, int(port)


def check_together(source: str, file: ConfigFile) -> None:
    """Check what no single key can get wrong, but several together can.

    Raises:
        ConfigError: Two of them do not go together.
    """
    try:
        split_address(file.exchange.listen)
    except ValueError:
        told = f"found {file.exchange.listen!r}, expected host:port, such as 127.0.0.1:1190"
        raise ConfigError(f"{source}: [exchange] listen: {told}") from None
    _check_servers(source, file.ctserver)
    _check_ports(source, file)
    problem = problem_of(file.mail)
    if problem:
        raise ConfigError(f"{source}: [mail] {problem}")


def _check_servers(source: str, servers: list[CtserverTable]) -> None:
    if not servers:
        raise ConfigError(f"{source}: [[ctserver]]: found no table, expected one or more")
    seen: set[str] = set()
    for server in servers:
        if server.name in seen:
            raise ConfigError(
                f"{source}: [[ctserver]] name: {server.name!r} stands twice, expected each name once"
            )
        seen.add(server.name)
    virtual = [server.name for server in servers if server.mode == "virtual"]
    if len(virtual) > 1:
        told = f"{' and '.join(virtual)} are virtual, expected one at most: there is one [exchange]"
        raise ConfigError(f"{source}: [[ctserver]] mode: {told}")


def _check_ports(source: str, file: ConfigFile) -> None:
    servers = {server.name: server for server in file.ctserver}
    seen: set[tuple[str, int]] = set()
    taken = {(server.host, server.manager_port) for server in file.ctserver} | {
        split_address(file.exchange.listen)
    }
    for port in file.port:
        where = f"{source}: [[port]] number {port.number}"
        if not port.ctserver and len(servers) > 1:
            raise ConfigError(f"{where}: the key 'ctserver' is missing, expected one of {', '.join(servers)}")
        if port.ctserver and port.ctserver not in servers:
            raise ConfigError(f"{where} ctserver: {no_such('ctserver', port.ctserver, servers)}")
        server = servers[port.ctserver] if port.ctserver else file.ctserver[0]
        if (server.name, port.number) in seen:
            raise ConfigError(f"{where}: stands twice, expected each port once")
        seen.add((server.name, port.number))
        tcp_port = server.first_port + port.number - 1
        if tcp_port > _HIGHEST_TCP_PORT or (server.host, tcp_port) in taken:
            raise ConfigError(f"{where}: its TCP port would be {tcp_port}, which is not free for it")
        taken.add((server.host, tcp_port))
