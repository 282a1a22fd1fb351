"""The Scores page: files whole, missing and damaged, and readings that follow the intervals."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from apps import saved_models
from apps.charts import base as charts
from apps.charts import scores as score_charts
from apps.sections import attention_score_data as results
from apps.sections import attention_score_text
from apps.sections.attention_score_data import Measured
from tests.apps import app_runner, fake_saved_models


def number(value: float, width: float = 0.05) -> dict[str, float]:
    return {"value": value, "low": value - width, "high": value + width}


def grid(value: float, width: float = 0.05, size: tuple[int, int] = (2, 2)) -> dict[str, Any]:
    """Every head a little better than the one before."""
    layers, heads = size
    return {
        part: [
            [number(value + (i * heads + j) / 10, width)[part] for j in range(heads)]
            for i in range(layers)
        ]
        for part in ("value", "low", "high")
    }


def apart(of: str, **less: float) -> list[dict[str, Any]]:
    return [{"of": of, "less": other, **number(value, 0.02)} for other, value in less.items()]


def attention(family: str, error: float = 0.3) -> dict[str, Any]:
    """A made-up attention.json."""
    sizes = {
        "transformer": {"cross": (2, 2), "encoder": (2, 2)},
        "lstm-bahdanau": {"cross": (1, 1)},
    }
    heads = sizes.get(family, {})
    size = heads.get("cross")
    row, of = ("best_head", "attention") if heads else ("saliency", "gradient")
    chosen = {"layer": 1, "head": 0, "rule": "argmax", "position": "read"}
    rationales = dict.fromkeys(
        ("gradient", "random", *(("attention",) if heads else ())), number(0.4)
    )

    def per_head(**kinds: tuple[float, float]) -> dict[str, Any]:
        return {kind: grid(*of, heads[kind]) for kind, of in kinds.items() if kind in heads}

    figure: dict[str, Any] = {"test_set": "test", "per_head": {}, "differences": []}
    needed = figure | {"overall": rationales, "per_head": per_head(cross=(0.1, 0.05))}
    found = {
        "format": 1,
        "heads": {kind: list(size) for kind, size in heads.items()},
        "test_sets": {
            "gold": {
                "name": "golden-*x*",
                "examples": 40,
                "skipped": {"too long": 2},
                "sha256": "ab" * 32,
            },
            "test": {"name": "a test split", "examples": 30, "licence": "CC0"},
        },
        "aer": {
            "test_set": "gold",
            "overall": {row: number(error) | chosen, "diagonal": number(0.6)},
            "per_head": {"argmax written": grid(0.5, 0.05, size)} if size else {},
            "differences": apart(row, diagonal=error - 0.6),
            "chosen_on": 20,
            "reported_on": 20,
        },
        "comprehensiveness": needed | {"differences": apart(of, random=0.2, gradient=0.1)},
        "sufficiency": needed | {"differences": apart(of, random=-0.2, gradient=0.1)},
        "correlation": figure | {"overall": {of: number(0.45)}},
        "importance": figure
        | {
            "overall": {kind: number(0.4 if kind == "cross" else 0.1) for kind in heads},
            "per_head": per_head(cross=(0.3, 0.05), encoder=(-0.1, 0.05)),
            "together": {"cross": number(5.0)},
        },
        "importance_metric": figure
        | {"metric": "bleu", "whole": 40.5, "per_head": per_head(cross=(1.0, 0.5))},
        "entropy": figure | {"overall": {kind: number(1.0) for kind in heads or ("saliency",)}},
        "notes": [] if heads else ["No *attention*."],
        "date": "2026-01-02",
        "device": "a test computer",
        "command": f"python -m training.score_attention x-{family}",
    }
    return found


def put(root, name: str, **changes: Any) -> None:
    family = saved_models.family_of(name)
    fake_saved_models.write(root / name / "attention.json", attention(family) | changes)


@pytest.fixture
def graded(shelf):
    for name in saved_models.models("en-es"):
        put(shelf, name)
    return shelf


def open_scores(**params) -> AppTest:
    return app_runner.opened("attention_scores", **params)


def said(at: AppTest) -> str:
    return app_runner.said(at).replace("\\", "")


def test_every_figure_has_its_test_set_and_command(graded):
    at = open_scores()
    assert not at.exception
    assert not at.error
    assert not at.info
    text = said(at)
    for name in saved_models.models("en-es"):
        assert f"`python -m training.score_attention x-{saved_models.family_of(name)}`" in text
    assert "golden-*x*, 40 examples, 2 left out; what is chosen was chosen on 20" in text
    assert "SHA-256 abababababab" in text
    assert "commit" not in text and "No *attention*. `python -m" in text
    assert "a test split, 30 examples; licence: CC0; a test computer; 2026-01-02" in text
    for frame in at.dataframe[2:]:  # the first two are of all measures at once
        line = frame.value.to_dict("records")[0]
        assert line.get("command", "x").startswith("python -m") or "kind" in line
    table = at.dataframe[0].value.to_dict("records")
    assert [line["Model"] for line in table] == [
        saved_models.label(n) for n in saved_models.models("en-es")
    ]
    assert table[-1]["Alignment error rate ↓"] == 0.3
    whole = at.dataframe[1].value.to_dict("records")
    assert whole[-1]["Alignment error rate ↓"] == "0.300 (0.250 to 0.350)"
    assert [line["Heads of use"] for line in table[2:]] == ["1 of 1", "6 of 8"]


def test_a_link_chooses_task_measures_and_model(graded):
    at = open_scores(grade="Alignment error rate", faithful="Sufficiency", task="Translation")
    assert not at.exception
    assert at.selectbox(key="scores/grade").value == "aer"
    assert at.selectbox(key="scores/faithful").value == "sufficiency"
    assert "Most looked at" in [one.value for one in at.subheader]
    at.selectbox(key="scores/grade").set_value("importance").run()
    assert "Input on itself" in [one.value for one in at.subheader]
    at.selectbox(key="scores/grade").set_value("importance_metric").run()
    assert "In BLEU; with all heads it is 40.5." in said(at)
    assert not open_scores(grade="nothing").exception


def test_nothing_measured_is_said_with_the_command(shelf):
    at = open_scores(task="Dates")
    assert not at.exception
    names = " ".join(saved_models.models("dates"))
    assert f"`python -m training.score_attention {names}` does it" in said(at)
    assert not at.header
    assert not at.subheader


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"aer": 3, "importance": {"per_head": {"cross": {"value": [[1]], "low": 2}}}}',
        '{"aer": {"overall": [1]}, "heads": {"cross": "many"}, "sufficiency": {"overall": {}}}',
        '{"aer": {"overall": {"best_head": {"value": null, "low": "x", "high": 1}}}}',
    ],
)
def test_damaged_files_leave_the_others(graded, content):
    (graded / "en-es-transformer" / "attention.json").write_text(content, encoding="utf-8")
    at = open_scores()
    assert not at.exception
    assert "**LSTM + attention**: alignment error rate 0.300" in said(at)


def test_without_gold_the_reason_is_given(shelf):
    for name in saved_models.models("pronounce"):
        put(shelf, name, aer=None, reasons={"aer": "Nobody *knows*."})
    at = open_scores(task="Pronunciation")
    assert not at.exception
    assert [one.value for one in at.info] == [r"Nobody \*knows\*\."]


def test_an_aligner_is_called_better_only_where_the_interval_says_so(shelf):
    name = "en-es-transformer"
    for difference, words in (
        (-0.3, "better than the diagonal, which looks at no model, by 0.300 (0.280 to 0.320)"),
        (0.3, "worse than the diagonal, which looks at no model, by 0.300 (0.280 to 0.320)"),
        (0.01, "not told apart from the diagonal, which looks at no model (difference 0.010"),
    ):
        aer = attention("transformer")["aer"]
        aer["differences"] = apart("best_head", diagonal=difference)
        put(shelf, name, aer=aer)
        assert words in attention_score_text.aligner(name)
    assert "layer 2, head 1, argmax, a step later" in attention_score_text.aligner(name).replace(
        "\\", ""
    )


def test_two_models_are_told_apart_only_where_their_intervals_are(shelf):
    one, other = "en-es-lstm-bahdanau", "en-es-transformer"
    put(shelf, other)
    for error, words in (
        (0.15, "**LSTM + attention** is the better aligner: "),
        (0.45, "The best head of **Transformer** is the better aligner: "),
        (0.35, "Which of the two is the better aligner cannot be told: "),
    ):
        put(shelf, one, aer=attention("lstm-bahdanau", error)["aer"])
        assert words in attention_score_text.best_aligner(one, other)
    assert attention_score_text.best_aligner(one, "en-es-lstm") == ""


def test_two_models_are_compared_on_the_sentences_they_share(shelf):
    one, other = "en-es-lstm-bahdanau", "en-es-transformer"
    # errors of 0.2 and 0.5 of each sentence, and one sentence that only one of them could read
    for name, right in ((one, 8), (other, 5)):
        rows = {str(place): [right, 10] for place in range(1, 21, 2)}
        rows |= {"99": [0, 10]} if name == other else {}
        put(
            shelf,
            name,
            aer=attention(saved_models.family_of(name))["aer"] | {"sentences": rows},
        )
    apart, count = results.error_difference(one, other)
    assert count == 10
    assert [apart.value, apart.low, apart.high] == pytest.approx([-0.3] * 3)
    # their own intervals overlap, and yet
    text = attention_score_text.best_aligner(one, other)
    assert "**LSTM + attention** is the better aligner: " in text
    assert "on the same 10 examples they differ by −0.300 (−0.300 to −0.300)" in text
    assert (
        "The best head of **LSTM + attention** is the better"
        in attention_score_text.best_aligner(other, one)
    )
    for damaged in ({}, {"1": "x"}, {"1": [1]}, {"1": [None, 2]}, [1], {"1": [0, 0]}):
        put(shelf, one, aer=attention("lstm-bahdanau")["aer"] | {"sentences": damaged})
        assert results.error_difference(one, other) is None
    same = {"sentences": {"1": [8, 10]}}
    for changes, count in (
        ({}, 1),
        ({"settings": {"limit": 5}}, None),
        ({"test_sets": {"gold": {"name": "another set"}}}, None),
    ):
        put(shelf, one, aer=attention("lstm-bahdanau")["aer"] | same)
        put(shelf, other, aer=attention("transformer")["aer"] | same, **changes)
        found = results.error_difference(one, other)
        assert (found and found[1]) == count


def test_heads_are_counted_by_their_intervals(graded):
    text = attention_score_text.heads("en-es-transformer")
    # encoder −0.1, 0.0, 0.1, 0.2 and cross 0.3 to 0.6, each ± 0.05
    assert "6 of 8 heads are of use by themselves; 1 could each be left out" in text
    assert "without 1 of them the right answers would be likelier" in text
    assert (
        "0.600 (0.550 to 0.650) nats a token, is that of Output on input, layer 2, head 2" in text
    )
    assert "On average a head of “Output on input” matters most" in text
    assert "all heads of a kind off at once: Output on input 5.000 (4.950 to 5.050)." in text
    assert "at once" not in attention_score_text.heads("en-es-lstm-bahdanau")
    assert "Its only head is of use" in attention_score_text.heads("en-es-lstm-bahdanau")
    assert (
        attention_score_text.heads("en-es-lstm") == attention_score_text.useful("en-es-lstm") == ""
    )


def test_an_explanation_is_judged_by_both_tests(graded):
    text = attention_score_text.explanation("en-es-transformer")
    assert "By both tests it explains better than as many chosen by chance." in text
    # more needed than what the gradient names (0.1), but less enough (0.1)
    assert "by what was needed it explains better, by what was enough worse than gradient" in text
    assert "Its order partly agrees with that of occlusion: rank correlation 0.450" in text
    assert "**LSTM**, by its saliency." in attention_score_text.explanation("en-es-lstm")
    for value, words in ((0.01, "has nothing to do"), (-0.7, "strongly opposes")):
        put(
            graded,
            "en-es-transformer",
            correlation={"overall": {"attention": number(value)}},
            sufficiency=attention("transformer")["sufficiency"]
            | {"differences": apart("attention", random=0.01)},
        )
        text = attention_score_text.explanation("en-es-transformer")
        assert words in text
        assert "better, by what was enough no better and no worse than as many" in text


def test_charts_are_drawn():
    rows = [
        {"what": what, "model": model, **number(0.4)}
        for what in ("Best head", "Diagonal")
        for model in (*charts.FAMILY_COLOURS, score_charts.NO_MODEL)
    ]
    cells = [
        {"layer": i + 1, "head": j + 1, **number(i / 2 - j / 3)} for i in range(3) for j in range(4)
    ]
    drawn = score_charts.intervals(rows, title="AER", order=["Diagonal", "None", "Best head"])
    for chart in (
        drawn,
        score_charts.heads(cells, title="Loss", domain=(0.0, 1.0)),
        score_charts.heads(cells, title="AER", domain=(0.0, 0.0), higher_is_better=False),
    ):
        assert charts.picture(chart, "svg").startswith("<svg")
    assert drawn.to_dict()["layer"][0]["encoding"]["y"]["sort"] == ["Diagonal", "Best head"]
    spec = score_charts.heads(cells, title="AER", domain=(-1, 1), higher_is_better=False).to_dict()
    ramp = spec["layer"][0]["encoding"]["color"]["scale"]["range"]
    assert ramp == list(reversed(charts.RAMP))
    inks = {cell["value"]: cell["ink"] for cell in next(iter(spec["datasets"].values()))}
    assert inks[-1.0] == "#ffffff" and inks[1.0] == "#000000"


def test_intervals_are_compared_by_their_ends():
    low, high = Measured(0.2, 0.1, 0.3), Measured(0.5, 0.4, 0.6)
    assert high.above(low) and not low.above(high) and not high.above(high)
    assert str(low) == "0.200 (0.100 to 0.300)"
