"""The curve of a training run, as CSV and for TensorBoard; needs no TensorFlow."""

from __future__ import annotations

import csv
import io
import logging
from pathlib import Path
from typing import Any

from zoo.saving import write_aside


class History:
    """Rows of figures by step in `history.csv`, and the same as TensorBoard scalars.

    Args:
        csv_path: the CSV file; rows after `step` are dropped, so that a resumed run overwrites
            what the interrupted one wrote after its last checkpoint.
        events: the folder of TensorBoard event files.
        step: where the run goes on.
    """

    def __init__(self, csv_path: Path, events: Path, step: int = 0):
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.path = csv_path
        self.rows: list[dict[str, Any]] = []
        if step and csv_path.exists():
            with csv_path.open(newline="", encoding="utf-8") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        logging.getLogger("tensorboard").setLevel(logging.ERROR)
        self._events = EventFileWriter(str(events))
        if step:  # tells TensorBoard to forget what came after
            start = SessionLog(status=SessionLog.START)
            self._events.add_event(Event(step=step + 1, session_log=start))

    def add(self, row: dict[str, Any]) -> None:
        """Append one row; `step` must be in it. Missing figures are left empty.

        Words, such as the name of a figure, are in the CSV file only.
        """
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        self.rows.append(row)
        columns = list(dict.fromkeys(name for known in self.rows for name in known))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_aside(self.path, text.getvalue().encode())
        values = [
            Summary.Value(tag=name, simple_value=float(value))
            for name, value in row.items()
            if name != "step" and isinstance(value, int | float)
        ]
        event = Event(step=int(row["step"]), summary=Summary(value=values))
        self._events.add_event(event)
        self._events.flush()

    def close(self) -> None:
        """Finish the event file."""
        self._events.close()
