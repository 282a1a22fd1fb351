"""The command of the service: `python -m zoo.serving`, or `make serve`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo.serving import config as configuration

WRONG = 2


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m zoo.serving",
        description="Trained models as a service: TensorFlow Serving's REST protocol, replicas on "
        "Ray Serve. docs/serving.md explains it.",
    )
    made.add_argument("--config", type=Path, help="a YAML file; --settings shows what it may hold")
    made.add_argument("--host", help="where to listen, instead of the file's")
    made.add_argument("--port", type=int, help="instead of the file's")
    made.add_argument(
        "--address",
        default="",
        help="of a Ray cluster, or auto for the one this machine is part of; by default Ray is "
        "started on this machine, for it alone",
    )
    made.add_argument(
        "--join",
        action="store_true",
        help="a further gateway to models that another one has started (with --address)",
    )
    made.add_argument("--settings", action="store_true", help="print all settings, and end")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; the exit code: 0, or 2 for what a person can put right."""
    asked = parser().parse_args(arguments)
    if asked.settings:
        print(configuration.described(), end="")
        return 0
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        if asked.join and not asked.address:
            raise ValueError("--join needs --address, of the cluster where the models are")
        values = configuration.read(asked.config) if asked.config else {}
        own = {"host": asked.host, "port": asked.port}
        values |= {name: value for name, value in own.items() if value is not None}
        service = configuration.make(values)
        from zoo.serving import serving

        serving.run(service, asked.address, asked.join)
    except KeyboardInterrupt:
        return 0
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("zoo", ""):
            raise
        print(
            f"python -m zoo.serving needs {missing}: pip install -r requirements-serve.txt",
            file=sys.stderr,
        )
        return WRONG
    except (ValueError, OSError, RuntimeError) as error:
        print(f"python -m zoo.serving: {' '.join(str(error).split())[:1000]}", file=sys.stderr)
        return WRONG
    return 0


if __name__ == "__main__":
    sys.exit(main())
