"""`python -m cti`: the `hotline` command."""

import sys

from cti.cli import main

sys.exit(main(sys.argv[1:]))
