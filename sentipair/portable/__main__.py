"""``python -m sentipair.portable FOLDER [IMAGE] [TEXT]``: one post, answered as JSON."""

from __future__ import annotations

import argparse
import json
import sys

from sentipair.errors import UserError, end_without_reader
from sentipair.portable.predictor import Predictor


def main() -> None:
    """Print the prediction, or one line of error."""
    parser = argparse.ArgumentParser(prog="python -m sentipair.portable", description=__doc__)
    parser.add_argument("folder", help="what `sentipair export` wrote")
    parser.add_argument("image", nargs="?", default="", help="a picture; '' for none")
    parser.add_argument("text", nargs="?", default="", help="what was posted with it")
    options = parser.parse_args()
    try:
        prediction = Predictor(options.folder)(image=options.image or None, text=options.text)
    except UserError as error:
        sys.exit(f"sentipair: {error}")
    try:
        print(json.dumps(prediction.to_dict(), indent=2, ensure_ascii=False), flush=True)
    except BrokenPipeError:
        end_without_reader()


if __name__ == "__main__":
    main()
