"""The zoo's speed beside that of other toolkits, measured on one machine in one run."""
