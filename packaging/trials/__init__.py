"""The parts of `make package-test`: bare systems in which what is handed out is installed, used and removed."""
