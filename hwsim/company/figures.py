"""Figures of a company, besides the mean of its chips' errors."""

from typing import NamedTuple


class CompanyFigures(NamedTuple):
    """What a company has besides the mean of its chips' errors.

    Parameters
    ----------
    together_error
        The error of the mean of all chips' outputs.
    churn
        The share of test samples that two chips answer differently, in the mean over pairs; NaN where there are no classes, or one chip.
    sent_bytes
        By all chips together, in all epochs.

    """

    together_error: float
    churn: float
    sent_bytes: float
