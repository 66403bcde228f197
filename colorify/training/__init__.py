"""Training: one learner for every method, whose runs go on after a stop or a kill to the same weights."""
