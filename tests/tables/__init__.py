"""Tests of the store, its schemas and the assumptions."""
