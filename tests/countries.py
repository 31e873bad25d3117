"""A small map from networks to countries, in MaxMind's format: a binary tree of address bits, and what its leaves say."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

MAP = {"192.0.2.0/24": ("NO", "Norway"), "198.51.100.0/24": ("NO", "Norway"), "203.0.113.0/24": ("PT", "Portugal")}
_MARKER = b"\xab\xcd\xefMaxMind.com"


def write(path: Path, countries: Mapping[str, tuple[str, str]] = MAP) -> Path:
    """Write the map to *path*."""
    return write_records(
        path, {net: {"country": {"iso_code": code, "names": {"en": name}}} for net, (code, name) in countries.items()}
    )


def write_records(path: Path, records: Mapping[str, Any]) -> Path:
    """Write the record of each network to *path*."""
    nodes: list[list[int | bytes | None]] = [[None, None]]
    for network, record in records.items():
        _put(nodes, network, _encode(record))
    data, tree = b"", b""
    for node in nodes:
        for found in node:
            if isinstance(found, bytes):
                tree, data = tree + (len(nodes) + 16 + len(data)).to_bytes(3, "big"), data + found
            else:
                tree += (len(nodes) if found is None else found).to_bytes(3, "big")
    about = {
        "node_count": len(nodes),
        "record_size": 24,
        "ip_version": 6,
        "database_type": "Made-Up-Country",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_700_000_000,
        "description": {"en": "for tests"},
    }
    path.write_bytes(tree + bytes(16) + data + _MARKER + _encode(about))
    return path


def _put(nodes: list[list[int | bytes | None]], network: str, record: bytes) -> None:
    found = ip_network(network)
    length = found.prefixlen + (96 if found.version == 4 else 0)
    bits = f"{int(found.network_address):0128b}"[:length]
    at = 0
    for bit in bits[:-1]:
        after = nodes[at][int(bit)]
        if not isinstance(after, int):
            nodes[at][int(bit)] = after = len(nodes)
            nodes.append([None, None])
        at = after
    nodes[at][int(bits[-1])] = record


def _encode(value: Any) -> bytes:
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(_encode(key) + _encode(each) for key, each in value.items())
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(_encode, value))
    if isinstance(value, int):
        return _control(6, 4) + value.to_bytes(4, "big")
    text = str(value).encode()
    return _control(2, len(text)) + text


def _control(kind: int, size: int) -> bytes:
    return bytes([kind << 5 | size]) if size < 29 else bytes([kind << 5 | 29, size - 29])
