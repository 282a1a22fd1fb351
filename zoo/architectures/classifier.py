"""The networks that say what a text, an image or a series is."""

from __future__ import annotations

from zoo.architectures.entry import Architecture
from zoo.configs import classifier

ARCHITECTURES: tuple[Architecture, ...] = (
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
