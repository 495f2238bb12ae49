"""Image–text sentiment analysis and multimodal sarcasm detection, with numbers that hold."""

__version__ = "0.1.0"
