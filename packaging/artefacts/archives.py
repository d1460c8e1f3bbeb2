"""The archive and the self-extracting file, both of which hold one folder and are the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from artefacts.tree import contents


def write_archive(folder: Path, name: str, target: Path, epoch: int) -> None:
    """Write a folder as a ``.tar.gz`` in which it is called ``name``."""
    with target.open("wb") as file:
        _write_tar(folder, name, file, epoch)


def write_installer(folder: Path, name: str, script: str, target: Path, epoch: int) -> None:
    """Write a shell script that carries a folder: ``script``, then the archive of it.

    Args:
        folder: what it carries.
        name: of the folder in the archive.
        script: with ``@SIZE@`` (of itself, in bytes), ``@SHA256@`` and ``@KILOBYTES@`` to be filled in.
        target: the file to write.
        epoch: the time everything in it has.
    """
    payload = target.with_name(f"{target.name}.payload")
    write_archive(folder, name, payload, epoch)
    unpacked = sum(path.lstat().st_size for path in contents(folder) if path.is_file())
    with payload.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    filled = script.replace("@SHA256@", digest).replace("@KILOBYTES@", str(unpacked // 1024 + 1))
    # The number stands in the script whose length it is, and takes as much room as its mark.
    size = len(filled.encode())
    header = filled.replace("@SIZE@", f"{size:<6}").encode()
    if len(header) != size:
        raise ValueError("the script must hold @SIZE@ once")
    with target.open("wb") as file, payload.open("rb") as source:
        file.write(header)
        while block := source.read(1 << 20):
            file.write(block)
    payload.unlink()
    target.chmod(0o755)


def _write_tar(folder: Path, name: str, file: BinaryIO, epoch: int) -> None:
    with _compressed(file) as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        paths = [folder, *sorted(contents(folder))]
        for path in paths:
            inside = Path(name) / path.relative_to(folder)
            member = tar.gettarinfo(path, inside.as_posix())
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = epoch
            _add(tar, member, path)


def _add(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if member.islnk():
        # Its twin lies in another edition, or earlier here; the archive is to hold plain files.
        member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.stat().st_size
    if member.isreg():
        with path.open("rb") as content:
            tar.addfile(member, content)
    else:
        tar.addfile(member)


@contextmanager
def _compressed(file: BinaryIO) -> Iterator[gzip.GzipFile]:
    # Neither a name nor a time in the header; the level is that at which twice the time gains nothing any more.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as stream:
        yield stream
