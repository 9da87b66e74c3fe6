"""From ranked candidates to the list that is answered."""
