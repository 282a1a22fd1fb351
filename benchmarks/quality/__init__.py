"""How well trained models do, beside other tools and under other settings."""
