"""Fixtures that several test files ask for."""

from functools import partial

import pytest
from commands import error_of


@pytest.fixture
def refusal(monkeypatch, capsys, tmp_path):
    """Run a tool that must refuse its input, in an empty folder; give its message."""
    monkeypatch.chdir(tmp_path)
    return partial(error_of, monkeypatch=monkeypatch, capsys=capsys)
