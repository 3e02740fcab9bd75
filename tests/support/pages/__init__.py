"""Documents are done as they stand: their blocks are run, in order, in an installation of their own."""
