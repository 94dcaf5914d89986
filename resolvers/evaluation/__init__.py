"""Evaluation runs, and the data sets they measure on."""
