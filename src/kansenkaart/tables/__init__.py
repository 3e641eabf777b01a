"""Files and columns: fields, schemas, the store, steps, provenance, assumptions."""
