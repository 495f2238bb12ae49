"""The page: whole, self-contained and well formed, whatever the run folder holds or lacks."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from sentipair.errors import UserError
from sentipair.reporting import write_report
from sentipair.reporting.run import SeedRun
from sentipair.reporting.sections import galleries

VOID = {"meta", "img"}
ATTACK = '<script>alert("1")</script>'


class Page(HTMLParser):
    """Parses a report strictly: every tag closed in order, ids unique, references local."""

    def __init__(self, path):
        super().__init__()
        self.text, self.ids, self.tags, self.links, self.open = [], [], [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))
        assert not {"script", "link", "iframe", "object"} & set(self.tags)
        assert all(re.match(r"data:image/jpeg;base64,|#|seed-\d+/report\.html$", link) for link in self.links)
        assert "@import" not in self.source
        assert not re.search(r"url\((?!#)", self.source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href"):
                self.links.append(value)
            assert not name.startswith("on")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join("".join(self.text).split())

    def has(self, *sections):
        return all(section in self.ids for section in sections)


def change_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def change_column(folder, name, values):
    path = folder / "predictions-test.parquet"
    table = pq.read_table(path)
    column = pa.array(values(table[name].to_pylist()), pa.string())
    pq.write_table(table.set_column(table.column_names.index(name), name, column), path)


def test_a_seed_page_holds_every_section(make_run):
    folder = make_run()
    path = write_report(folder)
    assert path == folder / "report.html"
    page = Page(path)
    sections = ("headline", "classes", "splits", "checks", "curves", "geometry", "examples", "background")
    assert page.has(*sections, "configuration", "environment")
    assert page.has("slices", "calibration")
    assert page.tags.count("svg") == 1 + 2 + 3 + 3 + 1
    metrics = json.loads((folder / "result.json").read_text())["splits"]["test"]
    for key in ("accuracy", "weighted_f1", "macro_f1"):
        assert f"{metrics['metrics'][key]:.3f}" in page.words
        assert f"majority class {metrics['metrics'][f'majority_{key}']:.3f}" in page.words
        low, high = metrics["intervals"][key]
        assert f"{low:.3f} – {high:.3f}" in page.words
    for row in metrics["metrics"]["per_class"]:
        scores = "".join(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
        assert f"{row['name']}{scores}{row['support']}" in page.words
    assert "batch size 1: 0.0 %" in page.words
    assert "evaluated once" in page.words
    assert "test, clean" in page.words
    assert page.words.startswith("spp-scl on mvsa-single · seed-0")
    assert len(page.source) < 3_000_000


def test_rationales_and_plug_ins_are_named(make_run):
    folder = make_run(rows=12, epochs=2, embeddings=False, pictures=False)
    path = folder / "config.yaml"
    plain = path.read_text(encoding="utf-8")
    plugged = plain.replace("  scheme: clmlf\n", "  scheme: clmlf\n  rationales: lexicon\n")
    path.write_text(
        f"{plugged}plugins: {{rationales: true, finetune: {{text: 4, image: 1}}, ensemble: 5}}\n",
        encoding="utf-8",
    )
    page = write_report(folder).read_text(encoding="utf-8")
    assert "<span><b>rationales</b> lexicon</span>" in page
    assert "<span><b>plugins</b> rationales, finetune text:4 image:1, ensemble 5</span>" in page


def test_a_flip_is_shown_as_bad(make_run):
    folder = make_run(embeddings=False)
    change_json(folder / "result.json", lambda r: r["splits"]["test"]["flips"].update(shuffled=0.124))
    source = write_report(folder).read_text()
    assert '<span class="check bad">shuffled: 12.4 %</span>' in source
    assert '<span class="check good">batch size 1: 0.0 %</span>' in source


def test_several_seeds_on_one_page(make_seeds):
    folder = make_seeds(seeds=3)
    write_report(folder / "seed-1")
    page = Page(write_report(folder))
    assert page.has("headline", "seeds", "classes", "curves", "geometry", "examples", "background")
    test = json.loads((folder / "summary.json").read_text())["test"]["accuracy"]
    assert f"{test['mean']:.3f} ± {test['sd']:.3f}" in page.words
    for value in test["values"]:
        assert f"{value:.3f}" in page.words
    assert [link for link in page.links if "report.html" in link] == ["seed-1/report.html"]
    tests = [
        json.loads((folder / f"seed-{s}" / "result.json").read_text())["splits"]["test"] for s in range(3)
    ]
    clean = sum(one["clean"]["metrics"]["accuracy"] for one in tests) / 3
    assert f"test, clean{clean:.3f}" in page.words
    assert "3 seeds together" in page.words
    assert "once per seed" in page.words


def test_a_single_seed_has_no_deviation(make_seeds):
    page = Page(write_report(make_seeds(seeds=1, embeddings=False)))
    assert page.has("seeds")
    assert "0.000 ±" not in page.words
    assert "None" not in page.words


def test_seeds_are_in_the_order_of_their_numbers(make_seeds):
    folder = make_seeds(seeds=2, embeddings=False, epochs=3)
    (folder / "seed-1").rename(folder / "seed-10")
    (folder / "seed-0").rename(folder / "seed-9")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    (folder / "summary.json").write_text(json.dumps({**summary, "seeds": [9, 10]}), encoding="utf-8")
    page = Page(write_report(folder))
    assert page.words.index("seed-9") < page.words.index("seed-10")


def test_what_others_wrote_cannot_become_markup(make_run):
    folder = make_run(classes=("good", ATTACK), rows=40)
    change_column(folder, "text", lambda texts: [ATTACK] * len(texts))
    change_column(folder, "id", lambda ids: [f'{i}" onload="x{ATTACK}' for i in range(len(ids))])
    change_column(folder, "image", lambda paths: [f"/nowhere/{ATTACK}"] * len(paths))
    (folder / "config.yaml").write_text(f"model: '{ATTACK}'\n")
    change_json(folder / "environment.json", lambda e: e.update({ATTACK: ATTACK}))
    page = Page(write_report(folder))
    assert "<script" not in page.source.lower()
    assert page.words.count('alert("1")') > 10


def test_class_names_of_any_script(make_run):
    page = Page(write_report(make_run(classes=("积极 $x^2$", "消极_$", "_hidden --> 😀"), rows=40)))
    assert page.words.count("积极 $x^2$") > 2
    assert "_hidden" in page.words


@pytest.mark.parametrize("missing", ["metrics.jsonl", "environment.json", "config.yaml"])
def test_any_file_may_be_absent(make_run, missing):
    folder = make_run(epochs=2, embeddings=False)
    (folder / missing).unlink()
    page = Page(write_report(folder))
    assert page.has("headline", "classes", "examples")
    assert page.has("curves") is (missing != "metrics.jsonl")
    assert page.has("configuration") is (missing != "config.yaml")


def test_scores_without_their_predictions_are_refused(make_run):
    folder = make_run()
    (folder / "predictions-test.parquet").unlink()
    with pytest.raises(UserError, match=r"is missing in .*; run `sentipair evaluate .* --split test`"):
        write_report(folder)


def test_an_unfinished_run_shows_its_curves(make_run):
    folder = make_run(epochs=5)
    for path in folder.glob("*"):
        if path.name != "metrics.jsonl":
            path.unlink()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 6, "train": {"lo')
    page = Page(write_report(folder))
    assert page.has("curves")
    assert not page.has("headline")


def test_one_epoch_and_no_embeddings(make_run):
    page = Page(write_report(make_run(epochs=1, embeddings=False)))
    assert page.has("curves", "examples")
    assert not page.has("geometry")


def test_an_objective_without_second_step(make_run):
    folder = make_run(embeddings=False)
    lines = [{"epoch": e, "train": {"loss": 1.0 / e}, "validation": {"accuracy": 0.5}} for e in (1, 2)]
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    page = Page(write_report(folder))
    assert "Losses" in page.words
    assert "Second steps" not in page.words


def test_losses_that_are_not_a_number(make_run):
    folder = make_run(embeddings=False)
    lines = [{"epoch": e, "train": {"loss": float("nan")}, "validation": {"loss": None}} for e in (1, 2)]
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert Page(write_report(folder)).has("curves")


def test_an_unlabelled_test_set(make_run):
    page = Page(write_report(make_run(labelled=False)))
    assert page.has("examples", "geometry")
    assert "Fused features" in page.words
    assert "Picture to picture" not in page.words
    assert not page.has("classes")
    assert "Nobody labelled these posts" in page.words


def test_validation_stands_in_for_a_missing_test(make_run):
    folder = make_run(embeddings=False)
    (folder / "predictions-test.parquet").unlink()
    change_json(folder / "result.json", lambda r: r["splits"].pop("test"))
    page = Page(write_report(folder))
    assert "On validation" in page.words
    assert page.has("examples")


def test_two_classes_and_a_text_only_run(make_run):
    folder = make_run(classes=("not sarcastic", "sarcastic"), pictures=False)
    tensors = load_file(folder / "embeddings-test.safetensors")
    save_file({"text": tensors["text"]}, folder / "embeddings-test.safetensors")
    page = Page(write_report(folder))
    assert "Text to text" in page.words
    assert "Picture to picture" not in page.words
    assert "Fused features" not in page.words
    assert "no picture" not in page.words
    assert "img" not in page.tags


def test_broken_embeddings_do_not_stop_the_report(make_run):
    folder = make_run()
    tensors = load_file(folder / "embeddings-test.safetensors")
    broken = {name: np.full_like(values, np.nan) for name, values in tensors.items()}
    save_file(broken, folder / "embeddings-test.safetensors")
    page = Page(write_report(folder))
    assert page.has("headline")
    assert "Fused features" not in page.words


def test_missing_and_unreadable_pictures_have_a_placeholder(make_run):
    folder = make_run(embeddings=False)
    bad = folder / "bad.jpg"
    bad.write_bytes(b"no")
    choices = [str(bad), str(folder / "gone.jpg"), None]
    change_column(folder, "image", lambda paths: [choices[i % 3] for i in range(len(paths))])
    words = Page(write_report(folder)).words
    assert "cannot show the picture: no such file" in words
    assert "cannot show the picture: not a picture" in words
    assert "no picture" in words


def test_both_themes_define_every_colour_in_use(make_run):
    source = write_report(make_run()).read_text()
    light, dark = re.findall(r":root \{ (.*?) \}", source)
    for theme in (light, dark):
        defined = set(re.findall(r"(--[\w-]+):", theme))
        assert set(re.findall(r"var\((--[\w-]+)\)", source)) <= defined


@pytest.mark.parametrize("several", [False, True])
def test_a_class_without_posts_is_named(make_run, make_seeds, several):
    folder = make_seeds() if several else make_run()
    for path in folder.rglob("result.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        result["splits"]["test"]["metrics"]["per_class"][1]["support"] = 0
        name = result["splits"]["test"]["metrics"]["per_class"][1]["name"]
        path.write_text(json.dumps(result), encoding="utf-8")
    page = write_report(folder).read_text(encoding="utf-8")
    assert f"No post is {name}; that counts as 0 in macro F1." in page


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(UserError, match="there is no run in"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "result.json",
        "config.yaml",
        "metrics.jsonl",
        "predictions-test.parquet",
        "embeddings-test.safetensors",
    ],
)
def test_a_damaged_file_is_named(make_run, name):
    folder = make_run(epochs=3)
    (folder / name).write_bytes(b"{: \xff\n{\n")
    with pytest.raises(UserError, match=re.escape(name)) as caught:
        write_report(folder)
    assert "\n" not in str(caught.value)
    assert not (folder / "report.html").exists()


def test_examples_are_as_sure_as_predictions_are(make_run):
    folder = make_run()
    change_json(folder / "result.json", lambda result: result.update(temperature=2.5))
    run = SeedRun(folder)
    raw, cooled = run.predictions("test"), run.calibrated("test")
    logits = np.log([row.probabilities for row in raw.rows]) / 2.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose([row.probabilities for row in cooled.rows], expected, rtol=1e-6)
    (surest, *_), *_ = (gallery.examples for gallery in galleries(cooled))
    assert f"{100 * surest.post.confidence:.0f} %" in Page(write_report(folder)).words
    assert surest.post.confidence < max(row.confidence for row in raw.rows)
