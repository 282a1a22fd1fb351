"""Adam for TensorFlow with one operation for each weight, where Keras's has about twenty.

On a processor each of them reads and writes memory as large as the weight: together they take as
long as a small network's whole forward pass. JAX compiles Keras's own into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

Tensor = Any


@keras.saving.register_keras_serializable("zoo")
class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam, decoupled weight decay, clipping and averaging, on one device of TensorFlow.

    The results are Keras's up to rounding. Kingma and Ba 2015, algorithm 1, with the order of
    computation of its section 2.

    Example:
        >>> optimizer = FusedAdam(0.1, global_clipnorm=1.0)
        >>> weight = keras.Variable([1.0, 2.0])
        >>> optimizer.apply([tf.constant([0.3, -0.3])], [weight])
        >>> [round(float(x), 3) for x in weight.numpy()]
        [0.9, 2.1]
    """

    def update_step(self, gradient: Tensor, variable: tf.Variable, learning_rate: Tensor) -> None:
        index, kind = self._get_variable_index(variable), variable.dtype
        step = tf.cast(self.iterations.value + 1, kind)
        beta_1, beta_2 = (tf.constant(beta, kind) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, kind),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, kind),
            grad=tf.cast(tf.convert_to_tensor(gradient), kind),
        )

    def _clip_gradients(self, grads: Sequence[Tensor]) -> Sequence[Tensor]:
        if not self.global_clipnorm:
            return super()._clip_gradients(grads)
        # One operation for each gradient's sum of squares; not a number where one is not finite.
        clipped, _ = tf.clip_by_global_norm(grads, self.global_clipnorm)
        return clipped

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        if self.weight_decay is None:
            return
        left = 1.0 - tf.cast(self.learning_rate, "float32") * self.weight_decay
        for variable in variables:
            if self._use_weight_decay(variable):
                variable.assign(tf.convert_to_tensor(variable) * tf.cast(left, variable.dtype))

    def _update_model_variables_moving_average(self, trainable_variables: Sequence[Any]) -> None:
        first = tf.equal(self.iterations.value, 0)
        share = tf.where(first, 1.0, 1.0 - self.ema_momentum)
        pairs = zip(trainable_variables, self._model_variables_moving_average, strict=True)
        for variable, average in pairs:
            if average is not None:
                tf.raw_ops.ResourceApplyGradientDescent(
                    var=_handle(average),
                    alpha=tf.cast(share, average.dtype),
                    delta=tf.convert_to_tensor(average) - tf.convert_to_tensor(variable),
                )


def _handle(variable: Any) -> Tensor:
    """Of a variable of Keras or of TensorFlow."""
    return (
        getattr(variable, "value", variable).handle
        if isinstance(variable, keras.Variable)
        else variable.handle
    )
