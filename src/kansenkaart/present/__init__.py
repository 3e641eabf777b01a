"""For readers: maps, factsheets, tables and the data release."""
