"""Tests of the scores of roofs, streets and areas as stored."""
