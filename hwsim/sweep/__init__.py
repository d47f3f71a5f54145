"""Sweeps: one experiment at many points, on many chips and seeds; stored in one database, computed by many processes."""
