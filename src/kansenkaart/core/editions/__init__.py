"""Editions side by side: summaries of tables, drift between two of them, and which rows came, went and changed."""
