"""Classifiers of texts: a bag of embeddings, LSTM without and with attention, an encoder (BERT).

Axes: B batch, T tokens, D embedding or hidden size, U state units, A attention units, C classes,
L layers, H heads.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs import classifier as configs
from zoo.kinds.base import Maps, Tensor
from zoo.kinds.classifier import Classifier, Head, masked_mean, token_mask
from zoo.layers.attention import AdditiveAttention
from zoo.layers.attention_hooks import maps_wanted
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import TiedEmbedding
from zoo.layers.encoder import Encoder


class FeedForwardClassifier(Classifier):
    """The mean of the tokens' embeddings, then a hidden layer: no order (Iyyer et al. 2015).

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "feed-forward", {"vocabulary": 9, "classes": 3}
        >>> config = registry.configuration(name, "nano", kind="classifier", **sizes)
        >>> model = building.build(name, config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 5), dtype="int32"))[0].shape)
        (2, 3)
    """

    def __init__(self, config: configs.FeedForward, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.embedding = TiedEmbedding(config.vocabulary, config.embedding_size, name="embedding")
        self.scale = config.embedding_size**0.5
        self.dropout = Dropout(config.dropout)
        self.hidden = Dense(config.hidden_size, activation="relu", name="hidden")
        self.hidden_dropout = Dropout(config.dropout)
        self.head = Head(config.classes, name="head")

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        x = self.embedding(inputs) * self.scale  # (B, T) -> (B, T, D)
        x = self.dropout(masked_mean(x, token_mask(inputs)))  # (B, D)
        x = self.hidden_dropout(self.hidden(x))  # (B, U)
        return self.head(x), {}  # (B, C)


class LSTMClassifier(Classifier):
    """A bidirectional LSTM, classified by the states at both ends.

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "lstm", {"vocabulary": 9, "classes": 3}
        >>> config = registry.configuration(name, "nano", kind="classifier", **sizes)
        >>> model = building.build(name, config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 5), dtype="int32"))[0].shape)
        (2, 3)
    """

    def __init__(self, config: configs.Recurrent, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.embedding = TiedEmbedding(config.vocabulary, config.embedding_size, name="embedding")
        self.scale = config.embedding_size**0.5
        self.input_dropout = Dropout(config.dropout)
        self.encoder = keras.layers.Bidirectional(
            keras.layers.LSTM(config.hidden_size // 2, return_sequences=False, name="lstm"),
            name="encoder",
        )
        self.output_dropout = Dropout(config.dropout)
        self.head = Head(config.classes, name="head")

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        x = self.input_dropout(self.embedding(inputs) * self.scale)  # (B, T) -> (B, T, D)
        state = self.encoder(x, mask=token_mask(inputs))  # (B, U): both directions side by side
        return self.head(self.output_dropout(state)), {}  # (B, C)


class BahdanauClassifier(Classifier):
    """A bidirectional LSTM whose states are pooled by additive attention with one learned query.

    Jain and Wallace 2019 (arXiv:1902.10186), section 2: `weights = softmax(v . tanh(W h + W q))`,
    `prediction = softmax(W sum(weights h))`; the query q is the same for every text.

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "lstm-bahdanau", {"vocabulary": 9, "classes": 3}
        >>> config = registry.configuration(name, "nano", kind="classifier", **sizes)
        >>> model = building.build(name, config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 5), dtype="int32"))[1]["pooling"].shape)
        (2, 1, 1, 1, 5)
    """

    def __init__(self, config: configs.RecurrentWithAttention, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.embedding = TiedEmbedding(config.vocabulary, config.embedding_size, name="embedding")
        self.scale = config.embedding_size**0.5
        self.input_dropout = Dropout(config.dropout)
        self.encoder = keras.layers.Bidirectional(
            keras.layers.LSTM(config.hidden_size // 2, return_sequences=True, name="lstm"),
            name="encoder",
        )
        self.attention = AdditiveAttention(config.attention_size, name="attention")
        self.attention.site = ("pooling", 0)
        self.query = self.add_weight(
            shape=(1, 1, config.hidden_size), initializer="glorot_uniform", name="query"
        )
        self.output_dropout = Dropout(config.dropout)
        self.head = Head(config.classes, name="head")

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        mask = token_mask(inputs)  # (B, T)
        x = self.input_dropout(self.embedding(inputs) * self.scale)  # (B, T) -> (B, T, D)
        values = self.encoder(x, mask=mask)  # (B, T, U)
        query = ops.cast(self.query, values.dtype) + ops.zeros_like(values[:, :1])  # (B, 1, U)
        keys = self.attention.project_keys(values)  # (B, T, A)
        context, weights = self.attention(query, keys, values, mask)  # (B, 1, U), (B, 1, 1, T)
        logits = self.head(self.output_dropout(context[:, 0]))  # (B, C)
        return logits, {"pooling": weights[:, None]} if maps_wanted() else {}


class Bert(Classifier):
    """A Transformer encoder over tokens, the zoo's block: from scratch, or with weights of BERT.

    Devlin et al. 2019 (arXiv:1810.04805) classify by the state of a token put in front, `[CLS]`:
    here that is the `<s>` that every text begins with. `zoo.pretrained` has weights that were
    trained elsewhere; there the second of BERT's token types, for pairs of texts, is left out.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"vocabulary": 9, "classes": 3}
        >>> config = registry.configuration("bert", "nano", kind="classifier", **sizes)
        >>> model = building.build("bert", config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 5), dtype="int32"))[1]["encoder"].shape)
        (2, 2, 2, 5, 5)
    """

    def __init__(self, config: configs.Bert, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.embedding = TiedEmbedding(config.vocabulary, config.hidden_size, name="embedding")
        self.scale = config.hidden_size**0.5 if config.scaled_embedding else 1.0
        self.encoder = Encoder(
            config,
            config.max_length,
            config.positions,
            norm=config.norm,
            epsilon=config.norm_epsilon,
            name="encoder",
        )
        self.output_dropout = Dropout(config.dropout)
        self.head = Head(config.classes, name="head")

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        mask = token_mask(inputs)  # (B, T)
        x = self.embedding(inputs) * self.scale  # (B, T) -> (B, T, D)
        x, maps = self.encoder(x, mask)  # (B, T, D), (B, L, H, T, T)
        x = x[:, 0] if self.config.pooling == "first" else masked_mean(x, mask)  # (B, D)
        return self.head(self.output_dropout(x)), maps  # (B, C)
