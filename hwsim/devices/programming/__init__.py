"""From wanted changes of conductance to pulses, and to what the devices then have."""
