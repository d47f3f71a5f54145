"""Tuning: a search for the settings that learn best, judged on a validation part; the test part is never looked at."""
