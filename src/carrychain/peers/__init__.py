"""carrychain where people already work: a task and models for inspect_ai, a task for lm-eval."""
