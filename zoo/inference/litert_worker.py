"""The LiteRT interpreters of one thread: sources in, hypotheses out. Axes: S source tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.inference.litert_decoder import Decoder
from zoo.inference.litert_folder import BEAM_ROWS, GraphFolder
from zoo.inference.litert_search import Written, beam_search, write, write_rows
from zoo.inference.sampling import Sampling
from zoo.padding import LENGTHS, bucket
from zoo.runtime.litert import Graph
from zoo.tokenizer import BOS, PAD


class Worker:
    """The interpreters of one thread: an encoder, and decoders for one row, beams and batches.

    Args:
        folder: of the graphs.
        threads: that one run may use.
    """

    def __init__(self, folder: GraphFolder, threads: int = 1):
        self.folder, self.threads = folder, threads
        self._encoder = folder.open("encode", threads)
        self._decoders: dict[int, Decoder] = {}
        self._batch: Decoder | None = None
        self._scorer: Graph | None = None

    def search(
        self,
        source: np.ndarray,
        limit: int,
        beams: int,
        alpha: float,
        sampling: Sampling | None,
        uniform: np.ndarray,
    ) -> list[Written]:
        """The hypotheses for one source (S,), padded, the best first."""
        graphs = 0 if beams == 1 else -(-beams // BEAM_ROWS)
        if graphs not in self._decoders:
            self._decoders[graphs] = Decoder.for_beams(self.folder, beams, self.threads)
        decoder = self._decoders[graphs]
        decoder.begin([self._encoded(source)], len(source))
        if beams == 1:
            return [write(decoder, limit, alpha, sampling, uniform)]
        return beam_search(decoder, beams, limit, alpha)

    def search_rows(
        self,
        sources: Sequence[np.ndarray],
        limits: Sequence[int],
        alpha: float,
        sampling: Sampling | None,
        uniform: np.ndarray,
    ) -> list[Written]:
        """A hypothesis for each of at most `BATCH_ROWS` sources (S,), padded."""
        if self._batch is None:
            self._batch = Decoder.for_batch(self.folder, self.threads)
        longest = max(map(len, sources))
        self._batch.begin([self._encoded(source) for source in sources], longest)
        return write_rows(self._batch, limits, alpha, sampling, uniform)

    def _encoded(self, source: np.ndarray) -> dict[str, np.ndarray]:
        encoder = self._encoder
        encoder.resize(S=len(source))
        encoder["source"][0] = source
        encoder.run()
        return {name: encoder.output(name) for name in encoder.outputs}

    def score(self, source: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
        """Log-probabilities (1, T) and maps of one source (S,) and one target (T,), padded."""
        if self._scorer is None:
            self._scorer = self.folder.open("score", self.threads)
        scorer = self._scorer
        scorer.resize(S=len(source), T=len(target))
        scorer["source"][0], scorer["target_out"][0] = source, target
        scorer["target_in"][0] = [BOS, *target[:-1]]
        scorer.run()
        return {name: scorer.output(name) for name in scorer.outputs}


def padded(ids: np.ndarray) -> np.ndarray:
    """Ids (S,) without their padding, then padded to the next of `zoo.padding.LENGTHS`."""
    size = int(np.flatnonzero(ids)[-1]) + 1
    found = np.full(bucket(size, LENGTHS), PAD, "int32")
    found[:size] = ids[:size]
    return found
