"""The predictor over HTTP; needs ``pip install "sentipair[serve]"``."""
