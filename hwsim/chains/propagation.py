"""From the word of an experiment file to the rule of a chain: where each layer's error comes from."""

from hwsim.chains.chain_part import ChainPart
from hwsim.chains.chain_rule import ChainRule
from hwsim.chains.feedback import AlignedFeedback, DirectFeedback
from hwsim.chains.forward_forward import ForwardForward
from hwsim.chains.local_chain_rule import LocalChainRule
from hwsim.chains.signal_propagation import SignalPropagation
from hwsim.settings.training_settings import TrainingSettings


def propagated(training: TrainingSettings, parts: tuple[ChainPart, ...], classes: int) -> ChainRule:
    """Return the rule of a chain of these parts; random matrices are drawn by the training's seed."""
    settings = training.propagation
    match settings.kind:
        case "end-to-end":
            return ChainRule(parts)
        case "feedback-alignment":
            return ChainRule(parts, AlignedFeedback(training.seed))
        case "direct-feedback-alignment":
            return ChainRule(parts, DirectFeedback(training.seed))
        case "forward-forward":
            local = ForwardForward(settings.sharpness, settings.label, settings.v_softmax, settings.answers == "trials")
            return LocalChainRule(parts, local=local, classes=classes)
        case "signal-propagation":
            prototypes = SignalPropagation(settings.temperature, settings.label, settings.answers == "prototypes")
            return LocalChainRule(parts, local=prototypes, classes=classes)
