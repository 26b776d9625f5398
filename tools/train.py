"""The command ``sepvit-mm train`` as a script."""

import sys

from sepvit_mm.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['train', *sys.argv[1:]]))
