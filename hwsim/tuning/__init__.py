"""Tuning: a search for the settings with the least error on a validation set; the test set is never used."""
