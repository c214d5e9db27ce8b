"""The composition root: command line, settings, local stack, newsstand. The only room that knows all the others."""
