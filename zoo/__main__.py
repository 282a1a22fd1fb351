"""`python -m zoo`: see `zoo.command_line`."""

from __future__ import annotations

import sys

from zoo.command_line import main

sys.exit(main())
