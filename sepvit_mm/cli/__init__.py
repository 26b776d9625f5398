"""The command line: one module for each command of ``sepvit-mm``.

A command's docstring is its help. ``add_arguments(parser)`` declares what it takes;
``run(args)`` does the work and returns the exit code. :mod:`.main` lists the commands.
"""
