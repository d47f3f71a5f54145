"""The devices of the crossbars of one chip."""
