"""HTTP: the annotation page, around :class:`mmvos.interaction.Project`, and the queue of videos in :mod:`.service`."""
