"""Listening: to which peers each chip of a company listens, and when they exchange what they answer."""

from hwsim.random.streams import stream
from hwsim.settings.company_settings import CompanySettings


def listened(settings: CompanySettings, seed: int, epoch: int) -> list[list[int]]:
    """Return the numbers of the peers that each chip listens to at an exchange."""
    chips = range(settings.chips)
    match settings.listen:
        case "all":
            return [[peer for peer in chips if peer != chip] for chip in chips]
        case "ring":
            return [[(chip + 1) % settings.chips] for chip in chips]
        case "pairs":
            steps = stream(seed, f"company/pairs/{epoch}").integers(1, settings.chips, settings.chips)
            return [[int(chip + step) % settings.chips] for chip, step in zip(chips, steps, strict=True)]


def exchanges(settings: CompanySettings, epoch: int) -> int:
    """Return how many exchanges of outputs there were, up to the one at the end of an epoch (0: before the first). Teachers answer once."""
    if settings.exchange == "teacher":
        return 1
    if settings.exchange != "outputs" or epoch < settings.burn_in:
        return 0
    return (epoch - settings.burn_in) // settings.every + 1


def latest(settings: CompanySettings, epoch: int) -> int:
    """Return the epoch at whose end the latest exchange of outputs was."""
    return settings.burn_in + (exchanges(settings, epoch) - 1) * settings.every


def due(settings: CompanySettings, epoch: int) -> bool:
    """Whether conductances or outputs are exchanged at the end of an epoch."""
    match settings.exchange:
        case "mean-weights":
            return epoch > 0 and epoch % settings.every == 0
        case "outputs":
            return exchanges(settings, epoch) > 0 and latest(settings, epoch) == epoch
        case "teacher":
            return epoch == 0
        case _:
            return False
