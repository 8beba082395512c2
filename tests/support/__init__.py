"""What tests against the real server share; README.md says how to use it."""
