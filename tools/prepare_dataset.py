"""The command ``sepvit-mm prepare`` as a script."""

import sys

from sepvit_mm.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['prepare', *sys.argv[1:]]))
