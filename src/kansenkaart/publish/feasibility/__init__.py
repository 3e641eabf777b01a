"""The feasibility report of one place: what a wijkbedrijf would earn and save there."""
