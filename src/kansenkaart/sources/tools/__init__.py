"""What all publishers' modules share: the network, OGC pages, raw names, folders, archives, cleaning."""
