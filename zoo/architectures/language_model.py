"""The networks that continue a text."""

from __future__ import annotations

from zoo.architectures.entry import Architecture
from zoo.configs import feed_forward, gpt, ngram, recurrent_language_model

ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture(
        name="ngram",
        kind="language_model",
        label="n-gram",
        summary="Counts which tokens followed the last few: nothing is learnt.",
        description="interpolated Kneser-Ney with modified discounts (Chen and Goodman 1998)",
        network="zoo.models.ngram:KneserNey",
        config=ngram.NGram,
        presets=ngram.PRESETS,
        predictor="zoo.inference.ngram:NGramPredictor",
        counted=True,
    ),
    Architecture(
        name="feed-forward",
        kind="language_model",
        label="Feed-forward",
        summary="Reads the last few tokens, side by side; no memory (Bengio et al. 2003).",
        description="a hidden layer over the embeddings of a fixed window (Bengio et al. 2003)",
        network="zoo.models.feed_forward:FeedForwardLanguageModel",
        config=feed_forward.FeedForwardLanguageModel,
        presets=feed_forward.LANGUAGE_MODEL_PRESETS,
    ),
    Architecture(
        name="rnn",
        kind="language_model",
        label="RNN",
        summary="One state carries all that was read (Elman 1990).",
        description="stacked SimpleRNN layers (Elman 1990, Mikolov et al. 2010)",
        network="zoo.models.recurrent_language_model:RNNLanguageModel",
        config=recurrent_language_model.RecurrentLanguageModel,
        presets=recurrent_language_model.PRESETS,
    ),
    Architecture(
        name="lstm",
        kind="language_model",
        label="LSTM",
        summary="Its gates remember for longer; still one state.",
        description="stacked LSTM layers (Zaremba et al. 2014)",
        network="zoo.models.recurrent_language_model:LSTMLanguageModel",
        config=recurrent_language_model.RecurrentLanguageModel,
        presets=recurrent_language_model.PRESETS,
    ),
    Architecture(
        name="min-gru",
        kind="language_model",
        label="minGRU",
        summary="A recurrence whose steps are computed all at once (Feng et al. 2024).",
        description="blocks of minimal gated recurrent units, trained by a parallel scan "
        "(Feng et al. 2024)",
        network="zoo.models.min_gru:MinGRULanguageModel",
        config=recurrent_language_model.RecurrentLanguageModel,
        presets=recurrent_language_model.PRESETS,
    ),
    Architecture(
        name="gpt",
        kind="language_model",
        label="GPT",
        summary="Every token attends to all before it (Radford et al. 2018).",
        description="decoder-only Transformer, pre-norm, causal self-attention "
        "(Radford et al. 2018)",
        network="zoo.models.gpt:GPT",
        config=gpt.GPT,
        presets=gpt.PRESETS,
    ),
)
