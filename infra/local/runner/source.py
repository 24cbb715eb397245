"""Unpacking the uploaded source into the workspace.

Python's own extraction filters exist from 3.11.4 on; Debian 12 ships 3.11.2, so the checks of PEP 706 are made here.
"""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath

from infra.local.runner.errors import TaskRefused


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a gzipped tar archive into ``folder``, which must exist.

    Raises:
        TaskRefused: the archive is missing or damaged, or a member would land or point outside ``folder``.
    """
    try:
        with tarfile.open(archive, "r:gz") as source:
            for member in source:
                _unpack_member(source, member, folder.resolve())
    except FileNotFoundError as error:
        raise TaskRefused("failed to download context: the source was not uploaded") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise TaskRefused(f"failed to unpack the source: {error}") from error


def _unpack_member(source: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise TaskRefused(f"the source holds {member.name!r}, which is no file, directory or link")
    _check_inside(PurePosixPath(member.name), member.name, folder)
    if member.issym():
        _check_inside(PurePosixPath(member.name).parent / member.linkname, member.name, folder)
    if member.islnk():
        _check_inside(PurePosixPath(member.linkname), member.name, folder)
    member.mode &= 0o755
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    source.extract(member, folder)


def _check_inside(path: PurePosixPath, name: str, folder: Path) -> None:
    # Resolving on disk follows the links already unpacked, so a link cannot be used as a way out.
    if path.is_absolute() or not (folder / path).resolve().is_relative_to(folder):
        raise TaskRefused(f"the source holds {name!r}, which leads outside it")
