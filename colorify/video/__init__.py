"""Films: a gray one in, a coloured one out, its luma plane untouched."""
