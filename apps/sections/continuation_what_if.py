"""What if for language models: words of the prompt hidden or swapped, heads switched off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps import interpretation, links, saved_models, state, widgets
from apps.components import written_tokens
from apps.differences import differing
from apps.labels import Reading
from apps.markdown import plain
from apps.sections import (
    continuation_maps,
    continuations,
    intervention_outcome,
    intervention_steps,
    intervention_words,
)
from apps.sections import intervention_tools as tools
from zoo import interpret
from zoo.interpret import Intervention, Outcome
from zoo.prediction import Prediction

if TYPE_CHECKING:
    from apps.continuing import Options
    from zoo.continuation import Continuation

TOOLS = ("Hide words", "Swap two", "Switch heads off")
DECODER = {"decoder": "Self-attention"}
SHOWN = 48
"""Tokens whose map is shown, the last of the prompt and the first of the continuation."""
SEEN = SHOWN // 2


def render(name: str, prompt: str, options: Options) -> None:
    """What the model `name` writes after a prompt, and what may be changed."""
    with st.container():
        before = continuation_maps.continued(name, prompt, options, on_keras=True)
        words = None if before is None else _words(name, prompt)
    if before is None or words is None:
        return
    with st.container(border=True):
        what = _choose(name, words)
    how = {"sampling": options.sampling(), "seed": options.seed}
    outcome = intervention_outcome.computed(name, (prompt, options), before, what, **how)
    if outcome is None:
        return
    _show(name, outcome, what, words)
    links.to_continuation(name, here="what_if")
    st.header("Where it looked", anchor=False)
    if "decoder" not in before.attention:
        st.caption("There is no attention in this network, so there is no map.")
        return
    _maps(name, outcome)
    if what.off:
        st.caption("A head that is switched off still has weights, but they have no effect.")


def _words(name: str, prompt: str) -> list[str] | None:
    """The words of a prompt as the tools count them."""

    def compute(model: Any) -> list[str]:
        ids, begin = model.read_ids(prompt)
        found = interpret.prompt_units(model, prompt, "word")
        labels = model.tokenizer.labels(ids[begin:])
        joined = ["".join(labels[a:b]) for a, b in found]
        return [word.strip("␣") or "␣" for word in joined]

    return interpretation.run(name, ("words", prompt), compute)


def _choose(name: str, words: list[str]) -> Intervention:
    """All the tools, and what was chosen with them."""
    tools.header()
    attends = saved_models.attends(name)
    tabs = st.tabs(TOOLS, **state.choice("tool", TOOLS, TOOLS[0], ids=state.slug))
    with tabs[0]:
        mask = tools.mask(words, "word")
        labels = dict(intervention_outcome.HOW_LABELS)
        if not attends:  # nothing can be hidden from a network that reads one token after another
            labels.pop("hidden")
        how = st.segmented_control(
            "How",
            list(labels),
            required=True,
            format_func=labels.get,
            help=intervention_outcome.HOW_HELP,
            **state.choice(
                tools.HOW, list(labels), "hidden" if attends else "removed", labels=labels.get
            ),
        )
    with tabs[1]:
        swap = tools.swap(words, "word")
    with tabs[2]:
        heads = saved_models.attention_heads(name)
        off = tools.heads_off(heads, DECODER)
    return Intervention(
        mask=tuple(mask),
        how=how if mask else "unknown",
        swap=(tuple(swap),) if len(swap) == 2 else (),
        off=off,
    )


def as_predictions(outcome: Outcome) -> Outcome:
    """The same with predictions whose tokens are those written, as sentences and charts take it."""
    sides = (outcome.before, outcome.after, outcome.forced)
    return Outcome(*map(_as_prediction, sides), outcome.kl)


def _as_prediction(answer: Continuation) -> Prediction:
    labels = [token.label for token in answer.tokens]
    return Prediction(answer.text, [], labels, answer.log_probs)


def _show(name: str, outcome: Outcome, what: Intervention, words: list[str]) -> None:
    """A sentence, both texts, and each token."""
    found = as_predictions(outcome)
    reading = Reading(words, found.before.target_pieces, [], found.before.log_probs, {})
    if what != Intervention():
        said = intervention_words.sentence(found, what, reading, "character", kinds=DECODER)
        st.markdown(f"**{plain(said)}**")
    sides = (("before", outcome.before, outcome.after), ("after", outcome.after, outcome.before))
    for column, (key, own, other) in zip(st.columns(2, border=True), sides, strict=True):
        with column:
            st.markdown(f"**{key.capitalize()}**")
            _text(key, own, other)
    intervention_steps.show(name, intervention_steps.records(found, "character"), "character")


def _text(key: str, own: Continuation, other: Continuation) -> None:
    """One text, shaded by probability, with what differs from the other underlined."""
    labels = [[token.label for token in one.tokens] for one in (own, other)]
    marks = differing(*labels)
    shaded = [
        record | {"copied": differs}
        for record, differs in zip(continuations.records(own.tokens), marks, strict=True)
    ]
    written_tokens.show(own.prompt, shaded, label=f"The text {key}", key=f"outcome.{key}")
    intervention_outcome.captions(key, _as_prediction(own), own.notes)


def _maps(name: str, outcome: Outcome) -> None:
    """Where both texts looked: the last tokens of the prompt, and the first ones written."""
    heads = saved_models.attention_heads(name)["decoder"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer, head = (
            widgets.layer_or_head(kind, count, all_of_them="Mean of all", width=150)
            for kind, count in zip(("layer", "head"), heads, strict=True)
        )
    found = replace(outcome, before=_part(outcome.before), after=_part(outcome.after))
    intervention_outcome.maps(
        name, found, kind="decoder", layer=layer, head=head, unit="character", kinds=DECODER
    )
    st.caption(
        f"The last {SEEN} tokens of the prompt and the first {SHOWN - SEEN} after it, where there "
        "are as many; weights of earlier ones are not shown."
    )


def _part(answer: Continuation) -> Prediction:
    """The tokens around the end of the prompt, as the maps take them."""
    written = len(answer.labels) - len(answer.tokens) + 1
    first = max(written - SEEN, 0)
    stop = min(first + SHOWN, len(answer.labels))
    return continuation_maps.Part(answer, first, stop).prediction("decoder")
