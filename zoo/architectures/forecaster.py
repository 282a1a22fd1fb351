"""The networks that forecast a series."""

from __future__ import annotations

from zoo.architectures.entry import Architecture
from zoo.configs import forecaster

ARCHITECTURES: tuple[Architecture, ...] = (
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
        description="LSTM over segments of one series, additive attention (Bahdanau et al. 2015)",
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
        description="Transformer encoder, a token for each series: iTransformer (Liu et al. 2024)",
        network="zoo.models.transformer_forecaster:VariateTransformer",
        config=forecaster.Transformer,
        presets=forecaster.TRANSFORMER_PRESETS,
    ),
)
