"""Your target: a reader's own output, as a model would have written it, token by token.

For language models, which continue a text, it is a text of the reader's own (`text_score`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps import figures, interpretation, links, presentation, saved_models, state, widgets
from apps.charts import base as charts
from apps.components import shaded_words
from apps.labels import END, END_LABEL, Answer, Reading, from_prediction, read
from apps.markdown import plain
from apps.sections import answer_view, intervention_words, text_score
from apps.sections.answer_view import Which
from apps.sections.intervention_steps import spans_of
from apps.sections.intervention_words import nats, per_piece, quoted, total
from zoo import interpret
from zoo.prediction import spell
from zoo.tokenizer import WORD_START

if TYPE_CHECKING:
    from zoo.interpret import Candidates
    from zoo.prediction import Prediction

UNKNOWN = "<unk>"
CAPTION = (
    "Write the output yourself. The model is made to write it, and shows for each step how "
    "likely it found your choice, what it would have preferred, and where it looked."
)
EXPLAINED = (
    "Log-probabilities are in nats, the unit of natural logarithms: 0 is certain, −0.69 one chance "
    "in two. Perplexity: among how many equally likely tokens the model chose, on average."
)
COLUMNS = {
    "unit": "Written",
    "log_prob": "Log-probability",
    "probability": "Probability",
    "rank": "Rank",
    "rather": "Would have preferred",
}
ALL_COLUMNS = {
    "model": "Model",
    "yours": "Log-probability",
    "per_piece": "A token",
    "perplexity": "Perplexity",
    "own": "Own: log-probability",
    "own_per_piece": "Own: a token",
    "answer": "Its own answer",
}


def render() -> None:
    """The page."""
    st.title("Your target", anchor=False)
    caption = st.empty()
    state.begin("your-target")
    texts = widgets.kind_shown(widgets.TEXTS) == "language_model"
    caption.caption(text_score.CAPTION if texts else CAPTION)
    with presentation.controls():
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            task = widgets.task(kinds=widgets.TEXTS)
            if task is None:
                return
            name = widgets.model(saved_models.models(task), default=widgets.best(task))
            beams = 1 if texts else widgets.beams()
        if texts:
            text = text_score.typed(task)
        else:
            source, written = st.columns(2, gap="medium")
            with source:
                text = widgets.text(task, with_target=True)
            with written:
                target = _target(task)
    if texts:
        text_score.show(task, name, text)
    else:
        _pair(task, name, text, target, beams)


def _pair(task: str, name: str, text: str, target: str, beams: int) -> None:
    """The page for a task whose models read a text and write another."""
    if not text or not target:
        st.info("Type an output above, and press Ctrl+Enter.", icon=":material/info:")
        return
    own = interpretation.predict(name, text, beams)
    yours = _forced(name, text, target)
    if own is not None and yours is not None:
        _one(name, text, own, yours)
    if st.toggle("All models of the task side by side", **state.flag("all")):
        _all(widgets.several_models(task), text, target, beams)


def _target(task: str) -> str:
    """What the reader would have the model write; notices say where it is not what was typed."""
    typed = widgets.target(
        task,
        label=saved_models.info(task).target_prompt,
        height=68,
        placeholder=saved_models.info(task).target_hint or None,
        help=f"At most {state.MAX_CHARACTERS:,} characters are read. Ctrl+Enter reads it.",
    )
    return intervention_words.as_written(task, typed)


def _forced(name: str, text: str, target: str) -> tuple[Prediction, Candidates, Any] | None:
    """The target as the model scores it, what it would rather have written, and its saliency."""

    def compute(loaded: Any) -> Any:
        [prediction] = loaded.predict([text], target=[target])
        found = interpret.candidates(loaded, prediction, k=min(5, loaded.target_tokenizer.size))
        attends = bool(prediction.attention)
        return prediction, found, None if attends else interpret.saliency(loaded, prediction)

    return interpretation.run(name, ("target", text, target), compute)


def _one(name: str, text: str, own: Prediction, yours: tuple[Prediction, Candidates, Any]) -> None:
    """All about one model: the words, the verdict, the table, the map."""
    prediction, candidates, saliency = yours
    task = saved_models.task_of(name)
    unit = saved_models.unit(task)
    reading = read(from_prediction(name, prediction), unit)
    st.markdown(f"**{plain(verdict(saved_models.label(name), own, prediction))}**")
    left, right = st.columns(2, border=True)
    with left:
        st.markdown("**Your target**")
        _words(name, "yours", prediction, own)
        links.look_closer(name, text, prediction.text, here="score_your_text")
    with right:
        st.markdown("**Its own answer**")
        _words(name, "own", own, prediction)
        links.look_closer(name, text, own.text, here="score_your_text", target="")
    st.caption(EXPLAINED)
    rows = records(reading, prediction, candidates, unit)
    st.header("Where it was surprised", anchor=False)
    st.caption(plain(surprises(rows)))
    st.dataframe(
        [{header: row[field] for field, header in COLUMNS.items()} for row in rows],
        hide_index=True,
        height="auto" if len(rows) <= 12 else 460,
        column_config={
            "Log-probability": st.column_config.NumberColumn(format="%.3f"),
            "Probability": st.column_config.ProgressColumn(
                format="percent", min_value=0.0, max_value=1.0
            ),
            "Rank": st.column_config.NumberColumn(
                help="Place of the token among all that the model could have written there; 1 is "
                "its own choice. For a word of several tokens: the worst of them."
            ),
        },
        alt="Each step of your target: log-probability, rank, and what the model preferred",
    )
    figures.save(lambda: charts.shaded_words(_shades(rows)), rows=rows, file=f"{name}-target-steps")
    _map(from_prediction(name, prediction, saliency=saliency), unit)


def _shades(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"text": row["unit"], "probability": row["probability"]} for row in rows]


def _words(name: str, key: str, prediction: Prediction, other: Prediction) -> None:
    """One output, shaded by probability, with its numbers."""
    unit = saved_models.unit(saved_models.task_of(name))
    own, reference = (read(from_prediction(name, one), unit) for one in (prediction, other))
    words = answer_view.word_records(own, reference)
    shaded_words.show(words, key=f"target.{key}.{name}", nothing="(wrote nothing)")
    st.caption(_numbers(prediction, "your target" if key == "own" else "its own answer"))
    notes = list(prediction.notes)
    if UNKNOWN in prediction.target_pieces:
        count = prediction.target_pieces.count(UNKNOWN)
        tokens = "token" if count == 1 else "tokens"
        notes.append(f"{count} {tokens} that the model cannot write, scored as {UNKNOWN}.")
    for note in notes:
        st.caption(f":material/info: {plain(note)}")


def _numbers(prediction: Prediction, other: str) -> str:
    return (
        f"Log-probability {nats(total(prediction))}, {nats(per_piece(prediction))} a token, "
        f"perplexity {perplexity(prediction):,.2f}. Underlined: different in {other}."
    )


def perplexity(prediction: Prediction) -> float:
    """Among how many equally likely tokens the model chose, on average: exp(-mean log p)."""
    return math.exp(min(-per_piece(prediction), 700.0))


def verdict(model: str, own: Prediction, yours: Prediction) -> str:
    """Which of the two the model prefers, and by how much, in plain text."""
    if own.text == yours.text:
        return f"{model} would have written exactly that: log-probability {nats(total(yours))}."
    gap = total(yours) - total(own)
    mean = per_piece(yours) - per_piece(own)
    better = "your target" if gap > 0 else "its own answer"
    said = f"{model} prefers {better}, {times(abs(gap))} likelier as a whole"
    if (gap > 0) == (mean > 0):
        said += f", and {times(abs(mean))} per token."
    else:
        longer = "your target" if mean > 0 else "its own answer"
        said += f"; but per token, which ignores the length, {longer} is likelier."
    if gap > 0:
        said += f" Its search did not find it: it wrote {quoted(own.text)}."
    return said


def times(gap: float) -> str:
    """A difference of log-probabilities as a ratio of probabilities."""
    if gap > math.log(1e6):
        return f"more than a million times (e^{gap:.1f})"
    return f"{math.exp(gap):,.{2 if gap < 2 else 0}f} times"


def records(
    reading: Reading, prediction: Prediction, candidates: Candidates, unit: str
) -> list[dict[str, Any]]:
    """Each word (or token, for `unit` "character") of the target, a record each.

    `rank` is the worst of its tokens', `rather` what the model would have put there, with the
    word's tokens before it; nothing where every token was the model's own choice.
    """
    found = []
    for label, (a, b) in zip(reading.target, spans_of(prediction.target_pieces, unit), strict=True):
        ranks = candidates.rank[a:b]
        worst = a + int(ranks.argmax())
        log_prob = float(prediction.log_probs[a:b].sum())
        begun = prediction.target_pieces[a:worst]
        rather = [
            f"{_joined([*begun, piece])} ({answer_view.percent(float(probability)).lower()})"
            for piece, probability in zip(
                candidates.pieces[worst][:3], candidates.probabilities[worst], strict=False
            )
            if piece != prediction.target_pieces[worst]
        ]
        rank = int(ranks.max())
        found.append(
            {
                "unit": label,
                "log_prob": round(log_prob, 4) + 0.0,
                "probability": round(math.exp(min(log_prob, 0.0)), 4),
                "rank": rank,
                "rather": ", ".join(rather[:2]) if rank > 1 else "",
            }
        )
    return found


def _joined(pieces: Sequence[str]) -> str:
    """Tokens as text, the end of the text by its name."""
    text = spell([piece.replace(END, END_LABEL) for piece in pieces])
    return text.replace(WORD_START, " ").strip() or "␣"


def surprises(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where the model would have gone on otherwise, in plain text."""
    odd = [row for row in rows if row["rank"] > 1]
    if not odd:
        return "Nowhere: every step was the model's first choice."
    worst = min(odd, key=lambda row: row["log_prob"])
    steps = "one step" if len(odd) == 1 else f"{len(odd)} steps"
    said = f"At {steps} of {len(rows)} it would have continued differently, "
    said += f"most clearly at {quoted(worst['unit'])} (choice number {worst['rank']:,})"
    return f"{said}; it would have preferred {worst['rather']}." if worst["rather"] else said


def _map(answer: Answer, unit: str) -> None:
    """Where the model looked while it was made to write the target."""
    st.header("Where it would look", anchor=False)
    kinds = [kind for kind in answer_view.KIND_LABELS if kind in answer.attention]
    which = Which()
    if kinds:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            kind = widgets.map_kind(kinds)
            shape = answer.attention[kind].shape[:2]
            layer, head = (
                widgets.layer_or_head(name, count, all_of_them="Mean of all", width=150)
                for name, count in zip(("layer", "head"), shape, strict=True)
            )
            which = Which(kind, layer, head)
    answer_view.attention(answer, read(answer, unit), which)


def _all(names: Sequence[str], text: str, target: str, beams: int) -> None:
    """The target by every model: the words as each expected them, and a table."""
    rows = []
    for name, column in widgets.columns(names).items():
        with column:
            answer_view.heading(name)
            own, yours = interpretation.predict(name, text, beams), _forced(name, text, target)
            if own is None or yours is None:
                continue
            _words(name, "all", yours[0], own)
            links.look_closer(name, text, yours[0].text, here="score_your_text")
            st.caption(plain(verdict(saved_models.label(name), own, yours[0])))
            rows.append(model_record(name, own, yours[0]))
    if not rows:
        return
    st.dataframe(
        [{header: row[field] for field, header in ALL_COLUMNS.items()} for row in rows],
        hide_index=True,
        column_config={
            header: st.column_config.NumberColumn(format="%.2f")
            for field, header in ALL_COLUMNS.items()
            if field not in ("model", "answer")
        },
        alt="Log-probability of your target and of its own answer, by model",
    )
    st.download_button(
        "Numbers (CSV)",
        data=lambda: figures.as_csv(rows),
        file_name="your-target.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def model_record(name: str, own: Prediction, yours: Prediction) -> dict[str, Any]:
    """What the table of all models says about one."""
    return {
        "model": saved_models.label(name),
        "yours": round(total(yours), 4) + 0.0,
        "per_piece": round(per_piece(yours), 4) + 0.0,
        "perplexity": round(perplexity(yours), 4) + 0.0,
        "own": round(total(own), 4) + 0.0,
        "own_per_piece": round(per_piece(own), 4) + 0.0,
        "answer": own.text,
    }
