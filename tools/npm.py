"""A package of npm at the version that is pinned here, checked and unpacked. Only `make icons` and
`make fonts` need one: what they make of it is part of the repository."""

import hashlib
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


class NotTheFile(ValueError):
    """What was downloaded is not what was looked at when the version was chosen."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    sha256: str

    def unpacked(self, into: Path) -> Path:
        """Its folder, below `into`."""
        called = ["npm", "pack", "--silent", f"{self.name}@{self.version}"]
        said = subprocess.run(called, cwd=into, check=True, capture_output=True, text=True)
        archive = into / said.stdout.split()[-1]
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != self.sha256:
            raise NotTheFile(f"{archive.name} has SHA-256 {found}, not {self.sha256}.")
        with tarfile.open(archive) as opened:
            opened.extractall(into, filter="data")
        return into / "package"


def licence(package: Package, words: str, folder: Path, files: list[Path]) -> str:
    """What stands beside vendored files: what they are, from where, their digests, and the
    licence."""
    digests = [
        f"SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()} {file.name}" for file in files
    ]
    said = (folder / "LICENSE").read_text(encoding="utf-8").strip()
    return "\n".join(
        [f"{words} (npm package {package.name}@{package.version})", *digests, "", said, ""]
    )
