"""From publishers to 1_clean: deliveries found or fetched, read, put in their buurt, and stored."""
