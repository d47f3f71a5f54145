"""What tests an engine, ours or a third party's: circuits with numbers, and the laws that their equilibria obey."""
