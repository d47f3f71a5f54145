"""Many chips and seeds of one experiment, trained and tested together."""
