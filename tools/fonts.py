"""Figtree as the pages load it: `static/fonts`, from the npm package that has it subset already
(latin and latin-ext, each with all weights). The files are copied as they are."""

import shutil
import tempfile
from pathlib import Path

from tools.npm import Package, licence

PACKAGE = Package(
    "@fontsource-variable/figtree",
    "5.3.0",
    "745eb850be26774948b5aa9342b7182660ed3a48ac40509c7babcfdcd90c39d7",
)
FONTS = Path("static/fonts")
SUBSETS = ("latin", "latin-ext")


def main() -> None:
    FONTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        folder = PACKAGE.unpacked(Path(directory))
        files = [FONTS / f"figtree-{subset}.woff2" for subset in SUBSETS]
        for subset, file in zip(SUBSETS, files, strict=True):
            shutil.copyfile(folder / "files" / f"figtree-{subset}-wght-normal.woff2", file)
        words = "Figtree, variable, latin and latin-ext"
        said = licence(PACKAGE, words, folder, files)
    (FONTS / "figtree.LICENSE").write_text(said, encoding="utf-8")
    print(f"{', '.join(file.name for file in files)}: {sum(f.stat().st_size for f in files)} bytes")


if __name__ == "__main__":
    main()
