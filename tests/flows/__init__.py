"""Tests of the Prefect side."""
