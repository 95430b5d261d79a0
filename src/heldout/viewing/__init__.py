"""Viewing: the runs of a folder in the browser, over loopback or as a static site. Needs neither torch nor scipy."""
