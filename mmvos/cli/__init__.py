"""The command ``mmvos``: one module per subcommand, imported when it is called (see :mod:`mmvos.cli.main`)."""
