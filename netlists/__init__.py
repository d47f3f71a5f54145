"""The circuit as SPICE text, for hwsim. No solving here."""
