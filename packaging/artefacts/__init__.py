"""The parts of `make package`: from a checkout to the files that are handed out."""
