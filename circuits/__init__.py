"""What a circuit of hwsim is: nodes, arrays of elements, and networks that compile to them. No solving and no text here."""
