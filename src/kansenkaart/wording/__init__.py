"""Dutch for readers, once: numbers, euros, names, services."""
