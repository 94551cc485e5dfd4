"""The sprite of the icons that pages use: `static/img/icons.svg`, from the names in `icons.txt` and
the drawings of Lucide."""

import re
import tempfile
from pathlib import Path

from tools.npm import Package, licence

PACKAGE = Package(
    "lucide-static", "1.62.0", "386f9080c440d6f5049cefe3456ae8357f7a0c7f76e59670cd1cb83bc7050a44"
)
NAMES = Path("tools/icons.txt")
SPRITE = Path("static/img/icons.svg")
LICENCE = Path("static/img/icons.LICENSE")
_SHAPES = re.compile(r"<(?:path|circle|rect|line|polyline|polygon|ellipse)\b[^>]*/>")


def names() -> list[str]:
    return NAMES.read_text(encoding="utf-8").split()


def symbol(name: str, drawing: str) -> str:
    """One icon. How it is stroked is said by the page that draws it, once for all of them."""
    shapes = "".join(re.sub(r"\s+", " ", shape) for shape in _SHAPES.findall(drawing))
    return f'<symbol id="{name}" viewBox="0 0 24 24">{shapes.replace(" />", "/>")}</symbol>'


def sprite(folder: Path) -> str:
    drawn = [symbol(name, (folder / f"{name}.svg").read_text("utf-8")) for name in names()]
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *drawn, "</svg>", ""])


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        folder = PACKAGE.unpacked(Path(directory))
        SPRITE.write_text(sprite(folder / "icons"), encoding="utf-8")
        said = licence(PACKAGE, "Lucide, the icons of tools/icons.txt", folder, [SPRITE])
    LICENCE.write_text(said, encoding="utf-8")
    print(f"{SPRITE}: {len(names())} icons, {SPRITE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
