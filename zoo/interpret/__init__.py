"""What a model's answer came from: maps, attribution, interventions. Predictors never import it."""
