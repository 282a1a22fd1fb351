"""Text to piece ids and back, by SentencePiece, with the four special ids every model here shares.

Importing this module is cheap: `sentencepiece` itself is loaded when a tokenizer is made.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

PAD, BOS, EOS, UNK = 0, 1, 2, 3
"""Ids of padding, begin of sequence, end of sequence and unknown piece in every vocabulary."""

WORD_START = "\u2581"
"""What SentencePiece writes in front of a piece that begins a word (it stands for the space)."""


class Tokenizer:
    """A SentencePiece model that adds the end-of-sequence id and never fails on odd input.

    Args:
        model: the bytes of a SentencePiece `.model` file.

    Raises:
        ValueError: the bytes are no SentencePiece model, or one with other special ids.
    """

    def __init__(self, model: bytes):
        import sentencepiece

        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise ValueError(f"Not a SentencePiece model. Received: {len(model)} bytes") from error
        ids = tuple(
            getattr(self._processor, f"{name}_id")() for name in ("pad", "bos", "eos", "unk")
        )
        if ids != (PAD, BOS, EOS, UNK):
            raise ValueError(
                "A tokenizer here needs pad, bos, eos, unk = "
                f"{(PAD, BOS, EOS, UNK)}. Received: {ids}"
            )
        self.bytes = model

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Read a `.model` file. Raises FileNotFoundError or ValueError."""
        return cls(Path(path).read_bytes())

    @property
    def size(self) -> int:
        """How many pieces there are, special ones included."""
        return self._processor.get_piece_size()

    def encode(self, text: str) -> list[int]:
        """Piece ids of `text`, closed by EOS; the empty text gives `[EOS]`."""
        return [*self._processor.encode(clean(text)), EOS]

    def ways(self, word: str, most: int) -> list[tuple[list[int], float]]:
        """The `most` likeliest ways to cut `word`, best first: ids without EOS, log-probability.

        Only a `unigram` model knows of several. Unknown pieces count nothing: every way has them.
        """
        found = self._processor.nbest_encode(clean(word), nbest_size=most)
        return [(ids, sum(map(self._processor.get_score, ids))) for ids in found]

    def encode_as_read(self, text: str) -> tuple[list[int], list[str]]:
        """Like `encode`, with each piece as it stands in the text, also where it is unknown.

        Returns:
            ids and pieces, of equal length, both closed by end-of-sequence.
        """
        text = clean(text)
        return (
            [*self._processor.encode(text), EOS],
            [*self._processor.encode(text, out_type=str), "</s>"],
        )

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The piece behind each id, special ones as `<pad>`, `<s>`, `</s>`, `<unk>`."""
        return [self._processor.id_to_piece(int(index)) for index in ids]

    def ids(self, pieces: Iterable[str]) -> list[int]:
        """The id of each piece as `pieces` or `encode_as_read` gives it.

        Only the last one may be special: where a text says `</s>`, that is an unknown piece.
        """
        found = [self._processor.piece_to_id(piece) for piece in pieces]
        return [*(index if index > UNK else UNK for index in found[:-1]), *found[-1:]]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; special ids are left out."""
        return self._processor.decode([int(index) for index in ids if index > UNK])


def clean(text: str) -> str:
    """NFC, with control characters and line breaks turned into single spaces, ends stripped."""
    text = unicodedata.normalize("NFC", text)
    # Cc: control, Cs: lone surrogates, which cannot be written as UTF-8.
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return " ".join("".join(kept).split())


def train_tokenizer(
    sentences: Iterable[str], *, model_type: str, vocabulary_size: int, seed: int = 0
) -> Tokenizer:
    """Learn a SentencePiece model from `sentences` (training side only).

    Args:
        sentences: the text to learn from.
        model_type: `unigram` or `bpe` for sub-words, `char` for single characters, `word` for
            tokens that are separated by spaces (phonemes).
        vocabulary_size: the most pieces there may be, special ones included.
        seed: of SentencePiece's own sampling, used only above two million sentences.
    """
    import sentencepiece

    sentencepiece.set_random_generator_seed(seed)
    whole = model_type in ("char", "word")
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=written,
        model_type=model_type,
        vocab_size=vocabulary_size,
        hard_vocab_limit=False,
        use_all_vocab=whole,
        character_coverage=1.0 if whole else 0.9998,
        # Characters stay as they are read, so that an alignment can count them.
        normalization_rule_name="identity" if whole else "nmt_nfkc",
        # A leading space would give every text of characters one more piece.
        add_dummy_prefix=model_type != "char",
        pad_id=PAD,
        bos_id=BOS,
        eos_id=EOS,
        unk_id=UNK,
        input_sentence_size=2_000_000,
        shuffle_input_sentence=False,
        num_threads=1,  # several would order equal scores by chance
        minloglevel=2,
    )
    return Tokenizer(written.getvalue())
