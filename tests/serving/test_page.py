"""The page in headless Chromium, before the real server with the shipped model."""

from __future__ import annotations

import base64
import csv
import json
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright")

from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SAMPLES = Path(__file__).parents[2] / "sentipair" / "serving" / "page" / "samples"
MARKUP = "<img src=x onerror=\"document.title='owned'\"> <b>bold</b>"

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium: install chromium to test the page")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser, server: Any) -> Iterator[Callable[..., Page]]:
    """``open_page(**settings of a context)``: the page, which must not raise or break its security policy."""
    contexts, errors = [], []

    def build(**settings: Any) -> Page:
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
        page.goto(server.url)
        return page

    yield build
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


def answered(server: Any, text: str, picture: str | None = None, path: str = "predict") -> Any:
    """What the server says of a post to others than the page."""
    post = {"text": text}
    if picture:
        post["image"] = base64.b64encode((SAMPLES / picture).read_bytes()).decode()
    request = Request(
        f"{server.url}/v1/{path}", json.dumps(post).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=60) as response:
        return json.load(response)


def shares(probabilities: dict[str, float]) -> str:
    return ", ".join(f"{name} {int(100 * p + 0.5)}\u00a0%" for name, p in probabilities.items())


def test_a_typed_text_is_answered(page: Page, server: Any) -> None:
    page.get_by_label("Text", exact=True).fill("what a wonderful day")
    said = answered(server, "what a wonderful day")
    expect(page.locator(".verdict .label")).to_have_text(said["label"])
    expect(page.get_by_label(f"Text: {shares(said['probabilities'])}")).to_be_visible()
    expect(page.locator(".opinions dt")).to_have_text(["Text"])
    expect(page.locator(".words .word")).to_have_text(["what", "a", "wonderful", "day"])
    page.get_by_label("Text", exact=True).fill("")
    expect(page.locator("#answer .hint")).to_contain_text("the answer appears here")
    expect(page.locator("#why")).to_be_hidden()


def test_a_sample_shows_three_opinions_and_what_spoke_for_them(page: Page, server: Any) -> None:
    page.get_by_role("button", name="Smiling through it").click()
    text = "Worst week in ages. Everything went wrong and I am so tired."
    said = answered(server, text, "week.jpg", "explain")
    opinions = {"Together": said["prediction"], "Text alone": said["prediction"]["text"]}
    opinions["Picture alone"] = said["prediction"]["image"]
    for name, opinion in opinions.items():
        expect(page.get_by_label(f"{name}: {shares(opinion['probabilities'])}")).to_be_visible()
    expect(page.locator(".regions rect")).to_have_count(len(said["regions"]))
    sides = ["against" if word["influence"] < 0 else "for" for word in said["words"]]
    expect(page.locator(".words .word")).to_have_class([f"word {side}" for side in sides])
    page.get_by_role("button", name="Remove the picture").click()
    expect(page.locator(".opinions dt")).to_have_text(["Text"])
    expect(page.locator(".regions")).to_have_count(0)


def test_every_sample_has_its_picture(page: Page) -> None:
    loaded = "pictures => pictures.map(picture => picture.naturalWidth > 0)"
    page.wait_for_load_state("networkidle")
    assert page.locator(".samples img").evaluate_all(loaded) == [True] * 5
    expect(page.locator(".samples button")).to_have_count(6)
    assert sum(file.stat().st_size for file in SAMPLES.iterdir()) <= 150_000


def opinion(label: str) -> dict[str, Any]:
    return {"label": label, "probabilities": {"positive": 0.25, "negative": 0.75}}


def test_a_conflict_is_told_in_a_sentence(page: Page) -> None:
    prediction = opinion("negative") | {"confidence": 0.75, "text": opinion("positive"), "conflict": True}
    prediction |= {"image": opinion("negative"), "unusable": None, "truncated": "128 of 200 words were read"}
    page.route("**/v1/predict", lambda route: route.fulfill(json=prediction))
    page.get_by_label("Text", exact=True).fill("great")
    expect(page.locator(".conflict")).to_have_text(
        "Text and picture disagree: the text alone says positive, the picture negative. "
        "Together they read as negative."
    )
    expect(page.locator(".remark")).to_have_text("A long text: 128 of 200 words were read.")


@pytest.mark.parametrize(("kind", "place"), [("drop", "#drop"), ("paste", "#text")])
def test_a_picture_is_dropped_or_pasted(page: Page, server: Any, kind: str, place: str) -> None:
    given = """([kind, place, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "a.jpg", { type: "image/jpeg" }));
        const [Kind, name] = kind === "drop" ? [DragEvent, "dataTransfer"] : [ClipboardEvent, "clipboardData"];
        const event = new Kind(kind, { [name]: data, bubbles: true, cancelable: true });
        document.querySelector(place).dispatchEvent(event);
    }"""
    page.evaluate(given, [kind, place, list((SAMPLES / "picnic.jpg").read_bytes())])
    said = answered(server, "", "picnic.jpg")
    expect(page.get_by_label(f"Picture: {shares(said['image']['probabilities'])}")).to_be_visible()
    expect(page.get_by_alt_text("The picture of the post")).to_be_visible()
    expect(page.locator(".opinions dt")).to_have_text(["Picture"])


def test_an_abstaining_model_is_not_sure(page: Page) -> None:
    prediction = opinion("negative") | {"label": None, "confidence": 0.75, "abstained": True}
    page.route("**/v1/predict", lambda route: route.fulfill(json=prediction))
    page.get_by_label("Text", exact=True).fill("hm")
    expect(page.locator(".verdict")).to_have_text("not sureThe model abstains.")


def test_a_chosen_picture_that_is_none_is_told_in_words(page: Page) -> None:
    page.locator("#image").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    )
    expect(page.locator("#problem")).to_contain_text("picture")
    page.get_by_label("Text", exact=True).fill("but a text")
    expect(page.locator(".remark")).to_contain_text("The picture took no part")


def test_markup_stays_text(page: Page) -> None:
    page.get_by_label("Text", exact=True).fill(MARKUP)
    expect(page.locator(".words")).to_contain_text("<b>bold</b>")
    upload(
        page,
        "posts.csv",
        f'text,"{MARKUP.replace(chr(34), chr(34) * 2)}"\n"{MARKUP.replace(chr(34), chr(34) * 2)}",1\n',
    )
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator("tbody td").nth(2)).to_have_text(MARKUP)
    assert page.locator("b, img[src=x]").count() == 0
    assert page.title() != "owned"


def upload(page: Page, name: str, content: str | bytes) -> None:
    page.get_by_role("tab", name="A table").click()
    data = content.encode() if isinstance(content, str) else content
    page.locator("#table-file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})


def test_a_table_comes_back_scored(page: Page, server: Any) -> None:
    texts = ["I love it", 'so sad,\nand "tired"', "", "no picture here"]
    pictures = ["shots/week.jpg", "", "", "gone.jpg"]
    rows = [[str(number), *cells] for number, cells in enumerate(zip(texts, pictures, strict=True))]
    written = StringIO()
    csv.writer(written).writerows([["id", "Text", "image"], *rows])
    upload(page, "mine.csv", written.getvalue())
    page.locator("#table-pictures").set_input_files(SAMPLES / "week.jpg")
    expect(page.locator("#table-status")).to_have_text("Rows: 4; pictures here: 1 of 2.")
    page.get_by_role("button", name="Score", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the scored table").click()
    assert download.value.suggested_filename == "mine-scored.csv"
    scored = list(csv.DictReader(StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert [[row["id"], row["Text"], row["image"]] for row in scored] == [
        [number, text.replace("\r\n", "\n"), image] for number, text, image in rows
    ]
    alone = [
        answered(server, texts[0], "week.jpg"),
        answered(server, texts[1]),
        None,
        answered(server, texts[3]),
    ]
    assert [row["prediction"] for row in scored] == [one["label"] if one else "" for one in alone]
    for row, one in zip(scored, alone, strict=True):
        for name, p in one["probabilities"].items() if one else ():
            assert float(row[f"p({name})"]) == pytest.approx(p, abs=0.01)
    problems = ["", "", "neither a text nor a picture", "there is no picture at gone.jpg"]
    assert [row["problem"] for row in scored] == problems
    expect(page.locator("#results svg")).to_have_count(2)
    expect(page.locator("tbody tr")).to_have_count(4)


def test_a_table_without_usable_posts_comes_back_with_the_reasons(page: Page) -> None:
    upload(page, "mine.csv", "text,image\n,\n,gone.jpg\n")
    page.get_by_role("button", name="Score", exact=True).click()
    problems = page.locator("tbody td:nth-child(7)")
    expect(problems.nth(0)).to_have_text("neither a text nor a picture")
    expect(problems.nth(1)).to_have_text("there is no picture at gone.jpg")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_tables_are_read_in_the_encodings_that_people_have(page: Page, encoding: str) -> None:
    upload(page, "odd.csv", "text,b\nein schöner Tag…\n".encode(encoding))
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator("tbody td").nth(2)).to_have_text("ein schöner Tag…")


def test_a_post_beyond_a_limit_does_not_end_the_table(page: Page) -> None:
    rng = np.random.default_rng(0)
    for name, side in (("large.png", 1500), ("huge.png", 2000), ("many-pixels.png", 8000)):
        file = BytesIO()
        noise = (
            rng.integers(0, 256, (side, side, 3), np.uint8)
            if side < 8000
            else np.zeros((side, side), np.uint8)
        )
        Image.fromarray(noise).save(file, "PNG", compress_level=0 if side < 8000 else 1)
        page.locator("#table-pictures").set_input_files(
            {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}
        )
    rows = [
        ["fine", ""],
        ["x" * 100_001, ""],
        ["a", "large.png"],
        ["b", "huge.png"],
        ["c", "many-pixels.png"],
    ]
    written = StringIO()
    csv.writer(written).writerows([["text", "image"], *rows, ["fine too", ""]])
    upload(page, "mine.csv", written.getvalue())
    page.get_by_role("button", name="Score", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the scored table").click()
    scored = list(csv.DictReader(StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert [row["problem"] for row in scored] == [
        "",
        "the text has 100,001 characters, the limit is 100,000",
        "",
        "The request is larger than the limit of 10,000,000 bytes.",
        "picture cannot be used: 8000×8000 pixels, the limit is 50,000,000",
        "",
    ]
    assert [bool(row["prediction"]) for row in scored] == [True, False, True, False, True, True]
    assert bool(scored[2]["image_alone"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("text\n", "has no rows"),
        ("a,b\n1,2\n", "neither a column image nor text (it has: a, b)"),
        (
            "text,b\na,b,c\n",
            "odd.csv, row 1 has 3 fields, the header 2; put texts that hold the separator in quot",
        ),
        ('text,image\n"she said,x.jpg\nsecond,y.jpg\n', "a quotation mark is never closed"),
        ("text,image\ncat,a/1.jpg\ndog,b/1.jpg\n", "several pictures called 1.jpg, in several folders"),
    ],
)
def test_an_odd_table_is_refused_in_words(page: Page, content: str | bytes, words: str) -> None:
    upload(page, "odd.csv", content)
    expect(page.locator("#table-problem")).to_contain_text(words)
    expect(page.get_by_role("button", name="Score", exact=True)).to_be_disabled()


def test_a_large_table_goes_in_chunks_and_keeps_its_order(page: Page) -> None:
    sizes = []

    def score(route: Route) -> None:
        posts = route.request.post_data_json
        sizes.append(len(posts))
        if len(sizes) == 2:
            route.fulfill(status=429, headers={"Retry-After": "0.1"}, json={"detail": "busy"})
            return
        said = [
            opinion("negative")
            | {"confidence": len(post["text"]) / 100, "conflict": False, "text": opinion("negative")}
            for post in posts
        ]
        route.fulfill(json=said)

    page.route("**/v1/predict/batch", score)
    upload(page, "many.csv", "text\n" + "".join("x" * number + "\n" for number in range(1, 71)))
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(70)
    assert sizes == [32, 32, 32, 6]  # the second one was asked again
    shown = page.locator("tbody td:nth-child(2)").all_inner_texts()
    assert shown == [f"negative {number}\u00a0%" for number in range(1, 71)]


def test_tables_of_every_kind_are_read(page: Page) -> None:
    read = "text => import('/csv.js').then(({ parseCsv, writeCsv }) => [parseCsv(text), writeCsv(parseCsv(text))])"
    rows = [["text", "a b"], ['say "hi", now', "two\nlines"], ["", "é😊"]]
    for separator, end in ((",", "\n"), (";", "\r\n"), ("\t", "\n")):
        written = StringIO(newline="")
        csv.writer(written, delimiter=separator, lineterminator=end).writerows(rows)
        parsed, again = page.evaluate(read, written.getvalue())
        assert parsed == rows
        assert list(csv.reader(StringIO(again, newline=""))) == rows


def test_a_server_that_is_gone_is_told(page: Page) -> None:
    page.context.set_offline(True)
    page.get_by_label("Text", exact=True).fill("anybody there")
    expect(page.get_by_role("alert").first).to_contain_text("The server does not answer")
    page.context.set_offline(False)
    page.get_by_label("Text", exact=True).fill("anybody there?")
    expect(page.locator(".verdict")).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()


def test_a_key_is_asked_for_and_used(page: Page) -> None:
    def check(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer secret":
            route.continue_()
        else:
            route.fulfill(status=401, json={"detail": "give an API key"})

    page.route("**/v1/predict", check)
    page.get_by_label("Text", exact=True).fill("what a day")
    expect(page.locator("#problem")).to_have_text("Give an API key.")
    page.get_by_label("This server asks for a key").fill("secret")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_be_visible()
    expect(page.locator("#key")).to_be_hidden()


def test_dark_by_system_and_by_choice(open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(18, 22, 28)"
    page.get_by_role("button", name="Switch between light and dark").click()
    page.reload()
    assert page.evaluate(background) == "rgb(246, 247, 249)"


def test_a_phone_never_scrolls_sideways(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 375, "height": 700})
    overflow = "document.documentElement.scrollWidth - innerWidth"
    buffer = BytesIO()
    Image.new("RGB", (2000, 100), "orange").save(buffer, "PNG")
    page.locator("#image").set_input_files(
        {"name": "wide.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    page.get_by_label("Text", exact=True).fill("endless" * 40)
    expect(page.locator(".regions")).to_be_visible()
    assert page.evaluate(overflow) <= 0
    upload(page, "long" * 20 + ".csv", "text\n" + "endless" * 40 + "\n")
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.evaluate(overflow) <= 0


def test_everything_is_reached_by_keyboard(page: Page) -> None:
    outline = (
        "getComputedStyle(document.activeElement.closest('.drop') ?? document.activeElement).outlineStyle"
    )
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.title"))
        assert page.evaluate(outline) == "solid"
    assert reached[:4] == ["tab-post", "theme", "image", "text"]
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value(reached[4])
    page.locator("#tab-post").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#table")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "tab-table"
