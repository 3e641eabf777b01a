"""Pure functions on frames and arrays: no files, clock, log, network or settings."""
