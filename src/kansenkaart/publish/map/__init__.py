"""The map of a study as a frozen spec: themes, ranking, legend."""
