"""One module for each format of annotations, with the functions of ``Format``."""
