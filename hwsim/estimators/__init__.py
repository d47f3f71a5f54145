"""scikit-learn's estimators that are circuits."""
