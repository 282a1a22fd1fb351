"""The zoo's speed beside other toolkits', measured on one machine in one run."""
