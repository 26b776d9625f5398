"""The package's rooms are on floors, and imports only go down."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import sepvit_mm

PACKAGE = Path(sepvit_mm.__file__).parent

# Every folder and module at the top of the package, the lowest floor first. A room may
# import rooms on lower floors; rooms on one floor know nothing of each other.
FLOORS = (
    ('errors', 'atomic', 'terminal', 'version', 'backbones'),
    ('checkpoints', 'datasets', 'annotations', 'drawing'),
    ('plugins', 'samples'),
    ('__init__',),  # registers what configs name, hence all below but the data sets
    ('measure',),
    ('engine',),
    ('zoo', 'check'),
    ('projects', 'prediction', 'report', 'deploy'),
    ('cli',),
    ('__main__',),
)


def imports(source: str, package: str, known: Collection[str]) -> Iterator[str]:
    """Find the modules that a file imports, wherever in the file it does so.

    Args:
        source: text of the file.
        package: dotted name of the package that the file is in, to which its relative
            imports refer.
        known: dotted names of the modules to look for.

    Yields:
        Dotted names out of ``known``; of ``from a import b`` it is ``a.b`` where that
        is a module, else ``a``.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = package.split('.')[: -node.level + 1 or None] if node.level else []
            base = '.'.join([*above, *filter(None, [node.module])])
            for name in (f'{base}.{alias.name}' for alias in node.names):
                if name in known:
                    yield name
                elif base in known:
                    yield base


def graph() -> dict[str, set[str]]:
    """Read which modules of the package each of its modules imports."""
    packages, paths = {}, {}
    for path in sorted(PACKAGE.rglob('*.py')):
        *package, name = path.relative_to(PACKAGE.parent).with_suffix('').parts
        module = '.'.join(package if name == '__init__' else [*package, name])
        packages[module], paths[module] = '.'.join(package), path
    return {
        module: set(imports(path.read_text(), packages[module], paths))
        for module, path in paths.items()
    }


GRAPH = graph()


def room(module: str) -> str:
    """The entry of ``FLOORS`` that a module is in."""
    return (*module.split('.'), '__init__')[1]


def crossings() -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports the second."""
    pairs = {(room(a), room(b)) for a, bs in GRAPH.items() for b in bs}
    return {(a, b) for a, b in pairs if a != b}


def test_every_room_has_one_floor():
    placed = [name for floor in FLOORS for name in floor]
    assert sorted(placed) == sorted({room(module) for module in GRAPH})


def test_imports_go_down_only():
    height = {name: floor for floor, rooms in enumerate(FLOORS) for name in rooms}
    assert not {(a, b) for a, b in crossings() if height[a] <= height[b]}


def test_data_sets_need_neither_models_nor_checkpoints():
    needed = {b for a, b in crossings() if a == 'datasets'}
    assert needed <= {'errors', 'atomic'}


def test_no_module_imports_itself_in_a_circle():
    TopologicalSorter(GRAPH).prepare()  # CycleError names the circle


def test_imports_are_seen_wherever_they_stand():
    source = """
import os, p.a
from . import b, name
from .c import name
from ..d import e
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from p.f import name
def function():
    from ..g.h import name
"""
    known = {'p', 'p.a', 'p.q', 'p.q.b', 'p.q.c', 'p.d', 'p.d.e', 'p.f', 'p.g.h', 'p.x'}
    found = set(imports(source, 'p.q', known))
    assert found == known - {'p', 'p.x', 'p.d'}
    assert ('engine', 'checkpoints') in crossings()
