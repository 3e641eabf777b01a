"""Household water, the sewer as a network, hydraulics and decoupling scores."""
