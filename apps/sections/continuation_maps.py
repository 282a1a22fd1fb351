"""What the Attention page's readers choose of a language model: its continuation, and its maps.

The maps of a text of many tokens are shown in part: `WIDTH` tokens at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from apps import inference, interpretation, links, presentation, saved_models, state
from apps.components import written_tokens
from apps.labels import SALIENCY
from apps.markdown import plain
from apps.sections import continuations
from zoo.prediction import Prediction

if TYPE_CHECKING:
    from apps.continuing import Options
    from zoo.continuation import Continuation

WIDTH = 64
"""Tokens whose maps are shown at a time."""


@dataclass(frozen=True)
class Part:
    """A continuation, and which of the tokens read for it are shown: `first`, from 0, to `stop`."""

    answer: Continuation
    first: int
    stop: int

    @property
    def whole(self) -> Part:
        """All of it."""
        return replace(self, first=0, stop=len(self.answer.labels))

    @property
    def written(self) -> slice:
        """Which of the tokens written follow one that is shown."""
        before = len(self.answer.labels) - len(self.answer.tokens)
        return slice(max(self.first - before, 0), max(self.stop - before, 0))

    def prediction(self, kind: str) -> Prediction:
        """As the views take it: of attention, rows and columns are what was read.

        Of saliency the rows are what was written, the columns what was read before.
        """
        read = self.answer.labels[self.first : self.stop]
        written = self.answer.tokens[self.written]
        target = [token.label for token in written] if kind == SALIENCY else read
        return Prediction(
            text=self.answer.text,
            source_pieces=read if kind == SALIENCY else [],
            target_pieces=target,
            log_probs=np.zeros(len(target), "float32"),
            attention={name: self.cut(maps, name) for name, maps in self.answer.attention.items()},
        )

    def cut(self, maps: np.ndarray, kind: str) -> np.ndarray:
        """Maps of all of it -> those of the tokens shown."""
        rows = self.written if kind == SALIENCY else slice(self.first, self.stop)
        return maps[..., rows, self.first : self.stop]

    def outside(self, maps: np.ndarray) -> str:
        """A sentence about what goes to tokens before those shown; `maps` as `cut` gives them."""
        if not self.first or not maps.size:
            return ""
        share = 1 - float(maps.sum(axis=-1).mean())
        return f"{share:.0%} of the weight goes to earlier tokens, which are not shown.".replace(
            "%", " %"
        )


def part(name: str, prompt: str, options: Options) -> Part | None:
    """The part that is shown of what a model writes after a prompt; None where that failed."""
    answer = continued(name, prompt, options)
    if answer is None:
        return None
    show_answer(name, answer)
    if presentation.explained():
        links.to_continuation(name, here="attention")
    return _part(answer)


def continued(
    name: str, prompt: str, options: Options, *, on_keras: bool = False
) -> Continuation | None:
    """What a model writes after a prompt, with its maps; None, and an error, where that failed.

    `on_keras`: with its weights in full, as interventions have them. Only a large model, which
    otherwise answers in eight bits, may then write something else.
    """

    def compute(model: Any) -> Continuation:
        how = {"sampling": options.sampling(), "seed": options.seed}
        return model.predict(prompt, options.max_new_tokens, **how)[0]

    apart = on_keras and inference.precision(name) != "float32"
    turn = inference.turn if on_keras else inference.answering
    if apart:
        st.caption(
            "Computed with all bits of the weights: where Compare answers in eight bits, it may "
            "have written something else."
        )
    return interpretation.run(name, ("continue", prompt, options, apart), compute, turn)


def show_answer(name: str, answer: Continuation, *, key: str = "continuation") -> None:
    """The text, each token shaded by how sure the model was of it."""
    written_tokens.show(
        answer.prompt,
        continuations.records(answer.tokens),
        label=f"What {saved_models.label(name)} wrote",
        key=key,
    )
    for note in answer.notes:
        st.caption(f":material/info: {plain(note)}")


def _part(answer: Continuation) -> Part:
    """Which tokens are shown; asked only where there are more than fit."""
    count = len(answer.labels)
    starts = range(1, max(count - WIDTH, 0) + WIDTH // 2 + 1, WIDTH // 2)
    # The first tokens written are in the middle.
    usual = max(one for one in starts if one == 1 or one <= count - len(answer.tokens))
    if len(starts) == 1:
        first = state.value("from", starts, 1)
    else:
        first = st.selectbox(
            f"Tokens shown, of {count}",
            starts,
            format_func=lambda one: f"{one} to {min(one + WIDTH - 1, count)}",
            width=180,
            **state.choice("from", starts, usual),
        )
    return Part(answer, first - 1, min(first - 1 + WIDTH, count))
