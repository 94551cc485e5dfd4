"""The image that stands for a QR code: a real PNG with three corners and a body drawn from the
pairing's code. No camera reads it; scanning is an order (`POST /sim/scan`)."""

import hashlib
import struct
import zlib

SIDE, SCALE, MARGIN = 25, 8, 2
_FINDER = 7


def png(code: str) -> bytes:
    """Black on white, 232 × 232."""
    rows = [_row(code, y) for y in range(-MARGIN, SIDE + MARGIN)]
    pixels = b"".join((b"\x00" + row) * SCALE for row in rows)
    size = (SIDE + 2 * MARGIN) * SCALE
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _row(code: str, y: int) -> bytes:
    cells = (_is_dark(code, x, y) for x in range(-MARGIN, SIDE + MARGIN))
    return b"".join((b"\x00" if dark else b"\xff") * SCALE for dark in cells)


def _is_dark(code: str, x: int, y: int) -> bool:
    if not (0 <= x < SIDE and 0 <= y < SIDE):
        return False
    for left, top in ((0, 0), (SIDE - _FINDER, 0), (0, SIDE - _FINDER)):
        if 0 <= x - left < _FINDER and 0 <= y - top < _FINDER:
            ring = max(abs(x - left - 3), abs(y - top - 3))
            return ring != 2
    return bool(hashlib.sha256(f"{code}/{x}/{y}".encode()).digest()[0] & 1)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
