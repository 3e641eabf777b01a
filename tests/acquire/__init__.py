"""Tests of deliveries, live clients, readers and steps that bring them in."""
