"""Evaluation of models on data sets of questions."""
