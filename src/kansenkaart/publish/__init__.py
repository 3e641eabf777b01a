"""From scores to readers: map, factsheets, reports, open layers, editions; what leaves the house and what does not."""
