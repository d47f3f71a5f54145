"""Chips that learn in company: each on its own share of the data, exchanging gradients, conductances or what they answer."""
