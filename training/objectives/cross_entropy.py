"""What training minimises, and how: smoothed cross-entropy; Adam, warm-up, clipping, averaging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from training.layer_rates import by_layer

Tensor = Any


class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy against `1 - smoothing` on the right token and the rest spread evenly.

    Szegedy et al. 2016 (arXiv:1512.00567), section 7. No one-hot target is made. Weighted by
    1 / tokens (see `Batch`), the sum over a batch is the mean per token, in nats.

    Args:
        smoothing: share of the probability that is spread over all tokens.
    """

    def __init__(self, smoothing: float = 0.1):
        super().__init__(name="smoothed_cross_entropy", reduction="sum")
        self.smoothing = smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """(B, T) ids and (B, T, V) logits -> (B, T) losses."""
        return smoothed_cross_entropy(y_true, y_pred, self.smoothing)


def smoothed_cross_entropy(ids: Tensor, logits: Tensor, smoothing: float) -> Tensor:
    """(B, T) ids and (B, T, V) logits -> (B, T) losses; see `SmoothedCrossEntropy`.

    Logits are the largest tensor of a step, so the gradient `softmax(logits) - target` is written
    by hand: it reads them once more, and keeps nothing of their size in between.
    """
    ids, vocabulary = ops.cast(ids, "int32"), logits.shape[-1]

    @ops.custom_gradient
    def losses(logits: Tensor) -> tuple[Tensor, Any]:
        most = ops.max(logits, axis=-1, keepdims=True)
        powers = ops.exp(logits - most)  # (B, T, V)
        mass = ops.sum(powers, axis=-1)  # (B, T)
        total = ops.log(mass) + most[..., 0]
        right = ops.take_along_axis(logits, ids[..., None], axis=-1)[..., 0]
        loss = total - (1.0 - smoothing) * right
        if smoothing:
            loss = loss - smoothing * ops.mean(logits, axis=-1)

        def gradient(upstream: Tensor) -> Tensor:
            spread = powers * (upstream / mass)[..., None]
            if smoothing:
                spread = spread - (upstream * (smoothing / vocabulary))[..., None]
            at_right = ops.exp(right - total) - smoothing / vocabulary - (1.0 - smoothing)
            flat = ops.reshape(spread, (-1, vocabulary))
            rows = ops.arange(ops.shape(flat)[0], dtype="int32")
            places = ops.stack([rows, ops.reshape(ids, (-1,))], axis=-1)
            values = ops.reshape(at_right * upstream, (-1,))
            return ops.reshape(ops.scatter_update(flat, places, values), ops.shape(logits))

        return loss, gradient

    return losses(logits)


def make_optimizer(
    *,
    learning_rate: float,
    warmup: int,
    steps: int,
    clip: float,
    averaging: float,
    weight_decay: float = 0.0,
    kind: str = "adam",
    fused: bool = False,
    rates: Mapping[str, float] | None = None,
) -> keras.optimizers.Optimizer:
    """Adam (Kingma and Ba 2015) with the settings of Vaswani et al. 2017, section 5.3; or SGD.

    Plain stochastic gradient descent is what recurrent language models of words were trained with
    by Zaremba et al. 2014, and with an average of the weights by Merity et al. 2018.

    Args:
        learning_rate: reached after the warm-up, then falls as half a cosine to 1 % of it.
        warmup: steps of linear warm-up; a short run gets at most a quarter of its steps.
        steps: of the whole run.
        clip: the most that the norm of all gradients together may be.
        averaging: decay of the exponential moving average of the weights (Polyak and Juditsky
            1992); evaluation and the saved model use the average. A short run gets a smaller one,
            so that it averages over a twentieth of its steps and has forgotten its first weights.
        weight_decay: share of every matrix taken away a step, times the learning rate, apart from
            the gradient (Loshchilov and Hutter 2019); biases and norms keep theirs.
        kind: "adam" or "sgd".
        fused: TensorFlow on one device without XLA: Adam with one operation a weight.
        rates: what the learning rate of a weight is multiplied by, by its path; default 1.
    """
    averaging = min(averaging, max(1.0 - 20.0 / steps, 0.0))
    warmup = min(warmup, steps // 4)  # or a run of few examples would end before it has begun
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=learning_rate * 1e-3,
        warmup_target=learning_rate,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
        alpha=0.01,
    )
    adam: type[keras.optimizers.Adam] = keras.optimizers.Adam
    if fused:
        from training import tf_adam

        adam = tf_adam.FusedAdam
    chosen = {"adam": adam, "sgd": keras.optimizers.SGD}[kind]
    optimizer = (by_layer(chosen) if rates else chosen)(
        schedule,
        **({"beta_2": 0.98, "epsilon": 1e-9} if kind == "adam" else {}),
        global_clipnorm=clip,
        use_ema=averaging > 0,
        ema_momentum=averaging or 0.99,
        weight_decay=weight_decay or None,
    )
    if rates:
        optimizer.rates = rates
    if weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "scale"])
    return optimizer
