"""Which posts are shown, and how their pictures travel."""

from __future__ import annotations

import base64
import io

from PIL import Image

from sentipair.reporting.examples import most_confident_by_class, most_confident_errors, show, thumbnail
from sentipair.reporting.run import Prediction, Predictions, average_predictions

CLASSES = ("a", "b", "c")


def post(name, label, *probabilities, text="t", image=None):
    prediction = CLASSES[max(range(3), key=lambda i: probabilities[i])]
    return Prediction(
        id=name, text=text, image=image, label=label, prediction=prediction, probabilities=probabilities
    )


POSTS = (
    post("1", "a", 0.9, 0.1, 0.0),
    post("2", "b", 0.6, 0.4, 0.0),
    post("3", "c", 0.1, 0.8, 0.1),
    post("4", None, 0.0, 0.0, 1.0),
    post("5", "b", 0.2, 0.7, 0.1),
    post("6", "a", 0.7, 0.2, 0.1),
)


def test_errors_come_by_confidence_and_unlabelled_posts_are_none():
    predictions = Predictions(classes=CLASSES, rows=POSTS)
    assert [row.id for row in most_confident_errors(predictions, limit=9)] == ["3", "2"]
    assert [row.id for row in most_confident_errors(predictions, limit=1)] == ["3"]


def test_classes_take_turns():
    assert [row.id for row in most_confident_by_class(POSTS, CLASSES, limit=9)] == [
        "1",
        "3",
        "4",
        "6",
        "5",
        "2",
    ]
    assert [row.id for row in most_confident_by_class(POSTS, CLASSES, limit=2)] == ["1", "3"]


def test_indices_of_labels_and_predictions():
    predictions = Predictions(classes=CLASSES, rows=POSTS)
    assert predictions.label_indices().tolist() == [0, 1, 2, -1, 1, 0]
    assert predictions.prediction_indices().tolist() == [0, 0, 1, 2, 1, 0]


def test_seeds_are_averaged_by_id_and_strangers_left_out():
    first = Predictions(classes=CLASSES, rows=(post("1", "a", 0.6, 0.4, 0.0), post("9", "a", 1.0, 0.0, 0.0)))
    second = Predictions(classes=CLASSES, rows=(post("2", "a", 0.0, 1.0, 0.0), post("1", "a", 0.0, 0.9, 0.1)))
    (row,) = average_predictions([first, second]).rows
    assert (row.id, row.prediction, row.is_wrong) == ("1", "b", True)
    assert [round(p, 6) for p in row.probabilities] == [0.3, 0.65, 0.05]


def test_thumbnails_are_small_and_leave_the_picture_alone():
    image = Image.new("RGB", (1000, 300), "red")
    uri = thumbnail(image)
    small = Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))
    assert small.size == (240, 72)
    assert image.size == (1000, 300)
    assert thumbnail(Image.new("RGB", (1, 1))).startswith("data:image/jpeg")


def test_a_post_as_it_is_shown(tmp_path):
    path = tmp_path / "p.png"
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(path)
    example = show(post("1", "b", 0.9, 0.1, 0.0, text="x" * 100_000, image=str(path)), CLASSES)
    assert len(example.text) == 281
    assert example.thumbnail
    assert example.no_picture is None
    assert [(bar.is_label, bar.is_prediction) for bar in example.bars] == [
        (False, True),
        (True, False),
        (False, False),
    ]
    assert show(POSTS[0], CLASSES).no_picture == "no picture"
