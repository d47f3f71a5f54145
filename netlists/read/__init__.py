"""From the text of a deck to single elements, and what is recognized among them."""
