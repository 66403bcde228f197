"""The training methods: a room each, `registry` has their names."""
