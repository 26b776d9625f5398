"""Packaging of sepvit_mm.

The OpenMMLab libraries are deliberately no requirement: they exist under two names
on the registry (upstream's ``mmcv``, the maintained line's ``onedl-mmcv``), and pip
would install one beside the other. ``requirements.txt`` names what is tested.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

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
    entry_points={'console_scripts': ['sepvit-mm=sepvit_mm.__main__:main']},
    python_requires='>=3.10,<3.13',
    install_requires=['torch>=2.6', 'rich'],
)
