"""Files and folders that appear complete or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Write a file or folder under a temporary name, and rename it once complete.

    Args:
        path: the final path. An existing file is replaced, and so is an empty folder;
            missing parent folders are created.

    Yields:
        The path to write to, in the same folder. Nothing exists there yet. If the block
        raises, whatever it wrote is removed, and what was at ``path`` remains.

    Raises:
        OSError: ``path`` cannot be replaced, for instance because it is a folder with
            files in it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.partial')
    _remove(partial)  # left by a process that was killed
    try:
        yield partial
        os.replace(partial, path)
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
