"""The Learn page: every chapter on tiny random networks and without any, and what it computes."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import zoo
from apps import interpretation
from apps.lessons import (
    bottleneck,
    causal,
    cross_attention,
    explanation,
    lesson,
    memory,
    order,
    parallelism,
    positions,
    pretraining,
    shared_views,
    versatility,
)
from apps.sections import speed_curves, speed_data
from apps.views.learn import CHAPTERS
from tests import thorough
from tests.apps import app_runner, fake_benchmarks, fake_language_models, fake_saved_models
from zoo import interpret
from zoo.runtime import backend

NAMES = [chapter.__name__.rpartition(".")[2] for chapter in CHAPTERS]
ON_SHIPPED = ("tokens", "versatility", "explanation")
"""Chapters that look at forecasters and classifiers, of which the translators' folder has none."""
TEXT = "the cat sleeps"
# By chapter, the query parameters that give every view the same short sentence: few programs.
SENTENCES = {
    "memory": "memory.text",
    "order": "order.text",
    "spotlight": "spotlight.text",
    "self_attention": "self.text",
    "cross_attention": "cross.text",
    "heads": "heads.text",
    "positions": "positions.text",
    "pretraining": "pretraining.text",
    "causal": "causal.text",
}


CHANGES = [
    ("memory", {"memory.begin": "3 My father"}),
    ("bottleneck", {"bottleneck.clauses": "1"}),
    ("spotlight", {"spotlight.force": "1 the"}),
    ("self_attention", {"self.rollout": "true"}),
    ("self_attention", {"self.who": "a-decoder"}),
    ("cross_attention", {"cross.layer": "2", "cross.head": "1"}),
    ("heads", {"heads.off": "true", "heads.layer": "2", "heads.head": "All of the layer"}),
    ("positions", {"positions.hand": "3", "positions.place": "5"}),
    ("parallelism", {"parallel.length": "512"}),
    ("causal", {"causal.word": "3 e", "causal.layer": "2", "causal.other": "the cow"}),
]
"""A chapter, and what is changed in its address: some only if `--thorough`."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A saved_models whose translators really answer, and results of benchmarks."""
    root = fake_saved_models.make(tmp_path_factory.mktemp("learn") / "saved_models")
    fake_saved_models.make_networks(root, "en-es")
    fake_language_models.make_shakespeare(
        root, text=fake_language_models.TEXT + causal.SENTENCE * 2
    )
    for config in root.glob("en-es-*/config.json"):  # random networks never end by themselves
        values = json.loads(config.read_text(encoding="utf-8")) | {"max_target_length": 6}
        fake_saved_models.write(config, values)
    return root, fake_benchmarks.make(root.parent / "benchmarks")


@pytest.fixture
def networks(folders, monkeypatch):
    """These folders, their networks not compiled: so tiny, that is ten times as quick."""
    monkeypatch.setattr(backend, "compiled", uncompiled)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(folders[0]))
    monkeypatch.setenv("ZOO_BENCHMARKS", str(folders[1]))
    monkeypatch.setattr(
        bottleneck,
        "CLAUSES",
        (fake_saved_models.SENTENCES["en-es"], fake_saved_models.SECOND["en-es"]),
    )


def uncompiled(model, function, **static):
    import keras

    def program(*tensors):
        tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, tensors)
        return function(model, *tensors, **static)

    return program


def open_chapter(name: str, **params: str) -> AppTest:
    def script():
        from apps.views import learn

        learn.render()

    at = AppTest.from_function(script, default_timeout=120)
    at.query_params["chapter"] = str(NAMES.index(name) + 1)
    if name in SENTENCES:
        at.query_params[SENTENCES[name]] = TEXT
    if name == "pretraining":
        at.query_params["pretraining.beginning"] = "el gato"
    at.query_params.update(params)
    return at.run()


def said(at: AppTest) -> str:
    elements = [*at.caption, *at.markdown, *at.info, *at.error, *at.header]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def charts(at: AppTest) -> list[str]:
    """The specification and the data of every chart on the page."""
    return [str(one.proto) for one in at.get("vega_lite_chart")]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ON_SHIPPED])
def test_the_address_opens_a_chapter_with_its_live_view(networks, name):
    at = open_chapter(name)
    assert not at.exception
    assert not at.error
    assert not at.info
    chapter = CHAPTERS[NAMES.index(name)]
    assert at.header[0].value == f"{NAMES.index(name) + 1}. {chapter.TITLE}"
    assert [one.label for one in at.expander][-2:] == ["The answer", "The papers"]
    assert len(at.slider) + len(at.select_slider) + len(at.selectbox) + len(at.text_input)


def test_what_a_token_is_can_be_seen_without_the_data(monkeypatch, tmp_path):
    """On the shipped forecasters and the stretches that are stored beside their floor."""
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    at = open_chapter("tokens")
    assert not at.exception and not at.error and not at.info
    table = at.dataframe[0].value
    assert list(table["Model"]) == [
        "Transformer, points",
        "Transformer, patches",
        "Transformer, series",
        "Ridge (NLinear)",
    ]
    assert "336 tokens" in said(at)


@pytest.mark.parametrize("reads", ["words", "a-picture", "a-series"])
def test_one_block_reads_words_pictures_and_series(reads, monkeypatch):
    monkeypatch.setattr(versatility, "PRETRAINED", "not installed")
    at = open_chapter("versatility", **{"versatility.reads": reads})
    assert not at.exception and not at.error and not at.info
    table = next(one.value for one in at.dataframe if "Network" in one.value)
    assert [name.split(" (")[0] for name in table["Network"]] == ["BERT", "ViT", "Transformer"]
    assert list(table["Tokens"])[1:] == [17, 6]  # 4 x 4 patches and one in front; 24 hours by 4
    assert "takes it for" in said(at) and "is above its floor in" in said(at)
    assert bool(charts(at)) == (reads != "words")
    assert len(at.get("bidi_component")) == (reads == "words") + 1  # and what scrolls to the top


def test_where_a_network_is_above_its_floor_is_counted():
    rows = [
        versatility.Line("Words", None, "A", 80.0, "F", 82.0),
        versatility.Line("A picture", 17, "B", 97.0, "F", 95.5),
        versatility.Line("A series", 6, "C", None, "F", 95.5),
    ]
    assert versatility.verdict(rows) == (
        "The network is above its floor in 1 of 2 cases: B (97.0 beside 95.5 %)."
    )
    assert versatility.verdict(rows[2:]) == ""
    assert versatility.verdict(rows[:1]) == "The network is above its floor in 0 of 1 cases."


def test_attention_is_compared_with_what_leaving_words_out_does():
    at = open_chapter("explanation", **{"explanation.text": "a dull film but <b>wonderful</b>"})
    assert not at.exception and not at.error and not at.info
    table = at.dataframe[0].value
    assert list(table["Asked by"]) == list(explanation.WAYS.values())
    assert "Leaving out" in said(at)
    single = open_chapter("explanation", **{"explanation.text": "dull"})
    assert not single.exception and "nothing to compare" in said(single)


def test_what_is_said_of_attention_as_explanation_follows_the_scores():
    words = ["not", "a", "film"]

    def told(attention, gradient, occlusion):
        scores = {"attention": attention, "gradient": gradient, "occlusion": occlusion}
        scores = {way: np.array(values) for way, values in scores.items()}
        rows = explanation.table(words, scores)
        return explanation.verdict(words, scores), rows

    text, rows = told([0.5, 0.3, 0.2], [-0.2, 0.0, 0.1], [1.0, 0.2, -0.1])
    assert "costs the answer most: 1.00 nats. Attention and the gradient name the same" in text
    assert [row["Names first"] for row in rows] == ["not"] * 3
    assert rows[0]["Same order as occlusion"] == 1.0 and rows[2]["Same order as occlusion"] is None
    text, rows = told([0.2, 0.6, 0.2], [0.0, 0.0, 0.1], [1.0, 0.001, -0.2])
    assert "Attention names “a”, without which it stays where it is" in text
    assert "the gradient “film”, without which it rises by 0.20" in text
    assert rows[1]["Falls by, nats"] == pytest.approx(-0.2)


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_without_models_and_measurements_says_so(monkeypatch, tmp_path, name):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    monkeypatch.setenv("ZOO_BENCHMARKS", str(tmp_path))
    at = open_chapter(name)
    assert not at.exception
    assert not at.error
    assert "needs models that are not in `saved_models/`" in said(at)
    assert CHAPTERS[NAMES.index(name)].LESSON.text.strip() in [one.value for one in at.markdown]


@pytest.mark.parametrize(("name", "params"), thorough.params(CHANGES, CHANGES[3:7]))
def test_a_change_shows_and_is_in_the_link(networks, name, params):
    before, after = open_chapter(name), open_chapter(name, **params)
    assert not after.exception
    assert not after.error
    assert view(before) != view(after)
    assert params.items() <= {key: str(value) for key, value in after.query_params.items()}.items()


def view(at: AppTest) -> list[str]:
    return [said(at), *charts(at), *(str(one.value) for one in at.metric), *components(at)]


def components(at: AppTest) -> list[str]:
    """What the page's own components were given."""
    return [str(one.proto) for one in at.get("bidi_component")]


def test_back_next_and_the_list_lead_through_the_chapters(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    at = open_chapter("memory")
    assert "learn/back" not in [one.key for one in at.button]
    at.button(key="learn/next").click().run()
    assert at.header[0].value == f"2. {order.TITLE}"
    assert at.query_params["chapter"] in ("2", ["2"])
    last = len(CHAPTERS)
    at.button(key=f"learn/all.{last}").click().run()
    assert at.header[0].value == f"{last}. {CHAPTERS[-1].TITLE}"
    assert "learn/next" not in [one.key for one in at.button]
    at.button(key="learn/back").click().run()
    assert at.header[0].value == f"{last - 1}. {CHAPTERS[-2].TITLE}"


@pytest.mark.parametrize("number", ["0", "15", "x", ""])
def test_a_chapter_that_does_not_exist_is_the_first(monkeypatch, tmp_path, number):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    at = open_chapter("memory", chapter=number)
    assert not at.exception
    assert at.header[0].value == f"1. {memory.TITLE}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_chapters_are_short_and_cite_what_they_list(chapter):
    words = chapter.LESSON
    assert 100 <= len(words.text.split()) <= 215
    assert words.question.strip().endswith("?")
    everything = " ".join((words.text, words.try_this, words.see, words.answer))
    for paper in words.papers:
        author = re.split(r"[ ,]", lesson.PAPERS[paper])[0]
        assert author in everything, paper
    cited = set(
        re.findall(r"([A-Z][\w-]+)(?: et al\.| and [A-Z]\w+)? \(?(?:19|20)\d\d", everything)
    )
    listed = " ".join(lesson.PAPERS[paper] for paper in words.papers)
    assert all(author in listed for author in cited), cited


@pytest.fixture(scope="module")
def transformer(folders):
    import zoo

    return zoo.load(folders[0] / "en-es-transformer")


class Rememberer:
    """Stands for a network that gives the right beginning `odds` nats more than the others."""

    def __init__(self, odds):
        self.odds, self.asked = odds, []

    def predict(self, texts, target, attention):
        assert not attention
        self.asked += texts
        translations = dict(next(iter(memory.BEGINNINGS.values())))
        found = []
        for text, one in zip(texts, target, strict=True):
            start = next(english for english in translations if text.startswith(f"{english} "))
            words = len(text.split())
            right = translations[start] == one
            found.append(SimpleNamespace(log_probs=np.array([right * self.odds(words), -99.0])))
        return found


def test_memory_is_the_share_of_the_right_beginning():
    beginnings = next(iter(memory.BEGINNINGS.values()))
    words = ["sleeps", "well"]
    perfect, empty = (Rememberer(lambda words, odds=odds: odds) for odds in (99.0, 0.0))
    assert memory.kept(perfect, beginnings, words) == pytest.approx([1.0, 1.0])
    assert memory.kept(empty, beginnings, words) == pytest.approx([1 / 8, 1 / 8])
    assert "My father sleeps well." in perfect.asked
    fading = memory.kept(Rememberer(lambda words: 8.0 / words), beginnings, words)
    assert 1 / 8 < fading[1] < fading[0] < 1


def test_what_is_said_of_memory_follows_the_lines():
    words = ["sleeps", "well"]

    def told(first, second):
        shares = {"Simple RNN": np.array(first), "LSTM": np.array(second)}
        return memory.told(shares, words, 1 / 8).replace("\\", "")

    text = told([0.6, 0.4], [0.9, 0.8])
    assert "After “sleeps” the right one of the beginnings gets 60 % from the Simple RNN" in text
    assert "after all 2 words 40 % and 80 %" in text
    assert "The LSTM remembers the beginning better after every word." in text
    assert "near chance" not in text
    text = told([0.9, 0.8], [0.6, 0.12])
    assert "The Simple RNN remembers the beginning better after every word." in text
    assert "The LSTM remembers the beginning better after 1 of 2 words." in told(
        [0.5, 0.5], [0.6, 0.5]
    )
    text = told([0.13, 0.13], [0.13, 0.13])
    assert "better" not in text
    assert text.count("is near chance throughout: it never learned to keep this.") == 2


def test_lines_have_marks_and_colours_of_their_own():
    rows = [
        {"model": model, "x": 1, "value": 0.5} for model in ("Simple RNN", "LSTM", memory.CHANCE)
    ]
    points = shared_views.lines(rows, x_title="x", y_title="y").to_dict()["layer"][1]
    for channel in ("color", "shape"):
        scale = points["encoding"][channel]["scale"]
        assert scale["domain"] == ["Simple RNN", "LSTM", memory.CHANCE]
        assert len(set(scale["range"])) == 3


def rows_of_map(at: AppTest) -> list[list[float]]:
    """The last table on the page that is a map."""
    frame = next(
        one.value
        for one in reversed(at.dataframe)
        if "" in one.value and len(one.value.columns) > 2
    )
    return frame.drop(columns="").to_numpy().tolist()


def test_the_map_shows_the_force_that_was_applied(networks):
    free = open_chapter("spotlight")
    where = rows_of_map(free)[0]
    other = int(np.argmin(where))
    chosen = free.selectbox(key="learn/spotlight.force").options[1 + other]
    forced = open_chapter("spotlight", **{"spotlight.force": chosen})
    assert not forced.exception
    assert where[other] < 0.9
    row = rows_of_map(forced)[0]
    assert row[other] == 1.0
    assert sum(row) == pytest.approx(1.0)
    text = said(forced)
    assert "The whole map under force, every step a row" in text
    assert f"Row 1 is forced to look at “{chosen.split(' ', 1)[1]}”" in text
    assert "Where it is forced to look as it writes this token" in text


def test_energies_of_all_steps_are_drawn_to_one_scale(networks, monkeypatch):
    real, found = interpretation.run, []

    def run(name, question, compute):
        answer = real(name, question, compute)
        if question[0] != "energies":
            return answer
        found.append(np.vstack([answer, answer[:1] + 7]))  # and a step that is not shown
        return found[-1]

    monkeypatch.setattr(interpretation, "run", run)
    axes = [
        spec["encoding"]["y"]
        for spec in app_runner.charts(open_chapter("spotlight"))
        if "y" in spec.get("encoding", {})
    ]
    (domain,) = [y["scale"]["domain"] for y in axes if y.get("title") == "energy"]
    energies = found[-1]
    assert domain == pytest.approx([min(energies.min(), 0), max(energies.max(), 0)])


def test_parallelism_starts_where_the_curves_have_run_apart(networks):
    at = open_chapter("parallelism")
    chosen = at.selectbox(key="learn/parallel.measure").value
    drawn = speed_data.curve_groups(fake_benchmarks.curves())
    spreads = {
        group[0]["title"]: np.ptp([one["exponent"] for one in speed_data.exponents(group)])
        for group in drawn.values()
        if group[0]["x"] == parallelism.AXIS
    }
    assert chosen == max(spreads, key=spreads.get)
    assert at.select_slider(key="learn/parallel.length").value == 2048
    assert "At 2,048 source tokens: the least is " in said(at)
    (spec,) = app_runner.charts(at)
    assert spec["layer"][0]["mark"]["type"] == "rule"  # the length, on the chart


def test_the_steepest_measure_follows_the_results():
    def group(*exponents):
        return [
            {"line": str(i), "exponent": one, "fitted": [1, 2]} for i, one in enumerate(exponents)
        ]

    assert speed_curves.steepest([group(1.0, 1.2), group(0.9, 1.9), group()]) == 1
    assert speed_curves.steepest([group(0.5, 2.0), group(0.9, 1.9)]) == 0
    assert speed_curves.steepest([]) == 0


def test_a_swap_moves_words_only_where_positions_are_told(transformer):
    pieces = transformer.read(TEXT).pieces
    told, blind = positions.moved(transformer, pieces, 0, 2)
    assert told.shape == blind.shape == (4,)
    assert (told > 1e-3).all()
    assert (blind < 1e-5).all()


def test_padding_changes_nothing(transformer):
    pieces = transformer.read(TEXT).pieces, ["▁el", "</s>"]
    assert order.padding(transformer, *pieces, 0) == 0
    assert order.padding(transformer, *pieces, 64) < 1e-4


def test_a_mixture_of_one_source_is_that_source(transformer, networks):
    [forced] = transformer.predict([TEXT], target=["el gato"])
    step = len(forced.target_pieces) - 1
    found = interpret.candidates(transformer, forced, k=pretraining.SHOWN)
    alone = pretraining.mixture(transformer, (TEXT,), "el gato")
    assert [one for _, one in alone.candidates] == pytest.approx(
        found.probabilities[step].tolist(), abs=1e-4
    )
    assert alone.counting == pytest.approx(1)
    twice = pretraining.mixture(transformer, (TEXT, TEXT), "")
    assert twice.counting == pytest.approx(2)
    both = pretraining.mixture(transformer, (TEXT, "good morning"), "el gato")
    assert 1 < both.counting < 2


def test_chains_and_common_weight():
    assert bottleneck.chain(1) == ("Tom bought a car.", "Tom compró un coche.")
    english, spanish = bottleneck.chain(3)
    assert english == "Tom bought a car, Mary closed the door and the dog is sleeping."
    assert spanish == "Tom compró un coche, Mary cerró la puerta y el perro está durmiendo."
    one = np.array([[1.0, 0.0], [0.5, 0.5]])
    other = np.array([[0.0, 1.0], [0.5, 0.5]])
    assert cross_attention.common(one, one) == 1
    assert cross_attention.common(one, other) == 0.5


def test_the_chapters_are_about_shipped_models():
    assert {
        shared_views.RNN,
        shared_views.LSTM,
        shared_views.BAHDANAU,
        shared_views.TRANSFORMER,
    } <= set(zoo.names())


def test_texts_that_begin_alike_are_expected_alike_so_far():
    one = np.array([-1.0, -2.0, -0.5])
    assert causal.shared("to be", "to go") == 3
    assert causal.shared("", "x") == 0
    said = causal.verdict(one, np.array([-1.0, -2.0, -3.0]), 2)
    assert "first 2 tokens, all predictions are **the same to the last digit**" in said
    assert "60.7 % in the first and 5.0 % in the second" in said
    assert "at most 1.0e-01 nats apart" in causal.verdict(one, one + 0.1, 2)
    assert causal.verdict(one, one[:1], 1).endswith(
        "its prediction is **the same to the last digit**."
    )
    assert "nothing to compare" in causal.verdict(one, one, 0)
