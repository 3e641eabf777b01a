"""A server on this machine that plays the publishers from a folder of files as published, with faults."""
