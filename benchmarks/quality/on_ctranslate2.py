"""A model exported for CTranslate2, asked like any other: the zoo's text, CTranslate2's search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.export import ctranslate2 as ctranslate2_export
from zoo.inference.sampling import Generated
from zoo.inference.seq2seq_base import Seq2SeqBase
from zoo.tokenizer import PAD


class OnCTranslate2(Seq2SeqBase):
    """`predict(texts, beams, attention=False)` by `ctranslate2.Translator`, on a CPU.

    Args:
        loaded: a Transformer, as `zoo.load` gives it.
        folder: where its export goes.
        precision: of the weights.

    Raises:
        zoo.export.ctranslate2_model.CTranslate2Error: it cannot be exported.
    """

    def __init__(self, loaded: Any, folder: Path, precision: str):
        ctranslate2_export.export(loaded, folder, precision)
        import ctranslate2

        self.translator = ctranslate2.Translator(str(folder), device="cpu")
        tokenizers = loaded.source_tokenizer, loaded.target_tokenizer
        super().__init__(loaded.name, *tokenizers, loaded.config)
        self.max_source_length = loaded.max_source_length
        self.max_target_length = loaded.max_target_length

    def generate(
        self,
        source: np.ndarray,
        *,
        length: int,
        limit: int | Sequence[int] | None = None,
        beams: int = 1,
        length_penalty: float = 0.6,
        **_: Any,
    ) -> Generated:
        """Ids (B, S) to the best hypothesis of each row; log-probabilities are not told."""
        rows = [row for row in range(len(source)) if source[row].any()]
        found = self.translator.translate_batch(
            [self.source_tokenizer.pieces(source[row][source[row] != PAD]) for row in rows],
            beam_size=beams,
            length_penalty=length_penalty,
            min_decoding_length=0,
            max_decoding_length=limit or length,
            return_end_token=True,
            return_scores=True,
        )
        made = Generated(
            np.zeros((len(source), 1, length), "int32"),
            np.zeros((len(source), 1, length), "float32"),
            np.zeros((len(source), 1), "int32"),
            np.full((len(source), 1), -math.inf, "float32"),
        )
        for row, one in zip(rows, found, strict=True):
            ids = self.target_tokenizer.ids(one.hypotheses[0])
            made.tokens[row, 0, : len(ids)] = ids
            made.lengths[row, 0], made.scores[row, 0] = len(ids), one.scores[0]
        return made
