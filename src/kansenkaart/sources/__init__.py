"""One module per publisher: raw spellings, addresses and missing-value codes end here."""
