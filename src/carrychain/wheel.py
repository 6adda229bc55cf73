"""A wheel of the package as it runs here, for who is given it instead of installing it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Collection, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path

from carrychain import __version__
from carrychain.errors import CarrychainError

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can hold: the same content, the same zip


def make_wheel(without: Collection[str] = ()) -> tuple[str, bytes]:
    """Make a wheel of the package as it runs here; return the wheel's name and bytes.

    It is packed from the package's own files and its installed metadata: the same for a wheel that
    was installed and for a checkout, with no build tool and no network, and what runs there is
    exactly what was tried here.

    Args:
        without: folders of the package, by their path in it, that are left out.

    Raises:
        CarrychainError: carrychain is not installed, or its metadata is of another version.
    """
    try:
        installed = distribution("carrychain")
    except PackageNotFoundError as error:
        raise CarrychainError(
            "carrychain is not installed here; install it with pip first"
        ) from error
    version = __version__
    if installed.version != version:
        raise CarrychainError(
            f"carrychain {version} runs here, {installed.version} is installed; install it again"
        )
    info = f"carrychain-{version}.dist-info"
    package = Path(str(files("carrychain")))
    left_out = {package / folder for folder in without}
    content = {
        f"carrychain/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file()
        and not left_out & {path, *path.parents}
        and "__pycache__" not in path.parts
    }
    content |= {f"{info}/{name}": text.encode() for name, text in _metadata(installed)}
    content[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: carrychain {version}\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n"
    ).encode()
    content[f"{info}/RECORD"] = _record(content, f"{info}/RECORD")
    return f"carrychain-{version}-py3-none-any.whl", pack(content)


def _metadata(installed: Distribution) -> Iterator[tuple[str, str]]:
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        text = installed.read_text(name)
        if text is not None:
            yield name, text


def _record(content: dict[str, bytes], itself: str) -> bytes:
    """Return a wheel's list of its files, each with its SHA-256 and size."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for name, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow((name, f"sha256={digest}", len(data)))
    writer.writerow((itself, "", ""))
    return lines.getvalue().encode()


def pack(content: dict[str, bytes], executable: tuple[str, ...] = ()) -> bytes:
    """Return an archive; the same content always gives the same bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            packed.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return archive.getvalue()
