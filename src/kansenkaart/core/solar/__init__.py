"""Irradiation and panels on roofs: planes, surface model, horizon, irradiance, module layout."""
