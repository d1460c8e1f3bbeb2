"""Tests of Tether Desktop."""
