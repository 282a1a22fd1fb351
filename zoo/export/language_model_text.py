"""The text around an exported `language_model`: prompts to ids, and what was written to text.

Axes: B batch, P tokens of a prompt, T tokens written, M tokens that are not in the vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from zoo.export import note_operations, text_operations
from zoo.export.text_operations import dense
from zoo.export.versions import Answer, Signatures, signature
from zoo.inference import language_model_base as base
from zoo.tokenizer import PAD

if TYPE_CHECKING:
    from zoo.export.language_model_graph import Writer, Written
    from zoo.text_tokenizers import TextTokenizer

OPTIONS = {
    "temperature": ([None], tf.float32),
    "top_k": ([None], tf.int32),
    "top_p": ([None], tf.float32),
}
"""Inputs, each (B,), of the signatures that draw tokens by chance."""


class TextSide:
    """The tokenizer of a model and the notes on its prompts, as operations.

    Args:
        writer: what reads and writes ids.
        tokenizer: the model's.
        usual: how many tokens are written where a request cannot say.
        most: the most tokens that one request may write.
    """

    def __init__(self, writer: Writer, tokenizer: TextTokenizer, usual: int, most: int):
        self._writer, self._usual, self._most = writer, usual, most
        self._tokenizer = text_operations.operations(tokenizer)
        self.resource = self._tokenizer.resource
        """What the module that is saved must own."""

    def signatures(self) -> Signatures:
        """`serving_default`, `sample`, `draws`, `encode` and `decode`."""
        return {**self._likeliest(), **self._by_chance(), **self._coding()}

    def _likeliest(self) -> Signatures:
        @signature(prompts=([None], tf.string))
        def greedy(prompts: tf.Tensor) -> Answer:
            given, notes = self._read(prompts)
            written = self._writer.go_on(given, self._usual)
            shown, maps = self._writer.look(given, written)
            maps |= {"attention_tokens": self._tokenizer.labels(shown)} if maps else {}
            return {**self._told(given, written, notes), **maps}

        return {"serving_default": greedy}

    def _by_chance(self) -> Signatures:
        most = self._most

        def written(prompts: tf.Tensor, limits: tf.Tensor, *chance: tf.Tensor) -> Answer:
            given, notes = self._read(prompts)
            return self._told(given, self._writer.go_on(given, limits, *chance), notes)

        @signature(
            prompts=([None], tf.string),
            max_new_tokens=([None], tf.int32),
            **OPTIONS,
            seed=([None], tf.int64),
        )
        def sampled(
            prompts: tf.Tensor,
            max_new_tokens: tf.Tensor,
            temperature: tf.Tensor,
            top_k: tf.Tensor,
            top_p: tf.Tensor,
            seed: tf.Tensor,
        ) -> Answer:
            # As many for each row, however many it uses: they are the same in every batch.
            uniform = tf.map_fn(
                lambda seed: tf.random.stateless_uniform([most], tf.stack([seed, 0]), alg="philox"),
                seed,
                fn_output_signature=tf.TensorSpec([most], tf.float32),
            )
            limits = tf.clip_by_value(max_new_tokens, 1, most)
            return written(prompts, limits, uniform, temperature, top_k, top_p)

        @signature(prompts=([None], tf.string), uniform=([None, None], tf.float32), **OPTIONS)
        def drawn(
            prompts: tf.Tensor,
            uniform: tf.Tensor,
            temperature: tf.Tensor,
            top_k: tf.Tensor,
            top_p: tf.Tensor,
        ) -> Answer:
            limits = tf.minimum(tf.shape(uniform)[1], most)
            return written(prompts, limits, uniform, temperature, top_k, top_p)

        return {"sample": sampled, "draws": drawn}

    def _coding(self) -> Signatures:
        @signature(text=([None], tf.string))
        def encode(text: tf.Tensor) -> Answer:
            ids, notes = self._read(text)
            lengths = tf.cast(ids.row_lengths(), tf.int32)
            tokens = self._tokenizer.labels(ids)
            return {"ids": dense(ids), "lengths": lengths, "tokens": tokens, "notes": notes}

        @signature(ids=([None, None], tf.int32))
        def decode(ids: tf.Tensor) -> Answer:
            ids = text_operations.known(ids, self._writer.size)
            return {"text": self._tokenizer.decode(tf.ragged.boolean_mask(ids, ids != PAD))}

        return {"encode": encode, "decode": decode}

    def _read(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """What is read of prompts (B,), as ids (B, P), and their notes (B,)."""
        kept, cut = text_operations.last_characters(
            text_operations.decoded(text), base.MAX_CHARACTERS
        )
        prompts, missing = self._tokenizer.encode(kept)
        notes = _notes(text, cut, missing, prompts.row_lengths(), self._writer.context)
        return self._writer.as_read(prompts), notes

    def _told(self, prompts: tf.RaggedTensor, written: Written, notes: tf.Tensor) -> Answer:
        """What every signature says that continues prompts (B, P)."""
        ids = tf.RaggedTensor.from_tensor(written.ids, written.lengths)
        last = tf.squeeze(prompts[:, -1:].to_tensor(shape=[None, 1]), 1)
        return {
            "text": self._tokenizer.continuation(last, ids),
            "tokens": self._tokenizer.labels(ids),
            "prompt_tokens": self._tokenizer.labels(prompts),
            "notes": notes,
            **written._asdict(),
        }


def _notes(
    text: tf.Tensor,
    cut: tf.Tensor,
    missing: tf.RaggedTensor,
    counts: tf.Tensor,
    context: int | None,
) -> tf.Tensor:
    """What `predict` says of prompts, one sentence a line.

    Args:
        text: (B,) as given.
        cut: (B,) where only its last characters were read.
        missing: (B, M) what is not in the vocabulary.
        counts: (B,) how many tokens each has.
        context: of the network.

    Returns:
        (B,) strings.
    """
    most = f"{base.MAX_CHARACTERS:,}"
    notes = [
        note_operations.when(cut, base.LAST_CHARACTERS.format(most=most)),
        note_operations.on_missing(missing),
    ]
    if context:
        note = base.LAST_TOKENS.format(context=f"{context:,}", most=f"{context - 1:,}")
        notes.append(note_operations.when(counts > context - 1, note))
    notes.append(note_operations.when(text == "", base.EMPTY))
    return note_operations.joined(notes)
