"""Circuits in time: the ODE of their capacitors' voltages, integrated in compiled scans, explicitly or, where stiff, implicitly."""
