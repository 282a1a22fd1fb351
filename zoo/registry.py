"""Which architectures there are and in which sizes. Imports no framework.

An architecture is a network that keeps the contract of a kind; a preset is a size of it; a model is
a trained one, in a folder.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.configs import (
    classifier,
    feed_forward,
    forecaster,
    gpt,
    ngram,
    recurrent,
    recurrent_language_model,
    transformer,
)
from zoo.configs.base import make_config, renamed


@dataclass(frozen=True)
class Kind:
    """A contract of inputs and answers.

    Args:
        name: in commands and in config.json.
        predictor: module and class that a trained model of it is loaded as.
        tokenizers: the names of the tokenizers that a model of it has.
        files: how their files may end.
        exporter: module and function that writes a SavedModel of one; "": there is none.
        graphs: module and function that gives the LiteRT graphs of a network; "": there are none.
        on_litert: module and class that a trained model of it is loaded as, to run on LiteRT.

    Example:
        >>> KINDS["language_model"].tokenizers
        ('text',)
    """

    name: str
    predictor: str
    tokenizers: tuple[str, ...]
    files: tuple[str, ...]
    exporter: str = ""
    graphs: str = ""
    on_litert: str = ""


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="seq2seq",
            predictor="zoo.inference.seq2seq:Seq2SeqPredictor",
            tokenizers=("source", "target"),
            files=(".model",),
            exporter="zoo.export.saved_model:export",
            graphs="zoo.inference.litert_graphs:graphs",
            on_litert="zoo.inference.litert_seq2seq:LiteRTSeq2Seq",
        ),
        Kind(
            name="language_model",
            predictor="zoo.inference.language_model:LanguageModelPredictor",
            tokenizers=("text",),
            files=(".json", ".model"),
            exporter="zoo.export.language_model:export",
            graphs="zoo.inference.litert_language_graphs:graphs",
            on_litert="zoo.inference.litert_language_model:LiteRTLanguageModel",
        ),
        Kind(
            name="forecaster",
            predictor="zoo.inference.forecaster:ForecasterPredictor",
            tokenizers=("scaler",),
            files=(".json",),
            exporter="zoo.export.forecaster:export",
            graphs="zoo.inference.litert_forecast_graphs:graphs",
            on_litert="zoo.inference.litert_forecaster:LiteRTForecaster",
        ),
        Kind(
            name="classifier",
            predictor="zoo.inference.classifier:ClassifierPredictor",
            tokenizers=("input",),
            files=(".json", ".model"),
            exporter="zoo.export.classifier:export",
            graphs="zoo.inference.litert_class_graphs:graphs",
            on_litert="zoo.inference.litert_classifier:LiteRTClassifier",
        ),
    )
}


@dataclass(frozen=True)
class Architecture:
    """An entry of the registry.

    Args:
        name: in commands, cards and addresses.
        kind: the contract of its inputs and answers.
        label: its name on a page.
        summary: what it does, in a sentence for readers.
        description: what it is, in a phrase for engineers, with the paper.
        network: module and class, "zoo.models.transformer_seq2seq:TransformerSeq2Seq".
        config: the class of its hyper-parameters.
        presets: its sizes.
        predictor: what it is loaded as, where that is not what its kind says.
        counted: it has no network: it is counted from a corpus (`training.counting`).
        closed_form: its weights are computed from the data, not trained by gradient
            (`training.fitting`).

    Example:
        >>> architecture("gpt", "language_model").label
        'GPT'
    """

    name: str
    kind: str
    label: str
    summary: str
    description: str
    network: str
    config: type
    presets: Mapping[str, Mapping[str, Any]]
    predictor: str = ""
    counted: bool = False
    closed_form: bool = False

    @property
    def floor(self) -> bool:
        """Whether nothing of it is learnt by gradient: what networks should do better than."""
        return self.counted or self.closed_form


ARCHITECTURES: dict[tuple[str, str], Architecture] = {
    (entry.kind, entry.name): entry
    for entry in (
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
        Architecture(
            name="season-naive",
            kind="forecaster",
            label="Season-naive",
            summary="Repeats what was a season ago: nothing is learnt.",
            description="the last season again, with the quantiles of its errors "
            "(Hyndman and Athanasopoulos 2021)",
            network="zoo.models.linear_forecaster:SeasonNaive",
            config=forecaster.SeasonNaive,
            presets=forecaster.LINEAR_PRESETS,
            closed_form=True,
        ),
        Architecture(
            name="n-linear",
            kind="forecaster",
            label="Ridge (NLinear)",
            summary="One weight for each step back and ahead, by ridge regression.",
            description="NLinear (Zeng et al. 2023) in closed form: ridge regression",
            network="zoo.models.linear_forecaster:NLinear",
            config=forecaster.Forecasting,
            presets=forecaster.LINEAR_PRESETS,
            closed_form=True,
        ),
        Architecture(
            name="feed-forward",
            kind="forecaster",
            label="Feed-forward",
            summary="Hidden layers over the past, beside a linear map; no memory, no order.",
            description="residual hidden layers over one series at a time, instance-normalised",
            network="zoo.models.feed_forward_forecaster:FeedForwardForecaster",
            config=forecaster.FeedForward,
            presets=forecaster.FEED_FORWARD_PRESETS,
        ),
        Architecture(
            name="lstm",
            kind="forecaster",
            label="LSTM",
            summary="Reads a series segment by segment; one state says what follows.",
            description="LSTM over segments of one series (Lin et al. 2023), no attention",
            network="zoo.models.recurrent_forecaster:LSTMForecaster",
            config=forecaster.Recurrent,
            presets=forecaster.RECURRENT_PRESETS,
        ),
        Architecture(
            name="lstm-bahdanau",
            kind="forecaster",
            label="LSTM + attention",
            summary="Each step ahead looks back at all that the LSTM has read.",
            description="LSTM over segments of one series, additive attention "
            "(Bahdanau et al. 2015)",
            network="zoo.models.recurrent_forecaster:BahdanauForecaster",
            config=forecaster.RecurrentWithAttention,
            presets=forecaster.RECURRENT_PRESETS,
        ),
        Architecture(
            name="transformer-point",
            kind="forecaster",
            label="Transformer, points",
            summary="A token is a time point: attention between steps.",
            description="Transformer encoder, a token for each time point (Zhou et al. 2021)",
            network="zoo.models.transformer_forecaster:PointTransformer",
            config=forecaster.PointTransformer,
            presets=forecaster.TRANSFORMER_PRESETS,
        ),
        Architecture(
            name="transformer-patch",
            kind="forecaster",
            label="Transformer, patches",
            summary="A token is a patch of one series (PatchTST, Nie et al. 2023).",
            description="Transformer encoder, a token for each patch of one series: PatchTST "
            "(Nie et al. 2023)",
            network="zoo.models.transformer_forecaster:PatchTransformer",
            config=forecaster.PatchTransformer,
            presets=forecaster.PATCH_PRESETS,
        ),
        Architecture(
            name="transformer-variate",
            kind="forecaster",
            label="Transformer, series",
            summary="A token is a whole series: attention between series.",
            description="Transformer encoder, a token for each series: iTransformer "
            "(Liu et al. 2024)",
            network="zoo.models.transformer_forecaster:VariateTransformer",
            config=forecaster.Transformer,
            presets=forecaster.TRANSFORMER_PRESETS,
        ),
        Architecture(
            name="naive-bayes",
            kind="classifier",
            label="Naive Bayes",
            summary="Adds up what each word and each pair of words says; no order.",
            description="logistic regression on n-grams weighted by naive Bayes "
            "(Wang and Manning 2012)",
            network="zoo.models.floor_classifiers:NaiveBayes",
            config=classifier.NaiveBayes,
            presets=classifier.NAIVE_BAYES,
            closed_form=True,
        ),
        Architecture(
            name="feed-forward",
            kind="classifier",
            label="Feed-forward",
            summary="Averages its words' embeddings: no order (Iyyer et al. 2015).",
            description="a hidden layer over the mean of the embeddings (Iyyer et al. 2015)",
            network="zoo.models.text_classifiers:FeedForwardClassifier",
            config=classifier.FeedForward,
            presets=classifier.FEED_FORWARD,
        ),
        Architecture(
            name="lstm",
            kind="classifier",
            label="LSTM",
            summary="Reads both ways, judges by the states at both ends.",
            description="bidirectional LSTM, the last states classified",
            network="zoo.models.text_classifiers:LSTMClassifier",
            config=classifier.Recurrent,
            presets=classifier.RECURRENT,
        ),
        Architecture(
            name="lstm-bahdanau",
            kind="classifier",
            label="LSTM + attention",
            summary="Reads both ways, and weighs its states by attention.",
            description="bidirectional LSTM, states pooled by additive attention "
            "(Jain and Wallace 2019)",
            network="zoo.models.text_classifiers:BahdanauClassifier",
            config=classifier.RecurrentWithAttention,
            presets=classifier.RECURRENT,
        ),
        Architecture(
            name="bert",
            kind="classifier",
            label="BERT",
            summary="Every word attends to all others (Devlin et al. 2019).",
            description="Transformer encoder, pre-norm, trained from scratch (Devlin et al. 2019)",
            network="zoo.models.text_classifiers:Bert",
            config=classifier.Bert,
            presets=classifier.ENCODER,
        ),
        Architecture(
            name="knn",
            kind="classifier",
            label="Nearest neighbours",
            summary="Compares with every example it keeps: nothing is learnt.",
            description="nearest neighbours by Euclidean distance (Cover and Hart 1967)",
            network="zoo.models.floor_classifiers:NearestNeighbours",
            config=classifier.NearestNeighbours,
            presets=classifier.NEIGHBOURS,
            closed_form=True,
        ),
        Architecture(
            name="cnn",
            kind="classifier",
            label="CNN",
            summary="Small filters slide over the image (LeCun et al. 1998).",
            description="four convolutions, as many weights as `vit` of the same size",
            network="zoo.models.patch_classifiers:ConvolutionalNetwork",
            config=classifier.ConvolutionalNetwork,
            presets=classifier.CONVOLUTIONS,
        ),
        Architecture(
            name="vit",
            kind="classifier",
            label="ViT",
            summary="Cuts the image into patches, which attend to each other.",
            description="Transformer encoder over patches of an image (Dosovitskiy et al. 2021)",
            network="zoo.models.patch_classifiers:VisionTransformer",
            config=classifier.VisionTransformer,
            presets=classifier.ENCODER,
        ),
        Architecture(
            name="transformer",
            kind="classifier",
            label="Transformer",
            summary="Cuts the series into stretches, which attend to each other.",
            description="Transformer encoder over patches of a series (Nie et al. 2023)",
            network="zoo.models.patch_classifiers:SeriesTransformer",
            config=classifier.SeriesTransformer,
            presets=classifier.ENCODER,
        ),
    )
}


def named(place: str) -> Any:
    """What a place such as "zoo.models.gpt:GPT" names; its module is imported now."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def of_kind(kind: str, counted: bool = False) -> dict[str, Architecture]:
    """The architectures of a kind by name; those without a network only if `counted`.

    Example:
        >>> list(of_kind("language_model"))
        ['feed-forward', 'rnn', 'lstm', 'min-gru', 'gpt']
    """
    return {
        entry.name: entry
        for entry in ARCHITECTURES.values()
        if entry.kind == kind and (counted or not entry.counted)
    }


def architecture(name: str, kind: str = "seq2seq") -> Architecture:
    """The architecture called `name` of a kind. Raises ValueError with the known names."""
    known = of_kind(kind, counted=True)
    if name not in known:
        others = [entry.kind for entry in ARCHITECTURES.values() if entry.name == name]
        what = f"Unknown model. {name} is a {others[0]}" if others else "Unknown model"
        said = f", and a {kind} is wanted" if others else ""
        raise ValueError(f"{what}{said}. Known: {', '.join(known)}. Received: {name!r}")
    return known[name]


def without_graphs(config: Mapping[str, Any]) -> str:
    """Why there are no LiteRT graphs of a model with this config.json; "" where there are."""
    kind, model = config["kind"], config["model"]
    if not KINDS[kind].graphs:
        return f"there are no LiteRT graphs of the kind {kind}"
    if architecture(model, kind).counted:
        return f"there are no LiteRT graphs of a {model} model: it has counts and no network"
    return ""


def former_names(name: str) -> dict[str, str]:
    """What hyper-parameters of the architecture `name`, of any kind, were called, and are now."""
    found: dict[str, str] = {}
    for entry in ARCHITECTURES.values():
        if entry.name == name:
            found.update(getattr(entry.config, "former_names", {}))
    return found


def configuration(name: str, preset: str = "small", kind: str = "seq2seq", **overrides: Any) -> Any:
    """Hyper-parameters of the architecture `name` in size `preset`, some of them overridden.

    Raises:
        ValueError: unknown architecture, preset or hyper-parameter, or a value it cannot have.
    """
    entry = architecture(name, kind)
    if preset not in entry.presets:
        raise ValueError(f"Unknown preset. Known: {', '.join(entry.presets)}. Received: {preset!r}")
    return make_config(entry.config, entry.presets[preset] | renamed(entry.config, overrides))


def attention_heads(
    name: str, hyperparameters: Mapping[str, Any], kind: str = "seq2seq"
) -> dict[str, tuple[int, int]]:
    """Layers and heads of attention by kind, as the built network's `attention_heads` gives them.

    Args:
        name: of the architecture.
        hyperparameters: as a model folder's `config.json` holds them.
        kind: the architecture's.

    Raises:
        ValueError: unknown architecture or hyper-parameter, or a value it cannot have.

    Example:
        >>> sizes = {"source_vocabulary": 9, "target_vocabulary": 9, "decoder_layers": 2}
        >>> attention_heads("transformer", sizes)
        {'cross': (2, 4), 'encoder': (3, 4), 'decoder': (2, 4)}
        >>> attention_heads("lstm", {"source_vocabulary": 9, "target_vocabulary": 9})
        {}
    """
    return make_config(architecture(name, kind).config, hyperparameters).attention_heads()
