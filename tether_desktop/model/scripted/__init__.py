"""An engine that plays a script: for tests, and for trying the window without a model."""
