"""The datasheet of a circuit: what a designer asks of a chip, each number with the condition that it holds under."""
