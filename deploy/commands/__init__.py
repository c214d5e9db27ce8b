"""One module for each group of commands; the command line itself is cli.py."""
