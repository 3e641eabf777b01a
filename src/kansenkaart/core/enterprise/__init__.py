"""What a neighbourhood enterprise earns, pays and saves over twenty years."""
