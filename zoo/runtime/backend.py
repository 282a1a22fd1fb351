"""Compiling a function of a model on the backend in use (TensorFlow or JAX), once for each model.

The rest of the zoo is written in `keras.ops`; what differs between the backends is kept here.
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import hashlib
import itertools
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import keras
from keras import ops

from zoo.runtime import devices, program_cache

Program = Callable[..., Any]

# Neither side keeps a model alive: the key is weak, and a program holds its model weakly too.
_programs: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, Program]] = (
    weakref.WeakKeyDictionary()
)
# Entered again where a model that is gone is noticed within it.
_lock = threading.RLock()


def compiled(model: keras.Model, function: Callable[..., Any], **static: Hashable) -> Program:
    """`function(model, *tensors, **static)`, compiled by XLA as `program(*tensors)`.

    Asking again with the same model, function and static values returns the same program, which
    is itself compiled once for each combination of input shapes. Values of the tensors (numbers
    included: they are converted) never lead to another compilation, and neither do new weights:
    TensorFlow reads the variables where they are, JAX gets them as arguments.

    Args:
        model: a model whose variables exist. It is not kept alive by its programs.
        function: a function of a module, neither a lambda nor a method: it is part of the key.
            It takes and returns nested tensors, and changes no variable.
        static: options that shape the program, hashable.

    Raises:
        ValueError: the Keras backend is neither TensorFlow nor JAX.
    """
    key = (function, tuple(sorted(static.items())))
    with _lock:
        programs = _programs.setdefault(model, {})
        if key not in programs:
            programs[key] = _compile(weakref.ref(model), function, static)
        return programs[key]


def traced(model: keras.Model, function: Callable[..., Any], **static: Hashable) -> Program:
    """`compiled` for what a person asks once in each of many lengths: on TensorFlow without XLA.

    XLA takes longer to compile such a program than all its runs take, and never frees its memory:
    100 to 250 MB for a gradient through a recurrent network. A program that is only traced takes a
    quarter of that, is ready in half the time, and runs as fast. `KEPT` programs are kept, of all
    models together. On JAX it is compiled, and forgotten in the same way.

    Args:
        model, function, static: as `compiled` has them.

    Raises:
        ValueError: as `compiled`.
    """
    key = (function, tuple(sorted(static.items())), "traced")
    with _lock:
        programs = _programs.setdefault(model, {})
        if key not in programs:
            programs[key] = _compile(weakref.ref(model), function, static, forgotten=True)
        return programs[key]


def _compile(
    reference: weakref.ref[keras.Model],
    function: Callable[..., Any],
    static: dict[str, Hashable],
    *,
    forgotten: bool = False,
) -> Program:
    backend = keras.backend.backend()
    if forgotten and backend in ("tensorflow", "jax"):
        return _forgotten(reference, function, static)
    if backend == "tensorflow":
        run = _tensorflow(reference, function, static)
    elif backend == "jax":
        run = _jax(reference, function, static)
    else:
        raise ValueError(
            f"KERAS_BACKEND must be 'tensorflow' or 'jax'. Received: KERAS_BACKEND={backend!r}"
        )

    seen: set[Hashable] = set()
    first = threading.Lock()

    def program(*tensors: Any) -> Any:
        # A plain number would be a constant of the program for TensorFlow.
        tensors = keras.tree.map_structure(ops.convert_to_tensor, tensors)
        shapes = tuple((tuple(x.shape), str(x.dtype)) for x in keras.tree.flatten(tensors))
        if shapes in seen:
            return run(*tensors)
        # Two threads that want the same program compile it once.
        with first:
            found = run(*tensors)
            seen.add(shapes)
            return found

    return program


KEPT = 32
"""Programs of `traced` that are kept, those that were not asked for longest go first."""
_kept: collections.OrderedDict[tuple[object, Hashable], Program] = collections.OrderedDict()


def _forgotten(
    reference: weakref.ref[keras.Model], function: Callable[..., Any], static: dict[str, Hashable]
) -> Program:
    """A program for each combination of shapes, of which few are kept, and no longer than it."""
    tracing, mine = threading.RLock(), object()
    weakref.finalize(_model(reference), _forget, mine)

    def program(*tensors: Any) -> Any:
        tensors = keras.tree.map_structure(ops.convert_to_tensor, tensors)
        shapes = tuple((tuple(x.shape), str(x.dtype)) for x in keras.tree.flatten(tensors))
        key = (mine, shapes)
        with _lock:
            made = _kept.get(key)
        if made is None:
            # Two threads that want the same program trace it once.
            with tracing:
                with _lock:
                    made = _kept.get(key)
                made = made or _traced(reference, function, static, tensors)
        with _lock:
            _kept[key] = made
            _kept.move_to_end(key)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        return made(*tensors)

    return program


def _forget(owner: object) -> None:
    """Drop the kept programs of a model that no longer exists: they hold its variables."""
    with _lock:
        for key in list(_kept):
            if key[0] is owner:
                _kept.pop(key, None)


def _traced(
    reference: weakref.ref[keras.Model],
    function: Callable[..., Any],
    static: dict[str, Hashable],
    tensors: tuple[Any, ...],
) -> Program:
    """A program for tensors of these shapes."""
    if keras.backend.backend() == "jax":
        return _jax(reference, function, static)
    import tensorflow as tf

    def run(*given: Any) -> Any:
        return function(_model(reference), *given, **static)

    return tf.function(run, autograph=False).get_concrete_function(*tensors)


def scan(step: Callable[[Any, Any], Any], first: Any, inputs: Any) -> Any:
    """What `step(carry, input)` -> carry gives step after step, from `first` on, stacked.

    Args:
        step: gives tensors like those it is given.
        first: what the first step carries, nested.
        inputs: nested tensors, one step after the other on the first axis.
    """
    if _plain_loops.get():
        return _plain_scan(step, first, inputs)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # `ops.scan` keeps from XLA how many steps there may be, and with that the way back.
        return tf.scan(step, inputs, initializer=first)

    def both(carry: Any, some: Any) -> tuple[Any, Any]:
        ahead = step(carry, some)
        return ahead, ahead

    return ops.scan(both, first, inputs)[1]


_plain_loops = contextvars.ContextVar("plain_loops", default=False)


@contextlib.contextmanager
def plain_loops() -> Iterator[None]:
    """Within, `scan` is a loop over plain tensors: LiteRT has no lists of unknown length."""
    before = _plain_loops.set(True)
    try:
        yield
    finally:
        _plain_loops.reset(before)


def _plain_scan(step: Callable[[Any, Any], Any], first: Any, inputs: Any) -> Any:
    """`scan`, each step written to its place of a tensor that is there from the beginning."""
    length = ops.shape(keras.tree.flatten(inputs)[0])[0]
    places = ops.arange(length)  # (T,)

    def widened(x: Any) -> Any:
        return ops.repeat(ops.zeros_like(x)[None], length, axis=0)  # (T, ...)

    def ahead(index: Any, carry: Any, found: Any) -> tuple[Any, ...]:
        given = keras.tree.map_structure(lambda x: ops.take(x, index, axis=0), inputs)
        carry = step(carry, given)

        def put(x: Any, all_of: Any) -> Any:
            here = ops.reshape(ops.equal(places, index), (-1, *(1,) * len(x.shape)))
            return ops.where(here, x[None], all_of)

        return index + 1, carry, keras.tree.map_structure(put, carry, found)

    begun = (ops.zeros((), "int32"), first, keras.tree.map_structure(widened, first))
    return ops.while_loop(lambda index, *_: index < length, ahead, begun)[2]


def at_once() -> int:
    """How many programs of one batch should run beside each other: 2 on a CPU of several cores.

    The operations of a step of generation are too small to be shared between cores: two half
    batches, each on one core, take less time than the whole on two.
    """
    threads = devices.cores()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        threading = tf.config.threading
        chosen = (
            threading.get_intra_op_parallelism_threads(),
            threading.get_inter_op_parallelism_threads(),
        )
        threads = min(threads, max(chosen) or threads)
    return 2 if threads > 1 and not accelerated() else 1


def accelerated() -> bool:
    """Whether there is a GPU or TPU, which then does the work."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.get_visible_devices("GPU") or tf.config.get_visible_devices("TPU"))
    import jax

    return jax.default_backend() != "cpu"


def _model(reference: weakref.ref[keras.Model]) -> keras.Model:
    model = reference()
    if model is None:
        raise ReferenceError("The model of this compiled program no longer exists.")
    return model


def _tensorflow(
    reference: weakref.ref[keras.Model], function: Callable[..., Any], static: dict[str, Hashable]
) -> Program:
    import tensorflow as tf

    programs: dict[Hashable, Program] = {}

    def traced(*tensors: Any) -> Any:
        return function(_model(reference), *tensors, **static)

    def make(shapes: Hashable, tensors: tuple[Any, ...]) -> Program:
        model = _model(reference)
        what = (type(model).__name__, getattr(model, "config", None), function.__qualname__)
        with _same_names_in_every_process(repr((*what, sorted(static.items()), shapes))):
            made = tf.function(traced, jit_compile=True, autograph=False)
            return made.get_concrete_function(*tensors)

    def run(*tensors: Any) -> Any:
        shapes = tuple((tuple(x.shape), x.dtype.name) for x in keras.tree.flatten(tensors))
        if shapes not in programs:
            programs[shapes] = make(shapes, tensors)
        try:
            return programs[shapes](*tensors)
        except tf.errors.OpError:
            # A kept program that is cut short or damaged? Without any it is compiled anew; as
            # another function, since a function remembers that it could not be compiled.
            if not program_cache.forget(program_cache.of_tensorflow()):
                raise
            programs[shapes] = make(shapes, tensors)
            return programs[shapes](*tensors)

    return run


_numbers = threading.local()
_made: collections.Counter[str] = collections.Counter()


@contextlib.contextmanager
def _same_names_in_every_process(content: str) -> Iterator[None]:
    """Let TensorFlow number what it traces here by `content`, and not by all it did before.

    It keeps a compiled program on disk under the names of its functions, which end in a number
    that counts everything done so far: a dashboard whose models answer in another order would
    find none of them. There is no public way to name them; should a later version number them
    otherwise, programs are merely compiled again.
    """
    from tensorflow.python.framework import ops as tf_ops

    if not hasattr(tf_ops.uid, "counted"):
        counted = tf_ops.uid

        def uid() -> int:
            numbers = getattr(_numbers, "here", None)
            return counted() if numbers is None else next(numbers)

        uid.counted = counted
        tf_ops.uid = uid
    _made[content] += 1  # a model that is loaded twice
    digest = hashlib.sha256(f"{content} {_made[content]}".encode()).hexdigest()
    _numbers.here = itertools.count(int(digest[:10], 16) * 10**5)
    try:
        yield
    finally:
        _numbers.here = None


def _jax(
    reference: weakref.ref[keras.Model], function: Callable[..., Any], static: dict[str, Hashable]
) -> Program:
    import jax

    def traced(values: list[Any], *tensors: Any) -> Any:
        model = _model(reference)
        # Without the scope the weights would be constants of the program: compiled in, and old
        # as soon as training goes on.
        with keras.StatelessScope(state_mapping=zip(model.variables, values, strict=True)):
            return function(model, *tensors, **static)

    program_cache.use_with_jax()
    traced_once = jax.jit(traced)

    def run(*tensors: Any) -> Any:
        return traced_once([variable.value for variable in _model(reference).variables], *tensors)

    return run
