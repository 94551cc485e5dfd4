"""The picture of a pairing: a QR code that says the pairing's code. Scanning it is an order all the
same (`POST /sim/scan`)."""

import io

import segno


def png(code: str) -> bytes:
    """Black on white, 232 × 232."""
    image = io.BytesIO()
    segno.make(code, error="m", micro=False).save(image, kind="png", scale=8, border=4)
    return image.getvalue()
