"""A trained `language_model` as a TensorFlow SavedModel.

The graph reads prompts as text (or ids), goes on from them as `zoo.load(...).predict` does,
greedily or by chance, and looks once more at what was read and written for the attention; another
signature takes one step for a caller that streams. It needs none of this code to run.

Axes: B batch, P tokens of a prompt, T tokens written, N tokens looked at, C context, V vocabulary,
L layers, H heads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import tensorflow as tf

from zoo.export import language_model_files, note_operations, text_operations, versions
from zoo.export.versions import Answer, Signatures
from zoo.inference import language_model_base as base
from zoo.inference import writing
from zoo.inference.language_model import read_on
from zoo.inference.search import argmax, sample
from zoo.tokenizer import PAD

if TYPE_CHECKING:
    from zoo.export.text_operations import TextOperations
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.kinds.base import State
    from zoo.kinds.language_model import LanguageModel
    from zoo.text_tokenizers import TextTokenizer

MOST_TOKENS = 1_024
"""The most tokens that one request may write, if no other number is given."""
USUAL_TOKENS = 100
"""How many are written where a request cannot say."""
CHUNK = 32
"""Tokens that a network without a context reads at a time."""


def export(
    loaded: LanguageModelPredictor,
    folder: str | Path,
    *,
    name: str | None = None,
    length_cap: int | None = None,
    text: bool = True,
    examples: Sequence[str] = (),
) -> Path:
    """Write `loaded` as the next version, `folder/1`, `folder/2`, ..., for TensorFlow Serving.

    Args:
        loaded: the model.
        folder: where the versions of this model are.
        name: what the model is called when it is served; by default its own.
        length_cap: the most tokens that one request may write, `MOST_TOKENS` by default.
        text: False leaves the text out: ids in, ids out, for a runtime without tensorflow-text.
        examples: prompts that a server goes on from before it is ready.

    Returns:
        The folder of the version. It appears under its number only when it is complete.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or `length_cap` is below 2.
    """
    versions.check(length_cap)
    most = length_cap or MOST_TOKENS
    counts = min(USUAL_TOKENS, most), most
    prompts = list(examples) or [""]

    def beside(version: Path) -> None:
        empty = _named(loaded.model.init_state(1, loaded.model.context or CHUNK))
        called = name or loaded.name
        language_model_files.write(version, loaded, called, counts, text, prompts, empty)

    return versions.write(loaded.model, folder, lambda: _graph(loaded, counts, text), beside)


def _graph(
    loaded: LanguageModelPredictor, counts: tuple[int, int], text: bool
) -> tuple[tf.Module, Signatures]:
    """What is saved: a module that owns weights and tables, and the functions that use them."""
    module = tf.Module()
    # The variables and not the network: saving that would trace its own `call` too.
    module.weights = [weight.value for weight in loaded.model.weights]
    writer = _Writer(loaded.model, loaded.tokenizer)
    signatures = _of_ids(writer, counts[0])
    if text:
        tokenizer = text_operations.operations(loaded.tokenizer)
        module.tokenizer = tokenizer.resource
        signatures |= _of_text(writer, tokenizer, *counts)
    return module, {"serving_default": signatures["ids"], **signatures}


# Signatures


def _function(function: Callable[..., Any], *specs: tf.TensorSpec) -> Callable[..., Any]:
    return tf.function(function, input_signature=specs, autograph=False)


def _signature(**inputs: tuple[Sequence[int | None], Any]) -> Callable[..., Any]:
    """A function of named tensors, each given by its shape and type."""
    specs = [tf.TensorSpec(shape, kind, name) for name, (shape, kind) in inputs.items()]
    return tf.function(input_signature=specs, autograph=False)


def _of_ids(writer: _Writer, count: int) -> Signatures:
    """Signatures without text: `ids`, `prefill` and `step`."""

    @_signature(ids=([None, None], tf.int32))
    def ids(ids: tf.Tensor) -> Answer:
        prompts = tf.ragged.boolean_mask(ids, ids != PAD)
        prompts = prompts.with_flat_values(text_operations.known(prompts.flat_values, writer.size))
        read = writer.as_read(prompts)
        written = writer.go_on(read, count)
        shown, maps = writer.look(read, written)
        maps |= {"attention_ids": _dense(shown)} if maps else {}
        return {**written._asdict(), **maps}

    @_signature(tokens=([None, None], tf.int32), lengths=([None], tf.int32))
    def prefill(tokens: tf.Tensor, lengths: tf.Tensor) -> Answer:
        with tf.control_dependencies(writer.check_prompts(tokens, lengths)):
            tokens = text_operations.known(tokens, writer.size)
        logits, state = writer.prefill(tokens, lengths)
        return {"logits": logits, **_named(state)}

    specs = [tf.TensorSpec([None], tf.int32, name) for name in ("token", "index")]
    empty = writer.network.init_state(1, writer.context or CHUNK)
    for name, tensor in _named(empty).items():
        specs.append(tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name))

    @tf.function(input_signature=specs, autograph=False)
    def step(token: tf.Tensor, index: tf.Tensor, *state: tf.Tensor) -> Answer:
        with tf.control_dependencies(writer.check_index(index)):
            token = text_operations.known(token, writer.size)
        before = keras.tree.pack_sequence_as(empty, state)
        logits, after = writer.network.step(token, index, before)
        return {"logits": logits, **_named(_like(after, before))}

    return {"ids": ids, "prefill": prefill, "step": step}


def _of_text(writer: _Writer, tokenizer: TextOperations, usual: int, most: int) -> Signatures:
    """Signatures of text: `serving_default`, `sample`, `draws`, `encode` and `decode`."""

    def read(text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """What is read of prompts, and their notes."""
        kept, cut = text_operations.last_characters(
            text_operations.decoded(text), base.MAX_CHARACTERS
        )
        prompts, missing = tokenizer.encode(kept)
        notes = _notes(text, cut, missing, prompts.row_lengths(), writer.context)
        return writer.as_read(prompts), notes

    def told(prompts: tf.RaggedTensor, written: _Written, notes: tf.Tensor) -> Answer:
        ids = tf.RaggedTensor.from_tensor(written.ids, written.lengths)
        last = tf.squeeze(prompts[:, -1:].to_tensor(shape=[None, 1]), 1)
        return {
            "text": tokenizer.continuation(last, ids),
            "tokens": tokenizer.labels(ids),
            "prompt_tokens": tokenizer.labels(prompts),
            "notes": notes,
            **written._asdict(),
        }

    @_signature(prompts=([None], tf.string))
    def greedy(prompts: tf.Tensor) -> Answer:
        given, notes = read(prompts)
        written = writer.go_on(given, usual)
        shown, maps = writer.look(given, written)
        maps |= {"attention_tokens": tokenizer.labels(shown)} if maps else {}
        return {**told(given, written, notes), **maps}

    options = {
        "temperature": ([None], tf.float32),
        "top_k": ([None], tf.int32),
        "top_p": ([None], tf.float32),
    }

    @_signature(
        prompts=([None], tf.string),
        max_new_tokens=([None], tf.int32),
        **options,
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
        given, notes = read(prompts)
        # As many for each row, however many it uses: they are the same in every batch.
        uniform = tf.map_fn(
            lambda seed: tf.random.stateless_uniform([most], tf.stack([seed, 0]), alg="philox"),
            seed,
            fn_output_signature=tf.TensorSpec([most], tf.float32),
        )
        limits = tf.clip_by_value(max_new_tokens, 1, most)
        return told(given, writer.go_on(given, limits, uniform, temperature, top_k, top_p), notes)

    @_signature(prompts=([None], tf.string), uniform=([None, None], tf.float32), **options)
    def drawn(
        prompts: tf.Tensor,
        uniform: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        top_p: tf.Tensor,
    ) -> Answer:
        given, notes = read(prompts)
        limits = tf.minimum(tf.shape(uniform)[1], most)
        return told(given, writer.go_on(given, limits, uniform, temperature, top_k, top_p), notes)

    @_signature(text=([None], tf.string))
    def encode(text: tf.Tensor) -> Answer:
        ids, notes = read(text)
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        return {
            "ids": _dense(ids),
            "lengths": lengths,
            "tokens": tokenizer.labels(ids),
            "notes": notes,
        }

    @_signature(ids=([None, None], tf.int32))
    def decode(ids: tf.Tensor) -> Answer:
        ids = text_operations.known(ids, writer.size)
        return {"text": tokenizer.decode(tf.ragged.boolean_mask(ids, ids != PAD))}

    return {
        "serving_default": greedy,
        "sample": sampled,
        "draws": drawn,
        "encode": encode,
        "decode": decode,
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


# Reading and writing


class _Written(NamedTuple):
    """What was written; a row ends after its length, then PAD and 0."""

    ids: tf.Tensor
    """(B, T) int32."""
    log_probs: tf.Tensor
    """(B, T) float32, before temperature, top-k and top-p."""
    lengths: tf.Tensor
    """(B,) int32."""


class _Writer:
    """A language model that reads and writes in plain TensorFlow, rows of any lengths together.

    Args:
        network: the language model.
        tokenizer: of its text.
    """

    def __init__(self, network: LanguageModel, tokenizer: TextTokenizer):
        self.network, self.context = network, network.context
        self.size, self.start = tokenizer.size, tokenizer.start
        self._excluded = writing.exclusion(tokenizer.size, tokenizer.excluded)
        # Functions, each of which the graph has once, whatever calls it.
        rows, table = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None], tf.int32)
        floats, draws = tf.TensorSpec([None]), tf.TensorSpec([None, None])
        self.prefill = _function(self._prefill, table, rows)
        self._write = _function(self._written, table, rows, rows, draws, floats, rows, floats)
        self._maps = _function(lambda tokens: network.decode(tokens, {})[1], table)

    def as_read(self, prompts: tf.RaggedTensor) -> tf.RaggedTensor:
        """What `predict` reads of prompts (B, P): the last tokens; the start, where it has room."""
        room = self.context - 1 if self.context else None
        counts = prompts.row_lengths()
        begins = tf.ones_like(counts)
        if room:
            prompts = prompts[:, -room:]
            begins = tf.cast(counts < room, counts.dtype)
        start = tf.fill([tf.reduce_sum(begins)], self.start)
        return tf.concat([tf.RaggedTensor.from_row_lengths(start, begins), prompts], axis=1)

    def check_prompts(self, tokens: tf.Tensor, lengths: tf.Tensor) -> list[tf.Operation]:
        """Fail where a prompt is empty or longer than what is there, or than the context."""
        most = tf.shape(tokens)[1]
        said = "each length must be from 1 to the number of columns"
        if self.context:
            most = tf.minimum(most, self.context)
            said += f" and to the context, {self.context}"
        right = tf.reduce_all((lengths >= 1) & (lengths <= most))
        return [tf.debugging.Assert(right, [f"{said}; received:", lengths])]

    def check_index(self, index: tf.Tensor) -> list[tf.Operation]:
        """Fail where the context is full."""
        if not self.context:
            return []
        right = tf.reduce_all((index >= 0) & (index < self.context))
        said = f"index must be below the context, {self.context}; received:"
        return [tf.debugging.Assert(right, [said, index])]

    def _prefill(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, State]:
        """Read tokens (B, P), of `lengths` (B,): logits (B, V) of what is next, and the state."""
        if self.context:
            tokens = tokens[:, : self.context]
            return writing.prefill(self.network, tokens, lengths, room=self.context)
        rows, width = tf.unstack(tf.shape(tokens))
        count = (width + CHUNK - 1) // CHUNK
        tokens = tf.pad(tokens, [[0, 0], [0, count * CHUNK - width]])
        first = self.network.init_state(rows, CHUNK)

        def read(number: tf.Tensor, logits: tf.Tensor, state: State) -> tuple[Any, ...]:
            at = number * CHUNK
            part = tf.ensure_shape(tokens[:, at : at + CHUNK], [None, CHUNK])
            some = tf.clip_by_value(lengths - at, 0, CHUNK)
            logits, after = read_on(self.network, part, some, logits, state)
            return number + 1, logits, _like(after, first)

        _, logits, state = tf.while_loop(
            lambda number, *_: number < count, read, (0, tf.zeros([rows, self.size]), first)
        )
        return logits, state

    def go_on(
        self,
        read: tf.RaggedTensor,
        limits: tf.Tensor | int,
        uniform: tf.Tensor | None = None,
        temperature: tf.Tensor | None = None,
        top_k: tf.Tensor | None = None,
        top_p: tf.Tensor | None = None,
    ) -> _Written:
        """Go on from what was read (B, P), `limits` tokens each.

        By the draws `uniform` (B, T) where the temperature (B,) is above 0; else, and where there
        are none, each time with the likeliest.
        """
        rows = read.nrows()
        chance = (uniform, temperature, top_k, top_p)
        if uniform is None:
            cold = tf.zeros([rows])
            chance = (cold[:, None], cold, tf.zeros([rows], tf.int32), cold)
        limits = tf.broadcast_to(limits, [rows])
        lengths = tf.cast(read.row_lengths(), tf.int32)
        return _Written(*self._write(_dense(read), lengths, limits, *chance), limits)

    def _written(
        self,
        tokens: tf.Tensor,
        lengths: tf.Tensor,
        limits: tf.Tensor,
        uniform: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        top_p: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The ids (B, T) of `go_on` and their log-probabilities.

        A row whose context is full goes on from its second half, as in `predict`.
        """
        warm = temperature > 0
        settings = [
            setting[:, None] for setting in (tf.where(warm, temperature, 1.0), top_k, top_p)
        ]

        def choose(logits: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
            likeliest = argmax(logits)

            def by_chance() -> tf.Tensor:
                found = sample(logits, uniform[:, number], *settings)
                return tf.where(warm, tf.cast(found, tf.int32), likeliest)

            return tf.cond(tf.reduce_any(warm), by_chance, lambda: likeliest)

        logits, first = self.prefill(tokens, lengths)
        kept = self.context // 2 if self.context else 1
        places = tf.maximum(lengths[:, None] - kept + tf.range(kept), 0)
        recent = tf.gather(tokens, places, batch_dims=1)  # (B, C / 2)
        # An empty batch has a column too.
        longest = tf.maximum(tf.reduce_max(limits), 1)
        columns = tf.range(longest)

        def step(
            number: tf.Tensor,
            logits: tf.Tensor,
            state: State,
            index: tf.Tensor,
            recent: tf.Tensor,
            ids: tf.Tensor,
            log_probs: tf.Tensor,
        ) -> tuple[Any, ...]:
            going = number < limits
            if self.context:
                logits, state, index = self._slid(going, recent, logits, state, index)
            allowed = logits + self._excluded
            token = choose(allowed, number)
            log_prob = tf.gather(tf.nn.log_softmax(logits), token, batch_dims=1)
            here = (columns == number)[None] & going[:, None]  # (B, T)
            ids = tf.where(here, token[:, None], ids)
            log_probs = tf.where(here, log_prob[:, None], log_probs)
            recent = tf.concat([recent[:, 1:], token[:, None]], axis=1)
            logits, after = self.network.step(token, index, state)
            index = tf.where(going, index + 1, index)
            return number + 1, logits, _like(after, first), index, recent, ids, log_probs

        shape = tf.stack([tf.shape(tokens)[0], longest])
        start = (0, logits, first, lengths, recent, tf.fill(shape, PAD), tf.zeros(shape))
        *_, ids, log_probs = tf.while_loop(
            lambda number, *_: number < tf.reduce_max(limits), step, start
        )
        return ids, log_probs

    def _slid(
        self,
        going: tf.Tensor,
        recent: tf.Tensor,
        logits: tf.Tensor,
        state: State,
        index: tf.Tensor,
    ) -> tuple[tf.Tensor, State, tf.Tensor]:
        """Logits, state and index; new ones in rows that go on and whose context is full."""
        full = going & (index >= self.context)
        kept = self.context // 2

        def again() -> tuple[tf.Tensor, State, tf.Tensor]:
            counts = tf.fill(tf.shape(index), kept)
            new_logits, new_state = self.prefill(recent, counts)

            def picked(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
                return tf.where(tf.reshape(full, [-1, *[1] * (len(old.shape) - 1)]), new, old)

            slid = keras.tree.map_structure(picked, new_state, state)
            return picked(new_logits, logits), slid, picked(counts, index)

        return tf.cond(tf.reduce_any(full), again, lambda: (logits, state, index))

    def look(self, read: tf.RaggedTensor, written: _Written) -> tuple[tf.RaggedTensor, Answer]:
        """The last C of the tokens read and of all written but the last; where each looked.

        Maps are (B, L, H, N, N) float32, 0 where a row has ended; {} without attention.
        """
        before = tf.RaggedTensor.from_tensor(written.ids, tf.maximum(written.lengths - 1, 0))
        shown = tf.concat([read, before], axis=1)
        if not self.network.attention_heads:
            return shown, {}
        shown = shown[:, -self.context :]
        tokens = _dense(shown)
        real = tf.sequence_mask(shown.row_lengths(), tf.shape(tokens)[1])
        return shown, {
            f"attention_{site}": tf.where(real[:, None, None, :, None], weights, 0.0)
            for site, weights in self._maps(tokens).items()
        }


def _named(state: State) -> Answer:
    """The tensors of a state by name, in order: `state_00`, `state_01`, ..."""
    return {f"state_{i:02}": tensor for i, tensor in enumerate(keras.tree.flatten(state))}


def _like(after: State, before: State) -> State:
    """A state with the types and shapes of the one before, as loops need."""
    return keras.tree.map_structure(
        lambda x, y: tf.ensure_shape(tf.cast(x, y.dtype), [None, *y.shape[1:]]), after, before
    )


def _dense(ids: tf.RaggedTensor) -> tf.Tensor:
    """(B, N) with PAD where a row has ended; an empty batch has a column too."""
    width = tf.maximum(tf.reduce_max(ids.row_lengths()), 1)
    return ids.to_tensor(PAD, shape=tf.stack([-1, width]))
