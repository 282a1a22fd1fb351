"""The networks that read one sequence and write another."""

from __future__ import annotations

from zoo.architectures.entry import Architecture
from zoo.configs import feed_forward, recurrent, transformer

ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture(
        name="feed-forward",
        kind="seq2seq",
        label="Feed-forward",
        summary="Reads a window of fixed length at once; no memory, no order but places.",
        description="hidden layers over a fixed window (Bengio et al. 2003): no memory",
        network="zoo.models.feed_forward:FeedForwardSeq2Seq",
        config=feed_forward.FeedForwardSeq2Seq,
        presets=feed_forward.SEQ2SEQ_PRESETS,
    ),
    Architecture(
        name="simple-rnn",
        kind="seq2seq",
        label="Simple RNN",
        summary="Reads and writes word by word; one vector carries the whole input.",
        description="SimpleRNN encoder-decoder: one vector carries the whole sentence",
        network="zoo.models.recurrent_seq2seq:SimpleRNNSeq2Seq",
        config=recurrent.Recurrent,
        presets=recurrent.PRESETS,
    ),
    Architecture(
        name="lstm",
        kind="seq2seq",
        label="LSTM",
        summary="Its gates remember for longer; still one vector, no attention.",
        description="bidirectional LSTM encoder, LSTM decoder, no attention: the ablation",
        network="zoo.models.recurrent_seq2seq:LSTMSeq2Seq",
        config=recurrent.Recurrent,
        presets=recurrent.PRESETS,
    ),
    Architecture(
        name="lstm-bahdanau",
        kind="seq2seq",
        label="LSTM + attention",
        summary="Looks back at the input before each step (Bahdanau et al. 2015).",
        description="bidirectional LSTM encoder, LSTM decoder, additive attention "
        "(Bahdanau et al. 2015)",
        network="zoo.models.recurrent_seq2seq:BahdanauSeq2Seq",
        config=recurrent.RecurrentWithAttention,
        presets=recurrent.PRESETS,
    ),
    Architecture(
        name="transformer",
        kind="seq2seq",
        label="Transformer",
        summary="Attention in every layer, no recurrence (Vaswani et al. 2017).",
        description="Transformer encoder-decoder, pre-norm, self- and cross-attention "
        "(Vaswani et al. 2017)",
        network="zoo.models.transformer_seq2seq:TransformerSeq2Seq",
        config=transformer.Transformer,
        presets=transformer.PRESETS,
    ),
)
