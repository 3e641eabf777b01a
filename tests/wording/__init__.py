"""Tests of words and names for readers."""
