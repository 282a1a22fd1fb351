"""What a served model takes and answers: named inputs and outputs, as an exported SavedModel's.

Axes: B texts of a request, N hypotheses; a row's own: T written tokens, S read tokens, L layers,
H heads. No framework is imported, and nothing of Ray.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import saving
from zoo.cleaning import clean
from zoo.serving import forecasts, labels
from zoo.serving.tensors import DEFAULT, FLOAT, INTEGER, STRING, Signature, Tensor, numbers

BEAMS = 4
"""Width of the search of the signature `beam`."""
USUAL_TOKENS, MOST_TOKENS = 100, 1_024
"""Tokens that a language model writes where a request names no number, and at most."""


@dataclass(frozen=True)
class Description:
    """What a client can ask of one model."""

    name: str
    kind: str
    task: str
    signatures: Mapping[str, Signature]


def describe(name: str, folder: Path) -> Description:
    """The signatures of the model in `folder`, from its config.json alone.

    Raises:
        ModelFolderError: the folder is missing or damaged.

    Example:
        >>> from zoo.shipped import saved_models_path
        >>> made = describe("d", saved_models_path() / "dates-transformer")
        >>> sorted(made.signatures), list(made.signatures["serving_default"].inputs)
        (['attention', 'beam', 'ids', 'serving_default'], ['text'])
    """
    config = saving.read_config(folder)
    kind, sizes = config["kind"], saving.read_hyperparameters(folder, config)
    if kind == "forecaster":
        made = forecasts.signatures(sizes)
    elif kind == "language_model":
        made = _language_model(sizes.attention_heads())
    elif kind == "seq2seq":
        made = _seq2seq(sizes.maps())
    else:
        made = labels.signatures(sizes, str(config["reads"]), config["classes"])
    return Description(name, kind, str(config["task"]), made)


def _seq2seq(heads: Mapping[str, Any]) -> dict[str, Signature]:
    written = {
        "log_probs": Tensor(FLOAT, (-1, -1)),
        "lengths": Tensor(INTEGER),
    }
    text = {"text": Tensor(STRING), "notes": Tensor(STRING), **written}
    pieces = {"pieces": Tensor(STRING, (-1, -1)), "source_pieces": Tensor(STRING, (-1, -1))}
    maps = {f"attention_{kind}": Tensor(FLOAT, (-1, *heads[kind], -1, -1)) for kind in heads}
    best = {"texts": Tensor(STRING, (-1, -1)), "scores": Tensor(FLOAT, (-1, -1))}
    read = {"text": Tensor(STRING)}
    return {
        DEFAULT: Signature(read, text),
        "attention": Signature(read, {**text, **pieces, **maps}),
        "beam": Signature(read, {**text, **best}),
        "ids": Signature(
            {"ids": Tensor(INTEGER, (-1, -1))}, {"ids": Tensor(INTEGER, (-1, -1)), **written}
        ),
    }


def _language_model(heads: Mapping[str, Any]) -> dict[str, Signature]:
    prompts = {"prompts": Tensor(STRING)}
    text = {
        "text": Tensor(STRING),
        "notes": Tensor(STRING),
        "tokens": Tensor(STRING, (-1, -1)),
        "log_probs": Tensor(FLOAT, (-1, -1)),
        "lengths": Tensor(INTEGER),
    }
    options = {
        "max_new_tokens": Tensor(INTEGER, (-1,), USUAL_TOKENS, 1, MOST_TOKENS),
        "temperature": Tensor(FLOAT, (-1,), 1.0, 0, 100),
        "top_k": Tensor(INTEGER, (-1,), 0, 0, 2**31 - 1),
        "top_p": Tensor(FLOAT, (-1,), 1.0, 1e-6, 1),
        "seed": Tensor("DT_INT64", (-1,), 0, 0, 2**31 - 1),
    }
    maps = {f"attention_{kind}": Tensor(FLOAT, (-1, *heads[kind], -1, -1)) for kind in heads}
    labels = {"attention_tokens": Tensor(STRING, (-1, -1))} if maps else {}
    return {
        DEFAULT: Signature(prompts, text),
        "sample": Signature({**prompts, **options}, text),
        "attention": Signature(prompts, {**text, **labels, **maps}),
    }


Row = Mapping[str, Any]


def answer(model: Any, signature: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What `model` answers to each row of a signature, in lists and numbers of plain Python.

    Args:
        model: a predictor, as `zoo.load` gives it.
        signature: its name.
        rows: the inputs of each, checked by `zoo.serving.protocol`.

    Example:
        >>> import zoo
        >>> model = zoo.load("dates-simple-rnn", runtime="litert")
        >>> [made] = answer(model, "serving_default", [{"text": "3 May 2021"}])
        >>> made["text"], made["lengths"]
        ('2021-05-03', 11)
    """
    if model.kind == "language_model":
        return _continued(model, signature, rows)
    if model.kind == "forecaster":
        return forecasts.answers(model, signature, rows)
    if model.kind == "classifier":
        return labels.answers(model, signature, rows)
    if signature == "ids":
        return _of_ids(model, [row["ids"] for row in rows])
    found = model.predict(
        [row["text"] for row in rows],
        beams=BEAMS if signature == "beam" else 1,
        attention=signature == "attention",
    )
    return [_written(one, signature) for one in found]


def example(model: Any) -> Row:
    """A row of the default signature to warm a model up with."""
    if model.kind == "forecaster":
        return forecasts.example(model)
    if model.kind == "classifier":
        return labels.example(model)
    return {"prompts": "a"} if model.kind == "language_model" else {"text": "a"}


def _written(one: Any, signature: str) -> dict[str, Any]:
    made = {
        "text": one.text,
        "notes": "\n".join(one.notes),
        "log_probs": numbers(one.log_probs),
        "lengths": len(one.target_pieces),
    }
    if signature == "attention":
        made |= {"pieces": list(one.target_pieces), "source_pieces": list(one.source_pieces)}
        made |= {f"attention_{kind}": numbers(maps) for kind, maps in one.attention.items()}
    if signature == "beam":
        best = one.alternatives or [one]
        made |= {"texts": [n.text for n in best], "scores": numbers([n.score for n in best])}
    return made


def _of_ids(model: Any, rows: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    from zoo.inference.hypotheses import Source
    from zoo.padding import ROWS
    from zoo.tokenizer import EOS, UNK

    vocabulary, most = model.source_tokenizer.size, model.max_source_length
    sources = []
    for row in rows:
        kept = [n if n < vocabulary else UNK for n in row if n > EOS]
        sources.append(Source([*kept[: most - 1], EOS], [], []))
    made = []
    for start in range(0, len(sources), ROWS[-1]):
        part = sources[start : start + ROWS[-1]]
        for found in model.write(part, limit=model.max_target_length):
            ids = [int(n) for n in found.tokens[0]]
            probs = numbers(found.log_probs[0])
            made.append({"ids": ids, "log_probs": probs, "lengths": len(ids)})
    return made


def _continued(model: Any, signature: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    from zoo.inference.sampling import Sampling

    made = []
    # One by one where each row has options of its own: its draws are the same in every batch.
    groups = [[row] for row in rows] if signature == "sample" else [list(rows)]
    for group in groups:
        sampling = None
        if group[0].get("temperature"):
            sampling = Sampling(*(group[0][name] for name in ("temperature", "top_k", "top_p")))
        found = model.predict(
            [row["prompts"] for row in group],
            max_new_tokens=group[0].get("max_new_tokens", USUAL_TOKENS),
            sampling=sampling,
            seed=group[0].get("seed", 0),
            attention=signature == "attention",
        )
        for one in found:
            row = {
                "text": one.text,
                "notes": "\n".join(one.notes),
                "tokens": [token.label for token in one.tokens],
                "log_probs": numbers(one.log_probs),
                "lengths": len(one.tokens),
            }
            if signature == "attention":
                row |= {"attention_tokens": list(one.labels)} if one.attention else {}
                row |= {f"attention_{kind}": numbers(maps) for kind, maps in one.attention.items()}
            made.append(row)
    return made


def shown(value: Any, most: int = 60) -> str:
    """A value of a request, short enough for an error message, on one line."""
    text = value if isinstance(value, str) else repr(value)[: most * 4]
    text = clean(text[: most * 4])
    return repr(text if len(text) <= most else f"{text[:most]}...")
