"""What every engine shares: its protocol, and Kirchhoff's laws computed from the elements alone."""
