"""The assignment's questions as experiments, and the runs of real models that were recorded."""
