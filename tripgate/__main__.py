"""`python -m tripgate` is the command line."""

from tripgate.cli import main

main()
