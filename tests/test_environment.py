"""The installed environment works without system libraries that it does not need."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path('/proc').is_dir(), reason='needs /proc/self/maps')
def test_opencv_needs_no_libgl():
    script = "import cv2; print('libGL' in open('/proc/self/maps').read())"
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == 'False'
