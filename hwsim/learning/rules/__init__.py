"""Learning rules, a file each: what turns a batch into the gradient by every conductance."""
