"""One study from publishers to maps: open, run, ask, check."""
