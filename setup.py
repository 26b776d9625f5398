"""Build steps that need code; all else is in ``pyproject.toml``."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class BuildWithConfigs(build_py):
    """Build the package with .mim, where mim and mmengine look for configs."""

    def run(self) -> None:
        """Build, then fill .mim with copies, or with links if editable."""
        super().run()
        target = HERE if self.editable_mode else Path(self.build_lib)
        mim = target / 'sepvit_mm/.mim'
        shutil.rmtree(mim, ignore_errors=True)
        mim.mkdir(parents=True)
        for name in ('configs', 'model-index.yml', 'tools'):
            if self.editable_mode:
                (mim / name).symlink_to(Path('../..') / name)
            elif (HERE / name).is_dir():
                ignored = shutil.ignore_patterns('__pycache__')
                shutil.copytree(HERE / name, mim / name, ignore=ignored)
            else:
                shutil.copy(HERE / name, mim)


setup(cmdclass={'build_py': BuildWithConfigs})
