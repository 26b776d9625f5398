"""The command ``sepvit-mm flops`` as a script."""

import sys

from sepvit_mm.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['flops', *sys.argv[1:]]))
