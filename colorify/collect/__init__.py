"""Where pictures come from: a polite spider, public datasets, folders; filters; one manifest."""
