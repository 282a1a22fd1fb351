"""Runs interventions on language models: words of a prompt hidden or swapped, heads off.

`zoo.interpret.intervene` calls this where the answer is a `Continuation`. The whole text is decoded
at once. Axes: L layers, H heads, P tokens of the prompt, T tokens written, N = P + T - 1 read in
all, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from zoo.continuation import Continuation, Token
from zoo.inference import search, writing
from zoo.inference.sampling import Sampling, draw
from zoo.interpret.continuations import network_of, padded_size, texts_of, word_spans
from zoo.interpret.edited_network import Editor
from zoo.interpret.edits import Edits, Force, Intervention, Outcome
from zoo.layers.attention_hooks import Site, use_hook, without_maps
from zoo.padding import LENGTHS, bucket
from zoo.runtime import backend
from zoo.tokenizer import UNK

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.interpret.edits import Arrays
    from zoo.kinds.base import Maps, Tensor
    from zoo.kinds.language_model import LanguageModel

CANDIDATES = 5
"""How many of the likeliest tokens each token of a new continuation tells."""


@dataclass(frozen=True)
class _Text:
    """A prompt that may have been altered, as the network reads it.

    `ids`: (P,), the start token first where there is one. `seen`: whether attention may look at
    each. `places`: where each was in the prompt as given; the start token has none, -1.
    """

    ids: list[int]
    seen: list[bool]
    places: list[int]


def intervene(
    model: LanguageModelPredictor,
    answer: Continuation,
    what: Intervention,
    max_new_tokens: int | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> Outcome:
    """`zoo.interpret.intervene` for a language model; see there.

    Words and tokens of the prompt are counted without the start token; rows and columns of forced
    attention are tokens of prompt and continuation together.
    """
    network = network_of(model)
    if what.prefix:
        raise ValueError("A continuation begins where its prompt ends: add the text to the prompt.")
    ids, begin = model.read_ids(answer.prompt)
    written = [token.id for token in answer.tokens]
    altered = _alter(model, ids, begin, what)
    count = len(answer.tokens) if max_new_tokens is None else max_new_tokens
    longest = max(len(ids), len(altered.ids)) + max(count, len(written)) - 1
    size = padded_size(model, longest)
    edits = Edits(model.attention_heads, what.off, _rows(what, altered, len(ids), len(written)))
    arrays = _arrays(edits, altered, size)
    after = _continue(model, altered, arrays, size, count, sampling, seed)
    after.prompt = model.tokenizer.decode(altered.ids[begin:])
    after.notes = [note for note in answer.notes if note not in after.notes]
    before, under, kl, maps = _compared(network, ids, altered, written, arrays, size)
    read = [*altered.ids, *written[:-1]]
    forced = replace(
        answer,
        tokens=_with(answer.tokens, under),
        attention=_cut(maps, len(read)),
        labels=model.tokenizer.labels(read),
        prompt_labels=model.tokenizer.labels(altered.ids),
        notes=[],
    )
    return Outcome(replace(answer, tokens=_with(answer.tokens, before)), after, forced, kl)


def _alter(model: LanguageModelPredictor, ids: list[int], begin: int, what: Intervention) -> _Text:
    """Swap and mask words of a prompt. Masks count the words where they were before any swap."""
    texts = texts_of(model, ids[begin:])
    spans = word_spans(texts) if what.unit == "word" else [(i, i + 1) for i in range(len(texts))]
    what.check_words(len(spans), "prompt")
    if what.mask and what.how == "hidden" and not model.attention_heads:
        raise ValueError(
            "This model has no attention that a word could be hidden from: take it out, or make it "
            "unknown."
        )
    found = _Text(ids[:begin], [True] * begin, [-1] * begin)
    for word in what.order(len(spans)):
        masked = word in what.mask
        if masked and what.how == "removed":
            continue
        for place in range(*spans[word]):
            unknown = masked and what.how == "unknown" and not texts[place].isspace()
            found.ids.append(UNK if unknown else ids[begin + place])
            found.seen.append(not (masked and what.how == "hidden"))
            found.places.append(place)
    if not found.ids or (ids[begin:] and not any(found.seen[begin:])):
        raise ValueError("Something must be left to read. Received: every word masked")
    if not found.seen[-1]:
        raise ValueError(
            "The last word of a prompt cannot be hidden, since the network goes on from its vector:"
            " take it out, or make it unknown."
        )
    return found


def _rows(
    what: Intervention, altered: _Text, read: int, written: int
) -> list[tuple[Force, list[int], list[int]]]:
    """Forced rows with the places they have in the altered text."""
    moved = {place: i for i, place in enumerate(altered.places) if place >= 0}
    begin = altered.places.count(-1)
    # The tokens written stand behind the prompt, however long that now is.
    moved |= {read - begin + i: len(altered.ids) + i for i in range(written)}
    found = []
    for force in what.force:
        for place in (force.target, force.source):
            if place not in moved:
                raise ValueError(f"There is no token {place} to look or be looked at.")
        if force.source > force.target:
            raise ValueError(
                "A token looks only at itself and at those before it. "
                f"Received: target={force.target}, source={force.source}"
            )
        found.append((force, [moved[force.target]], [moved[force.source]]))
    return found


def _arrays(edits: Edits, altered: _Text, size: int) -> Arrays:
    """The edits for a text of `size` tokens, and what of it may be looked at."""
    arrays = edits.arrays(size, 0)
    seen = np.ones(size, "float32")
    seen[: len(altered.seen)] = altered.seen
    for kind in arrays:
        arrays[kind]["seen"] = seen
    return arrays


class _TextEditor(Editor):
    """Hides tokens too: no other token looks at them."""

    def weights(self, site: Site, weights: Tensor, index: Tensor | None) -> Tensor:
        seen = self.edits[site[0]]["seen"]  # (N,)
        left = weights * ops.cast(seen, weights.dtype)  # (B, H, N, N)
        total = ops.sum(left, axis=-1, keepdims=True)  # (B, H, N, 1)
        # A row that sees nothing else is that of a hidden token, which no other sees.
        weights = ops.where(total > 0, left / ops.maximum(total, 1e-30), weights)
        return super().weights(site, weights, index)


def _decode(network: LanguageModel, tokens: Tensor, edits: Arrays) -> tuple[Tensor, Maps]:
    with use_hook(_TextEditor(edits)):
        return network.decode(tokens, {})


def _next(network: LanguageModel, tokens: Tensor, last: Tensor, edits: Arrays) -> Tensor:
    """(1, V) logits after place `last` of (1, N) tokens."""
    logits, _ = _decode(network, tokens, edits)
    return ops.take(logits[0], last[None], axis=0)


def _continue(
    model: LanguageModelPredictor,
    altered: _Text,
    arrays: Arrays,
    size: int,
    count: int,
    sampling: Sampling | None,
    seed: int,
) -> Continuation:
    """What the model writes after an altered prompt, under edits: as `predict` chooses tokens."""
    tokenizer, ids, tokens = model.tokenizer, list(altered.ids), []
    excluded = writing.exclusion(tokenizer.size, tokenizer.excluded)
    uniform = draw(seed, 1, count) if sampling else None
    run = backend.traced(model.model, _next)
    held = np.zeros((1, size), "int32")
    for number in range(count):
        held[0, : len(ids)] = ids
        logits = run(held, np.int32(len(ids) - 1), arrays)
        log_probs = ops.convert_to_numpy(ops.log_softmax(logits, axis=-1))[0]
        allowed = logits + excluded
        if sampling is None:
            chosen = int(ops.convert_to_numpy(search.argmax(allowed))[0])
        else:
            drawn = uniform[:, number].astype("float32")
            how = (np.float32(sampling.temperature), np.int32(sampling.top_k))
            picked = search.sample(allowed, drawn, *how, np.float32(sampling.top_p))
            chosen = int(ops.convert_to_numpy(picked)[0])
        best = np.argsort(-(log_probs + excluded), kind="stable")[:CANDIDATES]
        best = best[np.isfinite((log_probs + excluded)[best])]
        chances = np.exp(log_probs[best]).tolist()
        named = tuple(zip(tokenizer.labels(best), chances, strict=True))
        text, label = tokenizer.growth(ids[-8:], chosen), tokenizer.labels([chosen])[0]
        tokens.append(Token(text, label, float(log_probs[chosen]), named, chosen))
        ids.append(chosen)
    read = ids[:-1]
    held[0, :] = 0
    held[0, : len(read)] = read
    maps: Any = {}
    if model.attention_heads:
        maps = backend.traced(model.model, _maps)(held, arrays)
    return Continuation(
        prompt="",
        text="".join(token.text for token in tokens),
        tokens=tokens,
        prompt_labels=tokenizer.labels(altered.ids),
        attention=_cut(maps, len(read)),
        labels=tokenizer.labels(read),
        finished=False,
    )


def _maps(network: LanguageModel, tokens: Tensor, edits: Arrays) -> Maps:
    return _decode(network, tokens, edits)[1]


def _compared(
    network: LanguageModel,
    ids: Sequence[int],
    altered: _Text,
    written: Sequence[int],
    arrays: Arrays,
    size: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Maps]:
    """One continuation after a prompt, and after an altered one under edits.

    Returns:
        (T,) its log-probabilities without and with, (T,) the divergence of what is expected with
        from what is expected without, and the maps with edits.
    """
    both = np.zeros((2, size), "int32")
    for row, prompt in zip(both, (ids, altered.ids), strict=True):
        text = [*prompt, *written[:-1]]
        row[: len(text)] = text
    places = np.arange(bucket(len(written), LENGTHS))
    first = [np.minimum(len(prompt) - 1 + places, size - 1) for prompt in (ids, altered.ids)]
    follow = np.zeros(len(places), "int32")
    follow[: len(written)] = written
    run = backend.traced(network, _compare)
    at = np.array(first, "int32")
    *figures, maps = run(both[:1], both[1:], at, follow, arrays)
    figures = [ops.convert_to_numpy(each)[: len(written)] for each in figures]
    return *figures, maps


def _compare(
    network: LanguageModel,
    plain: Tensor,
    altered: Tensor,
    places: Tensor,
    follow: Tensor,
    edits: Arrays,
) -> tuple[Tensor, Tensor, Tensor, Maps]:
    """`_compared`, to be compiled: texts (1, N), places (2, T) and what follows there (T,)."""
    with without_maps():
        logits, _ = network.decode(plain, {})
    new_logits, maps = _decode(network, altered, edits)
    before, under = (
        ops.log_softmax(ops.take(each[0], at, axis=0), axis=-1)  # (T, V)
        for each, at in zip((logits, new_logits), (places[0], places[1]), strict=True)
    )
    kl = ops.sum(ops.exp(before) * (before - under), axis=-1)  # (T,)
    picked = (ops.take_along_axis(x, follow[:, None], axis=-1)[:, 0] for x in (before, under))
    return *picked, ops.maximum(kl, 0.0), maps


def _with(tokens: Sequence[Token], log_probs: np.ndarray) -> list[Token]:
    """The same tokens with other log-probabilities."""
    return [
        replace(token, log_prob=float(log_prob))
        for token, log_prob in zip(tokens, log_probs, strict=True)
    ]


def _cut(maps: Maps, count: int) -> dict[str, np.ndarray]:
    """Maps (1, L, H, N, N) without padding."""
    return {
        kind: ops.convert_to_numpy(each)[0, :, :, :count, :count] for kind, each in maps.items()
    }
