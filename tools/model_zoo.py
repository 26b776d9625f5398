"""The command ``sepvit-mm zoo`` as a script."""

import sys

from sepvit_mm.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['zoo', *sys.argv[1:]]))
