"""The command ``sepvit-mm convert`` as a script."""

import sys

from sepvit_mm.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['convert', *sys.argv[1:]]))
