"""Reasoning with a decision procedure behind every answer: logic, rules, constraints, arguments, probabilities."""
