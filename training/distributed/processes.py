"""How the processes of one run on several machines talk: a few words, through JAX's coordinator.

Gradients travel between the devices, as part of a step. What is here is for the hosts: who goes
first, what process 0 found out, and whether one of them was asked to stop. It goes through the
service that `jax.distributed.initialize` starts, not through the devices, whose collectives would
give up while one process reads a large corpus or validates.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from training.commands import sentence

PATIENCE = 24 * 3600
"""Seconds to wait for a process that runs; an ended one is noticed by its missing heartbeat."""
KEPT = 8
"""Words that stay with the coordinator: a process is never as far behind as this."""


class Processes:
    """All processes of a run, seen from one of them; by default the only one.

    Args:
        count: how many there are.
        index: which one this is. Process 0 writes logs, checkpoints and the model.
    """

    def __init__(self, count: int = 1, index: int = 0):
        self.count, self.index = count, index
        self._said = 0

    @property
    def first(self) -> bool:
        """Whether this is process 0."""
        return self.index == 0

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Process 0 does what is inside before all others do: files it writes are there."""
        if not self.first:
            self._meet()
        yield
        if self.first:
            self._meet()

    def tell(self, value: Any) -> Any:
        """What process 0 calls this with, in every process; anything that JSON holds."""
        if self.count == 1:
            return value
        self._said += 1
        key = f"zoo/said/{self._said}"
        if self.first:
            _service().key_value_set(key, json.dumps(value))
            if self._said > KEPT:
                _service().key_value_delete(f"zoo/said/{self._said - KEPT}")
        return json.loads(_service().blocking_key_value_get(key, PATIENCE * 1000))

    def any(self, flag: bool) -> bool:
        """Whether `flag` was ever true in one of them: the same answer in all at the same call.

        A flag that another process raises during the call may count from the next call on.
        """
        if self.count == 1:
            return flag
        if flag:
            _service().key_value_set("zoo/flag/raised", "1", allow_overwrite=True)
        return self.tell(bool(_service().key_value_dir_get("zoo/flag/")) if self.first else None)

    def check_same(self, what: str, value: Any) -> None:
        """Raises ValueError where `value` is not that of process 0."""
        theirs = self.tell(value)
        if theirs != value:
            raise ValueError(
                f"Every process must have the same {what}; process 0 has {theirs}. "
                f"Received: {value} in process {self.index}"
            )

    @contextmanager
    def ends_at_once(self, expected: tuple[type[BaseException], ...]) -> Iterator[None]:
        """Leave after an error without the usual shutdown, which would wait for the others.

        They notice that this one is gone, and end as well. A process alone is left as it is.

        Args:
            expected: errors that need a sentence, not a traceback.
        """
        try:
            yield
        except SystemExit:
            raise
        except BaseException as error:
            if self.count == 1:
                raise
            # XLA's errors come as several types; all of them begin with a status, "UNAVAILABLE: ".
            lost = re.match("[A-Z_]+: ", str(error)) is not None
            if not isinstance(error, expected) and not lost:
                traceback.print_exc()
            said = sentence(error) or error
            print(f"Process {self.index} of {self.count}: {said}", file=sys.stderr)
            if lost:
                print(
                    "Was another process lost? Start all of them again: the same command goes on "
                    "from the last checkpoint.",
                    file=sys.stderr,
                )
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(2)

    def _meet(self) -> None:
        if self.count > 1:
            self._said += 1
            _service().wait_at_barrier(f"zoo/meet/{self._said}", PATIENCE * 1000)


def _service() -> Any:
    """The client of JAX's coordination service, which has no public name (Orbax does the same)."""
    from jax._src import distributed

    return distributed.global_state.client
