"""How the blocks of a chain get the errors that they learn from: passed back through all of it, at random, or made by each for itself."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PositiveFloat

from circuits.units import Volt
from hwsim.settings.sections import Section


class EndToEnd(Section):
    """The error comes back through every block."""

    kind: Literal["end-to-end"] = "end-to-end"
    local: ClassVar[bool] = False


class FeedbackAlignment(Section):
    """From a circuit to the one before, the error comes back through a fixed random matrix in the place of the circuit's own response."""

    kind: Literal["feedback-alignment"] = "feedback-alignment"
    local: ClassVar[bool] = False


class DirectFeedbackAlignment(Section):
    """Each circuit gets the error at the chain's end, through a fixed random matrix of its own."""

    kind: Literal["direct-feedback-alignment"] = "direct-feedback-alignment"
    local: ClassVar[bool] = False


class ForwardForwardSettings(Section):
    """Each layer learns to distinguish a sample with its own label from the same sample with a wrong one, by its goodness G = Σŷ².

    The loss of a layer is softplus(−sharpness·(G of the right label − G of the wrong one)). The last circuit, or the digital layers behind
    it, are the head, which learns to classify samples without a label, and whose answers propose wrong labels.

    Parameters
    ----------
    sharpness
        By which a difference of goodnesses is multiplied [1/V²].
    label
        What the input of a sample's label gets, others getting 0; without a label each gets its share [units of the features].
    v_softmax
        Wrong labels are drawn by the softmax of the head's read-outs over this [V].
    answers
        `head`, or `trials`: the label with which the layers' goodnesses add up to most.

    """

    kind: Literal["forward-forward"] = "forward-forward"
    local: ClassVar[bool] = True
    sharpness: PositiveFloat = 5.0
    label: PositiveFloat = 1.0
    v_softmax: Annotated[Volt, Field(gt=0)] = 0.05
    answers: Literal["head", "trials"] = "head"


class SignalPropagationSettings(Section):
    """Each layer learns to answer samples as it answers their class's label alone, its prototype: the cross-entropy of their cosines.

    The last circuit, or the digital layers behind it, are the head, which learns to classify.

    Parameters
    ----------
    temperature
        By which cosines are divided before the softmax.
    label
        What the input of a class's label gets, samples getting 0 there [units of the features].
    answers
        `head`, or `prototypes`: the class whose prototypes are nearest in all layers together.

    """

    kind: Literal["signal-propagation"] = "signal-propagation"
    local: ClassVar[bool] = True
    temperature: PositiveFloat = 0.1
    label: PositiveFloat = 1.0
    answers: Literal["head", "prototypes"] = "head"


def _named(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


PropagationSettings = Annotated[
    EndToEnd | FeedbackAlignment | DirectFeedbackAlignment | ForwardForwardSettings | SignalPropagationSettings,
    Field(discriminator="kind"),
    BeforeValidator(_named),
]
