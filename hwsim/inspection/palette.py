"""The colours of pictures; a page replaces them by its own, light or dark."""

INK, SOFT, LINE, PAPER = "#1c2430", "#5b6675", "#d5dce4", "#ffffff"
"""Text, what is secondary, grids, and the ground."""

SERIES = ("#1f6fb2", "#c8551b", "#2f8a57", "#8e4fa8", "#a07d1c", "#6b7480")
"""Curves, in their order: blue, orange, green, purple, ochre, grey."""
