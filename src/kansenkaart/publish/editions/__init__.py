"""What was published before: kept, compared, watched by gates."""
