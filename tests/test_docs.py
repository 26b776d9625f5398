"""What the documentation shows works, and it names every command and option."""

import argparse
import re
from pathlib import Path
from textwrap import dedent

import mmseg
import pytest
from commands import ROOT

from sepvit_mm.check import check
from sepvit_mm.cli.main import COMMANDS
from sepvit_mm.engine import load_config

SITE_PACKAGES = Path(mmseg.__file__).parents[1].as_posix()
BLOCK = re.compile(r'^( *)```python\n(.*?)^\1```', re.MULTILINE | re.DOTALL)


def python_in(page: str) -> list[str]:
    return [dedent(code) for _, code in BLOCK.findall((ROOT / page).read_text())]


README = python_in('README.md')
IN_YOUR_CONFIG = python_in('docs/use-in-your-config.md')
OWN_DATA = python_in('docs/own-data.md')
CONFIGS = [code for code in README + OWN_DATA if code.startswith('_base_')]


def test_the_readme_and_the_page_show_the_same_configs():
    assert len(CONFIGS) == 6
    shown = [code for code in README if code.startswith('_base_')]
    assert set(shown) < set(IN_YOUR_CONFIG)


@pytest.mark.parametrize('code', CONFIGS, ids=range(len(CONFIGS)))
def test_configs_of_the_documentation_train(code, tmp_path):
    code = code.replace("'configs/", f"'{ROOT}/configs/")
    code = code.replace('SITE_PACKAGES', SITE_PACKAGES)
    (tmp_path / 'config.py').write_text(code)
    report = check(load_config(tmp_path / 'config.py'))
    assert (report.findings, report.unusable) == ([], None)


def test_the_documentation_names_every_option_of_every_command():
    page = (ROOT / 'docs/commands.md').read_text()
    sections = re.split(r'^## (.+)$', page, flags=re.MULTILINE)
    texts = dict(zip(sections[1::2], sections[2::2]))
    shared = {'--cfg-options', '--launcher'}
    assert set(COMMANDS) < set(texts)
    for name, command in COMMANDS.items():
        parser = argparse.ArgumentParser(add_help=False)
        command.add_arguments(parser)
        options = {option for a in parser._actions for option in a.option_strings}
        named = set(re.findall(r'(?<![-\w])--[a-z][a-z0-9-]*', texts[name]))
        assert named - shared == options - shared, name
