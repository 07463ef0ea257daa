"""The annotation page: a small web application around :class:`mmvos.interaction.Project`."""
