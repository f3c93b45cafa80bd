"""Recipes: YAML → a checked, frozen Recipe; unknown keys are refused with a suggestion."""
