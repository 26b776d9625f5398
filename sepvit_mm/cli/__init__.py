"""The command line: one module for each command of ``sepvit-mm``.

A module's docstring is the command's help. ``add_arguments(parser)`` declares its
arguments; ``run(args)`` does the work and returns the exit code. :mod:`.main`
lists the commands.
"""
