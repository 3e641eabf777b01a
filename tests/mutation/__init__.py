"""Mutants: small faults put into a copy of the package, to see whether its tests fail."""
