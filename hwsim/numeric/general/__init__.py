"""Any connected circuit: its linear part eliminated, Newton's method on the ports of the rest."""
