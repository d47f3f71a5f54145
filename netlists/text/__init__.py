"""The text of a deck: files, lines, tokens, numbers, findings."""
