"""One module for each format of annotations, with :class:`..record.Format`'s functions."""
