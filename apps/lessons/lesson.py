"""What a chapter of the Learn page is made of, and how it is laid out around its live view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from apps import presentation


@dataclass(frozen=True)
class Lesson:
    """The words of one chapter, all Markdown.

    `text`: the idea. `try_this`: what to change in the live view, and `see`: how to read what then
    happens. `question` and `answer`: to check oneself by. `papers`: where to read on, of `PAPERS`.
    """

    text: str
    try_this: str
    see: str
    question: str
    answer: str
    papers: tuple[str, ...]


def _arxiv(authors: str, title: str, number: str, venue: str = "") -> str:
    where = f"{venue}, " if venue else ""
    return f"{authors}. *{title}.* {where}[arXiv:{number}](https://arxiv.org/abs/{number})"


PAPERS = {
    "abnar": _arxiv(
        "Abnar and Zuidema 2020", "Quantifying attention flow in transformers", "2005.00928", "ACL"
    ),
    "bahdanau": _arxiv(
        "Bahdanau, Cho and Bengio 2015",
        "Neural machine translation by jointly learning to align and translate",
        "1409.0473",
        "ICLR",
    ),
    "bengio": (
        "Bengio, Simard and Frasconi 1994. *Learning long-term dependencies with gradient descent "
        "is difficult.* IEEE Transactions on Neural Networks 5(2)"
    ),
    "cho": _arxiv(
        "Cho, van Merriënboer, Bahdanau and Bengio 2014",
        "On the properties of neural machine translation: encoder-decoder approaches",
        "1409.1259",
        "SSST-8",
    ),
    "dao": _arxiv(
        "Dao, Fu, Ermon, Rudra and Ré 2022",
        "FlashAttention: fast and memory-efficient exact attention with IO-awareness",
        "2205.14135",
        "NeurIPS",
    ),
    "devlin": _arxiv(
        "Devlin, Chang, Lee and Toutanova 2019",
        "BERT: pre-training of deep bidirectional transformers for language understanding",
        "1810.04805",
        "NAACL",
    ),
    "dosovitskiy": _arxiv(
        "Dosovitskiy and others 2021",
        "An image is worth 16x16 words: Transformers for image recognition at scale",
        "2010.11929",
        "ICLR",
    ),
    "elman": "Elman 1990. *Finding structure in time.* Cognitive Science 14(2)",
    "gers": (
        "Gers, Schmidhuber and Cummins 2000. *Learning to forget: continual prediction with LSTM.* "
        "Neural Computation 12(10)"
    ),
    "haviv": _arxiv(
        "Haviv, Ram, Press, Izsak and Levy 2022",
        "Transformer language models without positional encodings still learn positional "
        "information",
        "2203.16634",
        "Findings of EMNLP",
    ),
    "hochreiter": (
        "Hochreiter and Schmidhuber 1997. *Long short-term memory.* Neural Computation 9(8)"
    ),
    "hu": _arxiv(
        "Hu and others 2021",
        "LoRA: low-rank adaptation of large language models",
        "2106.09685",
        "ICLR",
    ),
    "jain": _arxiv("Jain and Wallace 2019", "Attention is not explanation", "1902.10186", "NAACL"),
    "kobayashi": _arxiv(
        "Kobayashi, Kuribayashi, Yokoi and Inui 2020",
        "Attention is not only a weight: analyzing transformers with vector norms",
        "2004.10102",
        "EMNLP",
    ),
    "liu": _arxiv(
        "Liu and others 2020",
        "Multilingual denoising pre-training for neural machine translation",
        "2001.08210",
        "TACL",
    ),
    "liu-series": _arxiv(
        "Liu and others 2024",
        "iTransformer: inverted Transformers are effective for time series forecasting",
        "2310.06625",
        "ICLR",
    ),
    "luong": _arxiv(
        "Luong, Pham and Manning 2015",
        "Effective approaches to attention-based neural machine translation",
        "1508.04025",
        "EMNLP",
    ),
    "michel": _arxiv(
        "Michel, Levy and Neubig 2019",
        "Are sixteen heads really better than one?",
        "1905.10650",
        "NeurIPS",
    ),
    "nie": _arxiv(
        "Nie, Nguyen, Sinthong and Kalagnanam 2023",
        "A time series is worth 64 words: long-term forecasting with Transformers",
        "2211.14730",
        "ICLR",
    ),
    "press": _arxiv(
        "Press, Smith and Lewis 2022",
        "Train short, test long: attention with linear biases enables input length extrapolation",
        "2108.12409",
        "ICLR",
    ),
    "radford": (
        "Radford, Narasimhan, Salimans and Sutskever 2018. *Improving language understanding by "
        "generative pre-training.* OpenAI"
    ),
    "shaw": _arxiv(
        "Shaw, Uszkoreit and Vaswani 2018",
        "Self-attention with relative position representations",
        "1803.02155",
        "NAACL",
    ),
    "sutskever": _arxiv(
        "Sutskever, Vinyals and Le 2014",
        "Sequence to sequence learning with neural networks",
        "1409.3215",
        "NIPS",
    ),
    "vaswani": _arxiv("Vaswani and others 2017", "Attention is all you need", "1706.03762", "NIPS"),
    "voita": _arxiv(
        "Voita, Talbot, Moiseev, Sennrich and Titov 2019",
        "Analyzing multi-head self-attention: specialized heads do the heavy lifting, the rest "
        "can be pruned",
        "1905.09418",
        "ACL",
    ),
    "wang-minilm": _arxiv(
        "Wang and others 2020",
        "MiniLM: deep self-attention distillation for task-agnostic compression of pre-trained "
        "Transformers",
        "2002.10957",
        "NeurIPS",
    ),
    "wiegreffe": _arxiv(
        "Wiegreffe and Pinter 2019", "Attention is not not explanation", "1908.04626", "EMNLP"
    ),
    "zeng": _arxiv(
        "Zeng, Chen, Zhang and Xu 2023",
        "Are Transformers effective for time series forecasting?",
        "2205.13504",
        "AAAI",
    ),
    "zhou": _arxiv(
        "Zhou and others 2021",
        "Informer: beyond efficient Transformer for long sequence time-series forecasting",
        "2012.07436",
        "AAAI",
    ),
}
"""What the chapters cite, by first author."""


def show(lesson: Lesson, view: Callable[[], None]) -> None:
    """The chapter: its words beside its live view, or above it where the page is narrow.

    In presentation mode the view comes first, over the whole width, and the words are folded.
    """
    if presentation.on():
        live = st.container()
        words = (
            st.container() if presentation.explained() else st.expander("The text of this chapter")
        )
    else:
        words, live = st.columns([2, 3], gap="large")
    with words:
        st.markdown(lesson.text)
        st.markdown(f"**Try this.** {lesson.try_this}")
        st.markdown(f"**What to see.** {lesson.see}")
    with live, st.container(border=True):
        view()
    st.markdown(f"**A question.** {lesson.question}")
    with st.expander("The answer"):
        st.markdown(lesson.answer)
    with st.expander("The papers"):
        st.markdown("\n".join(f"- {PAPERS[name]}" for name in lesson.papers))
