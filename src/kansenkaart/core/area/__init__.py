"""Building blocks, their adjacency, and contiguous areas of about 330 homes."""
