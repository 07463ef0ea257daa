"""Videos that are sent over HTTP, wait in a queue and are done by the workers of :mod:`mmvos.batch`."""
