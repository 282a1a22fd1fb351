"""Text to token ids and back, by SentencePiece, with the four special ids every model here shares.

Importing this module is quick: `sentencepiece` itself is loaded when a tokenizer is made.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.cleaning import clean
from zoo.normalizer import Normalizer

PAD, BOS, EOS, UNK = 0, 1, 2, 3
"""Ids of padding, begin of sequence, end of sequence and unknown token in every vocabulary."""

WORD_START = "\u2581"
"""What SentencePiece writes in front of a token that begins a word (it stands for the space)."""

DIGITS = "0123456789"


class Tokenizer:
    """A SentencePiece model that adds the end-of-sequence id and never fails on odd input.

    Args:
        model: the bytes of a SentencePiece `.model` file.
        normalizer: what every text goes through first; by default nothing but `clean`.

    `byte_ids`: which ids are bytes, and which byte each is.

    Raises:
        ValueError: the bytes are no SentencePiece model, or one with other special ids.

    Example:
        >>> import zoo
        >>> tokenizer = zoo.load("dates-lstm").source_tokenizer
        >>> tokenizer.decode(tokenizer.encode("17 March 1998"))
        '17 March 1998'
    """

    def __init__(self, model: bytes, normalizer: Normalizer | None = None):
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
        self.normalizer = normalizer or Normalizer()
        self.byte_ids = {
            index: int(self._processor.id_to_piece(index)[1:-1], 16)
            for index in range(self.size)
            if self._processor.is_byte(index)
        }

    @classmethod
    def load(cls, path: str | Path, normalizer: Normalizer | None = None) -> Tokenizer:
        """Read a `.model` file. Raises FileNotFoundError or ValueError."""
        return cls(Path(path).read_bytes(), normalizer)

    @property
    def size(self) -> int:
        """How many tokens there are, special ones included."""
        return self._processor.get_piece_size()

    def clean(self, text: str) -> str:
        """`text` as it is before it is cut into tokens: normalised, then `clean`."""
        return clean(self.normalizer(text))

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, closed by EOS; the empty text gives `[EOS]`."""
        return [*self._processor.encode(self.clean(text)), EOS]

    def ways(self, word: str, most: int) -> list[tuple[list[int], float]]:
        """The `most` likeliest ways to cut `word`, best first: ids without EOS, log-probability.

        Only a `unigram` model knows of several. Unknown tokens count nothing: every way has them.
        """
        found = self._processor.nbest_encode(self.clean(word), nbest_size=most)
        return [(ids, sum(map(self._processor.get_score, ids))) for ids in found]

    def encode_as_read(self, text: str) -> tuple[list[int], list[str]]:
        """Like `encode`, with each token as it is in the text, also where it is unknown.

        Returns:
            ids and tokens, of equal length, both closed by end-of-sequence.
        """
        text = self.clean(text)
        return (
            [*self._processor.encode(text), EOS],
            [*self._processor.encode(text, out_type=str), "</s>"],
        )

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The token behind each id, special ones as `<pad>`, `<s>`, `</s>`, `<unk>`."""
        return [self._processor.id_to_piece(int(index)) for index in ids]

    def ids(self, pieces: Iterable[str]) -> list[int]:
        """The id of each token as `pieces` or `encode_as_read` gives it.

        Only the last one may be special: where a text says `</s>`, that is an unknown token.
        """
        found = [self._processor.piece_to_id(piece) for piece in pieces]
        return [*(index if index > UNK else UNK for index in found[:-1]), *found[-1:]]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids` without padding, begin and end.

        No token vanishes without a mark: an unknown one is written \u2047, bytes that are no UTF-8
        U+FFFD.
        """
        return self._processor.decode([int(index) for index in ids if index > EOS])

    def missing(self, ids: Sequence[int], pieces: Sequence[str]) -> list[str]:
        """What of a text is not in the vocabulary, each once, in the order read.

        Args:
            ids, pieces: as `encode_as_read` gives them.

        Returns:
            unknown tokens as they are in the text, and characters that are read as bytes.
        """
        found: list[str] = []
        run = bytearray()
        for index, piece in zip([*ids, EOS], [*pieces, ""], strict=True):
            if index in self.byte_ids:
                run.append(self.byte_ids[index])
                continue
            found += run.decode("utf-8", errors="replace")
            run.clear()
            if index == UNK:
                found.append(piece.replace(WORD_START, ""))
        return list(dict.fromkeys(filter(None, found)))


def train_tokenizer(
    sentences: Iterable[str],
    *,
    model_type: str,
    vocabulary_size: int,
    seed: int = 0,
    byte_fallback: bool = False,
    normalizer: Normalizer | None = None,
) -> Tokenizer:
    """Learn a SentencePiece model from `sentences` (training side only).

    Args:
        sentences: the text to learn from, normalised.
        model_type: `unigram` or `bpe` for sub-words, `char` for single characters, `word` for
            tokens that are separated by spaces (phonemes).
        vocabulary_size: the most tokens there may be, special ones included.
        seed: of SentencePiece's own sampling, used only above two million sentences.
        byte_fallback: of sub-words: characters that the text has not are written as their UTF-8
            bytes, of which all 256 are tokens; the ten digits are tokens in any case.
        normalizer: of the tokenizer that is made.

    Raises:
        ValueError: no text, or a vocabulary that does not fit it; the message says what to set.
    """
    import sentencepiece

    sentencepiece.set_random_generator_seed(seed)
    whole = model_type in ("char", "word")
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=written,
            model_type=model_type,
            vocab_size=vocabulary_size,
            hard_vocab_limit=False,
            use_all_vocab=whole,
            character_coverage=1.0,
            # Every digit is a token of its own: numbers are copied, and no two are alike.
            split_digits=not whole,
            byte_fallback=byte_fallback and not whole,
            required_chars=DIGITS if byte_fallback and not whole else "",
            # Characters stay as they are read, so that an alignment can count them.
            normalization_rule_name="identity" if whole else "nmt_nfkc",
            # A leading space would give every text of characters one more token.
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
    except (RuntimeError, OSError) as error:
        raise ValueError(_why_not(str(error), model_type, vocabulary_size)) from error
    return Tokenizer(written.getvalue(), normalizer)


def _why_not(said: str, model_type: str, size: int) -> str:
    """What SentencePiece's error means, and what to do about it."""
    if found := re.search(r"smaller than required_chars\. \d+ vs (\d+)", said):
        return (
            f"a vocabulary of {size:,} tokens has no room for the characters of the training text: "
            f"set --vocabulary to {int(found[1]):,} at least, better a few thousand more"
        )
    if found := re.search(r"Vocabulary size too high.*<= ?(\d+)", said, re.DOTALL):
        return (
            f"the training text is too small for a vocabulary of {size:,} tokens: "
            f"set --vocabulary to {int(found[1]):,} at most"
        )
    if "sentences_.empty()" in said or "all_chars_count" in said:
        return "there is no text to learn a tokenizer from. Received: empty sentences only"
    if size < UNK + 2:
        return f"a vocabulary has at least {UNK + 2} tokens. Received: vocabulary_size={size}"
    return (
        f"SentencePiece cannot learn {size:,} tokens of type {model_type} from this text: "
        f"{' '.join(said.split())}"
    )
