"""The patterns that come with the product: text files beside this one. They are the same for
everybody, and copied to be changed."""

from pathlib import Path

from lovense.patterns import reading
from lovense.timeline import Timeline

_FILES = Path(__file__).parent / "texts"
# By name. The first four are the vendor's presets as we draw them.
PRESETS = ("pulse", "wave", "fireworks", "earthquake")
NAMES = (*PRESETS, *sorted({each.stem for each in _FILES.glob("*.txt")} - {*PRESETS}))
TEXTS = {name: (_FILES / f"{name}.txt").read_text(encoding="utf-8") for name in NAMES}


def about(name: str) -> str:
    """Its first line, which is a comment."""
    return TEXTS[name].partition("\n")[0].lstrip("# ")


def drawn(name: str) -> Timeline:
    return reading.drawn(TEXTS[name])
