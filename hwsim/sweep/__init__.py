"""Sweeps: one experiment at many points, on many chips and seeds; kept in one database, worked on by many processes."""
