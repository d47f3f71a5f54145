"""The reference engine: ngspice, driven as a library, thousands of equilibria through one loaded netlist."""
