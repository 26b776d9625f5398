"""Run the tools as a user calls them."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(tool: str, *args, cwd: Path) -> str:
    """Run a tool that must succeed; return all that it printed."""
    command = [sys.executable, ROOT / 'tools' / tool, *args]
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        # images this small are slower on two threads, many times so on a busy machine
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'COLUMNS': '120'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def error_of(tool: str, *args, monkeypatch, capsys, one_line: bool = True) -> str:
    """Run a tool that must refuse its input; return its message."""
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, args)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / 'tools' / tool), run_name='__main__')
    assert stop.value.code not in (None, 0)
    # argparse prints its message, sys.exit carries it
    message = f'{stop.value.code}' if isinstance(stop.value.code, str) else ''
    message = message or capsys.readouterr().err.splitlines()[-1]
    assert not (one_line and '\n' in message)
    return message
