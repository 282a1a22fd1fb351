"""attention.json: what is chosen and where it is reported, the file's shape, the command line."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from tests.training import training_runs
from tests.zoo import tiny_models
from training import score_attention, tasks
from training.attention import alignment_scores, behaviour_scores, gold_alignments
from training.attention.alignment_scores import Counted
from training.attention.entries import figure
from training.attention.gold_alignments import AlignedPair
from training.data.download import DownloadError
from training.metrics import text as metrics
from training.tasks import dates
from zoo.interpret import alignment, attention_metrics, faithfulness, head_ablation
from zoo.interpret.alignment import Gold
from zoo.interpret.attribution import Attribution
from zoo.prediction import Prediction

PAIRS = [("tom sees .", "tomás ve ."), ("tom .", "tomás .")]
EXAMPLES = [("Tom sees.", "Tomás ve."), ("Tom", "Tomás"), ("my red", "mi rojo")]


class Sentences(tasks.Task):
    """The made-up sentences of the nano models."""

    unit, metric = "word", "chrf"
    max_source_length = max_target_length = 24

    def __init__(self, name: str):
        self.name = name

    def examples(self, split):
        return [tasks.Example(read, (written,)) for read, written in EXAMPLES * 2]

    def tokenizers(self):
        return {}

    def provenance(self):
        return tasks.Provenance("made up", "", "0" * 64, "CC0", "", "")

    def figures(self, predictions, examples):
        return {"chrf": metrics.chrf(predictions, [e.references for e in examples])}

    def showcase(self):
        return []


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with a golden collection of two sentences and one that no model can spell."""
    root = tmp_path_factory.mktemp("data")
    rows = [
        {"src_words": a.split(), "tgt_words": b.split(), "alignment": [[0, 0], [1, 1]]}
        for a, b in [*PAIRS * 2, ("tom sees", " ".join("xyz" * 30))]
    ]
    for part, some in (("train", rows[:3]), ("valid", rows[3:])):
        path = root / gold_alignments.GOLDEN / f"es_golden.{part}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def measured(data, tmp_path_factory):
    """What is measured of a random Transformer, its gold being there."""
    # everything is of one padded size: each more is compiled anew
    path = tmp_path_factory.mktemp("models") / "transformer"
    tiny_models.folder(path, max_source_length=8, max_target_length=8)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ZOO_DATA_DIR", str(data))
        patched.setattr(behaviour_scores, "_metric", no_metric)  # which has a test of its own
        steps: dict[str, int] = {}

        def step(name: str, total: int):
            steps[name] = -total
            return lambda done: steps.update({name: steps[name] + done})

        loaded = zoo.load(path)
        found = score_attention.measure(
            loaded, Sentences("made-up/en-es"), limit=5, resamples=20, step=step
        )
    return loaded, found, steps


def no_metric(loaded, task, examples, resamples, seed, tell) -> dict:
    for _ in head_ablation.outages(loaded.attention_heads):
        tell(1)
    zeros = {kind: np.zeros(size).tolist() for kind, size in loaded.attention_heads.items()}
    per_head = {kind: dict.fromkeys(("value", "low", "high"), v) for kind, v in zeros.items()}
    return figure({}, per_head, metric=task.metric)


class Mute:
    """Answers without attention, and is surest of "b" while "y" is there to read."""

    name, attention_heads = "mute", {}

    def predict(self, texts):
        pieces = ["▁x", "▁y", "▁z", "</s>"], ["▁a", "▁b", "</s>"]
        return [Prediction("a b", *pieces, np.zeros(3, "float32")) for _ in texts]


def made_up_attribution(loaded, prediction):
    scores = np.zeros((3, 4), "float32")
    scores[1, 1] = 1.0
    return Attribution("gradient", prediction.source_pieces, prediction.target_pieces, scores)


def made_up_scorer(loaded, prediction, sides, how):
    assert how == "removed"
    return lambda hidden: np.stack([np.full(len(hidden), -1.0), -1.0 - hidden[:, 1]], axis=1)


def test_words_become_sentences_and_keep_their_links():
    assert alignment_scores.joined("Are there any comments ?".split()) == "Are there any comments?"
    assert alignment_scores.joined("( ¿ Hay , a las 12.30 ? )".split()) == "(¿Hay, a las 12.30?)"
    assert (
        alignment_scores.joined("it 's the members ' house .".split()) == "it's the members' house."
    )
    pair = alignment_scores._as_sentences(AlignedPair(("yes",), ("¿", "sí", "no"), Gold({(0, 1)})))
    assert (pair.source, pair.target) == (("Yes",), ("¿", "Sí", "no"))
    assert pair.gold.sure == {(0, 1)}


def test_every_task_with_true_alignments_is_held_against_them(monkeypatch):
    from training import tasks
    from training.tasks import contacts

    monkeypatch.setattr(contacts.Contacts, "provenance", Sentences.provenance)
    gold = alignment_scores.gold_set(tasks.get("contacts"), 5)
    assert gold.name == "contacts, test split" and len(gold.pairs) == 5
    assert all(pair.gold.sure for pair in gold.pairs)
    assert alignment_scores.gold_set(tasks.get("pronounce"), 5) is None


def test_dates_ask_only_about_what_comes_from_somewhere(monkeypatch):
    # whose checksum is over all 200,000 dates
    monkeypatch.setattr(dates.Dates, "provenance", Sentences.provenance)
    gold = alignment_scores.gold_set(dates.make("dates"), 5)
    assert gold.aligned_only and len(gold.pairs) == 5
    pair = gold.pairs[0]
    truth = np.zeros((1, 1, len(pair.target), len(pair.source)))
    for source, target in sorted(pair.gold.possible):
        truth[0, 0, target] = 0
        truth[0, 0, target, source] = 1.0
    dashes = [i for i, c in enumerate(pair.target) if c == "-"]
    truth[0, 0, dashes, 0] = 1.0  # a model has to look somewhere
    found = alignment_scores._candidates({"heads": {"written": truth}}, pair, True)
    counts = found["heads"]["argmax", "written", 0.0]

    assert alignment.aer(counts).item() == 0.0
    strict = alignment_scores._candidates({"heads": {"written": truth}}, pair, False)
    assert alignment.aer(strict["heads"]["argmax", "written", 0.0]).item() > 0.0


def test_the_best_head_is_chosen_on_one_half_and_reported_on_the_other():
    # |A & S|, |A & P|, |A|, |S| of two heads: the first is right on even sentences only, the
    # second on all of the odd and on half of the even ones.
    right, half, wrong = [2, 2, 2, 2], [1, 1, 2, 2], [0, 0, 2, 2]
    rows = [[[right, half]], [[wrong, right]]] * 3
    counts = {
        "heads": {("argmax", "written", 0.0): np.array(rows, "float64")},
        "diagonal": {("diagonal", "written", 0.0): np.array([[[half]]] * 6, "float64")},
    }
    found = alignment_scores.report(Counted(counts), resamples=50)
    best = found["aer"]["overall"]["best_head"]
    assert (best["layer"], best["head"], best["value"]) == (0, 0, 1.0)  # of the odd ones
    assert found["precision"]["overall"]["best_head"]["value"] == 0.0
    assert (found["aer"]["chosen_on"], found["aer"]["reported_on"]) == (3, 3)
    assert found["aer"]["sentences"] == {"1": [0, 4], "3": [0, 4], "5": [0, 4]}
    # each head by itself is of all sentences: nothing was chosen
    assert found["aer"]["per_head"]["argmax written"]["value"] == [[0.5, 0.25]]
    (apart,) = found["aer"]["differences"]
    assert (apart["of"], apart["less"], apart["value"]) == ("best_head", "diagonal", 0.5)
    assert (apart["low"], apart["high"]) == (0.5, 0.5)
    numbered = alignment_scores.report(Counted(counts, {}, [0, 2, 3, 5, 7, 8]), resamples=5)
    assert list(numbered["aer"]["sentences"]) == ["2", "5", "8"]
    with pytest.raises(ValueError, match="halved"):
        one = {group: {k: v[:1] for k, v in each.items()} for group, each in counts.items()}
        alignment_scores.report(Counted(one), resamples=5)


def test_a_threshold_is_each_heads_own_from_the_first_half():
    right, wrong = [2, 2, 2, 2], [0, 0, 2, 2]
    counts = {
        ("threshold", "written", least): np.array([[[right if i == 1 else wrong]]] * 4, "float64")
        for i, least in enumerate(alignment_scores.LEASTS)
    }
    halves = np.array([0, 2]), np.array([1, 3])
    interval = alignment_scores.functools.partial(alignment_scores.bootstrap, resamples=5, seed=0)
    found = alignment_scores._per_head(counts, *halves, alignment_scores.alignment.aer, interval)
    assert found["threshold written"]["least"] == [[alignment_scores.LEASTS[1]]]
    assert found["threshold written"]["value"] == [[0.0]]


def test_the_file_says_all_of_itself_and_of_each_head(measured):
    loaded, found, steps = measured
    json.dumps(found, allow_nan=False)
    assert set(steps.values()) == {0}, steps
    gold = found["test_sets"]["gold"]
    assert (gold["name"], gold["examples"]) == ("golden-en-es", 4)
    assert sum(gold["skipped"].values()) == 1
    assert len(gold["sha256"]) == 64 and gold["licence"]
    layers, heads = loaded.attention_heads["cross"]
    names = (
        "aer",
        "precision",
        "recall",
        *attention_metrics.SCORES,
        "comprehensiveness",
        "sufficiency",
    )
    for name in (*names, "correlation", "importance", "importance_metric"):
        figure = found[name]
        assert figure["test_set"] in found["test_sets"]
        assert figure["per_head"], name
        for kind, entry in figure["per_head"].items():
            for part in ("value", "low", "high"):
                shape = np.array(entry[part], float).shape
                assert shape == loaded.attention_heads.get(kind, (layers, heads)), (name, kind)
        for entry in figure["overall"].values():
            assert entry["value"] is None or entry["low"] <= entry["value"] <= entry["high"]
    rows = {"best_head", "best_layer", "mean", "saliency", "diagonal"}
    assert set(found["aer"]["overall"]) == rows
    assert {"attention", "best_head", "gradient", "occlusion", "random"} == set(
        found["comprehensiveness"]["overall"]
    )
    assert set(found["entropy"]["per_head"]) == {"cross", "encoder", "decoder"}
    assert found["importance_metric"]["metric"] == "chrf"
    assert set(found["importance"]["together"]) == set(loaded.attention_heads)
    assert found["settings"] == {"limit": 5, "resamples": 20, "how": "unknown", "seed": 0}
    assert found["versions"]["python"] and found["device"] and found["date"]
    assert any(line.startswith("aer: best_head") for line in score_attention.summary(found))


def test_without_attention_saliency_is_graded_and_without_gold_the_reason_given(monkeypatch):
    monkeypatch.setattr(faithfulness, "scorer", made_up_scorer)
    monkeypatch.setattr(behaviour_scores, "attribute", made_up_attribution)
    task = Sentences("made-up")
    found = score_attention.measure(Mute(), task, limit=3, resamples=10, how="removed")
    assert found["map"] == "saliency" and found["notes"] == [score_attention.NO_ATTENTION]
    assert found["aer"] is None and found["reasons"]["aer"] == score_attention.NO_GOLD
    assert found["importance"] is None and found["heads"] == {}
    # the row of "b" looks at "y" alone, the other two (</s> is one) at four alike
    entropy = found["entropy"]["overall"]["saliency"]
    assert entropy == pytest.approx({"value": 4 / 3, "low": 4 / 3, "high": 4 / 3}, abs=1e-4)
    drop = (np.exp(-1) - np.exp(-2)) / 2  # of two words one moves
    needed = found["comprehensiveness"]
    assert needed["per_head"] == {}
    assert needed["overall"]["gradient"]["value"] == pytest.approx(drop, abs=1e-4)
    assert found["sufficiency"]["overall"]["gradient"]["value"] == 0.0
    apart = {d["less"]: d["value"] for d in needed["differences"]}
    assert set(apart) == {"occlusion", "random"} and apart["occlusion"] == 0.0 < apart["random"]


def test_missing_gold_is_told_before_anything_is_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    loaded = SimpleNamespace(name="x", heads={})
    with pytest.raises(DownloadError, match="no gold alignments"):
        score_attention.measure(loaded, Sentences("made-up/en-es"), limit=2)


def run(*arguments: object):
    return CliRunner().invoke(score_attention.app, [str(argument) for argument in arguments])


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Models that are named by their folder, and a measurement that is made up."""
    asked = []

    def measure(loaded, task, **settings):
        asked.append((loaded.name, settings["limit"]))
        if loaded.name == "broken":
            raise ValueError("no answer had a word")
        entry = {"value": 0.5, "low": 0.4, "high": 0.6}
        return {"name": loaded.name, "aer": {"overall": {"best_head": entry}}}

    def load(name):
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        return SimpleNamespace(name=name, path=path, config={"task": "dates"})

    monkeypatch.setattr(score_attention, "measure", measure)
    monkeypatch.setattr(zoo, "load", load)
    monkeypatch.setattr("training.distributed.devices.prepare", lambda threads: None)
    return asked


def test_a_file_beside_each_card_and_a_run_that_goes_on(quick, tmp_path):
    result = run("one", "broken", "two", "--limit", 7)
    assert result.exit_code == 2 and "error: no answer had a word" in result.output
    written = json.loads((tmp_path / "one" / "attention.json").read_text())
    assert written["command"] == "python -m training.score_attention one --limit 7"
    assert "one: aer: best_head 0.500 (0.400 to 0.600)" in result.output
    assert list((tmp_path / "broken").iterdir()) == []
    result = run("one", "two", "--missing")
    assert result.exit_code == 0 and "one: there already" in result.output
    assert quick == [("one", 7), ("broken", 7), ("two", score_attention.LIMIT)]
    out = tmp_path / "elsewhere.json"
    assert run("one", "--out", out).exit_code == 0 and out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a model"),
        (["one", "two", "--out", "x.json"], "--out is for one model"),
        (["one", "--how", "gone"], "Received: 'gone'"),
    ],
)
def test_wrong_use_is_one_line(quick, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2 and message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_help_loads_no_framework():
    found = training_runs.help_without_frameworks("score_attention")
    for option in ("--limit", "--resamples", "--out", "--threads", "--missing"):
        assert option in found


def test_the_metric_lost_is_of_the_same_examples(monkeypatch):
    """A head without which every second answer is wrong costs half of what is right."""
    task = Sentences("made-up")
    task.metric = "exact_match"
    monkeypatch.setattr(
        Sentences,
        "figures",
        lambda self, texts, examples: {
            "exact_match": metrics.exact_match(texts, [e.references for e in examples])
        },
    )
    examples = [tasks.Example(f"{i}", (f"{i}!",)) for i in range(10)]

    def predict_without(model, texts, off, beams, attention):
        wrong = bool(off) and off[0].head == 1
        return [SimpleNamespace(text="?" if wrong and int(t) % 2 else f"{t}!") for t in texts]

    monkeypatch.setattr(behaviour_scores, "predict_without", predict_without)
    model = SimpleNamespace(attention_heads={"cross": (1, 2)})
    found = behaviour_scores._metric(model, task, examples, 200, 0, lambda done: None)
    assert found["whole"] == 100.0
    cross = found["per_head"]["cross"]
    assert cross["value"] == [[0.0, 50.0]]
    assert cross["low"][0][0] == cross["high"][0][0] == 0.0
    assert 0 < cross["low"][0][1] < 50 < cross["high"][0][1] <= 100
