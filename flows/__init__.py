"""Prefect flows around the stages; delete this folder and a working project remains."""
