"""One module for each format, with the functions of ``samples.record.Format``."""
