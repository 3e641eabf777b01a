"""From 1_clean to 2_scored and 3_opportunity: sun, water, areas, and the enterprise that could live there."""
