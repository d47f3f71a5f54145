"""Products of voltage drops, and the factors that make gradients of them."""
