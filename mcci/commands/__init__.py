"""The shell: one file a command, which parses, calls and shows. `mcci/cli.py` lists them."""
