"""Packaging of sepvit_mm.

The OpenMMLab libraries are deliberately no requirement: they exist under two names
on the registry (upstream's ``mmcv``, the maintained line's ``onedl-mmcv``), and pip
would install one beside the other. ``requirements.txt`` names what is tested.
"""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
# What mim and mmengine look for in an installed package, in its folder .mim. The other
# tools measure or print what only a checkout has.
MIM_TOOLS = (
    'train.py',
    'test.py',
    'get_flops.py',
    'convert_checkpoint.py',
    'prepare_dataset.py',
)


class BuildWithConfigs(build_py):
    """Build the package with configs, model index and tools in it."""

    def run(self) -> None:
        """Build, then copy; or link, where the checkout is what is installed."""
        super().run()
        target = HERE if self.editable_mode else Path(self.build_lib)
        mim = target / 'sepvit_mm/.mim'
        shutil.rmtree(mim, ignore_errors=True)
        if self.editable_mode:
            mim.mkdir()
            for name in ('configs', 'model-index.yml', 'tools'):
                (mim / name).symlink_to(Path('../..') / name)
            return
        ignored = shutil.ignore_patterns('__pycache__')
        shutil.copytree(HERE / 'configs', mim / 'configs', ignore=ignored)
        shutil.copy(HERE / 'model-index.yml', mim)
        (mim / 'tools').mkdir()
        for tool in MIM_TOOLS:
            shutil.copy(HERE / 'tools' / tool, mim / 'tools')


setup(
    name='sepvit_mm',
    version=re.search(
        r"__version__ = '(.+)'", (HERE / 'sepvit_mm/version.py').read_text()
    )[1],
    description=(
        'SepViT, LITv2 and Pale Transformer backbones for OpenMMLab: detection, '
        'segmentation, classification'
    ),
    long_description=(HERE / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    packages=find_packages(include=['sepvit_mm', 'sepvit_mm.*']),
    package_data={'sepvit_mm.zoo': ['manifest.yml']},
    cmdclass={'build_py': BuildWithConfigs},
    entry_points={'console_scripts': ['sepvit-mm=sepvit_mm.__main__:main']},
    python_requires='>=3.10,<3.13',
    install_requires=['torch>=2.6', 'rich', 'pyyaml'],
)
