"""Tests of the whole pipeline: from files and live, twice, killed and damaged."""
