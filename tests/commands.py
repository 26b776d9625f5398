"""Run the command line as a user calls it."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(tool: str, *args, cwd: Path) -> str:
    """Run a tool that must succeed; return all that it printed."""
    return run_script(ROOT / 'tools' / tool, *args, cwd=cwd, COLUMNS='120')


def run_script(script: Path, *args, cwd: Path, **environment: str) -> str:
    """Run a Python script that must succeed; return all that it printed."""
    done = subprocess.run(
        list(map(str, [sys.executable, script, *args])),
        cwd=cwd,
        # images this small are slower on two threads, many times so on a busy machine
        env={**os.environ, 'OMP_NUM_THREADS': '1', **environment},
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
    assert stop.value.code == 2
    return message_in(capsys.readouterr().err, one_line=one_line)


def message_in(stderr: str, *, one_line: bool = True) -> str:
    """The message at the end of what a failing command wrote to stderr."""
    found = re.search(
        r'^(sepvit-mm.*: )?error: (.*)\Z', stderr, re.MULTILINE | re.DOTALL
    )
    assert found, stderr
    message = found[2].strip()
    assert not (one_line and '\n' in message)
    return message
