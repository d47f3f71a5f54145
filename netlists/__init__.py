"""The circuit as SPICE text. No solving here."""
