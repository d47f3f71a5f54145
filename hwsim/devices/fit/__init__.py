"""Device models fitted to measured pulse trains."""
