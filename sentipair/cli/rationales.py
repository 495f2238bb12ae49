"""``sentipair rationales``: why each post could be meant so, from a large model or from a word list."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sentipair.cli.options import Json, Root
from sentipair.cli.show import print_json, print_paths, print_table
from sentipair.errors import UserError
from sentipair.files import alone_in
from sentipair.progress import say

if TYPE_CHECKING:
    from sentipair.data import PairDataset
    from sentipair.rationales.client import Server
    from sentipair.rationales.estimate import Price
    from sentipair.rationales.outcome import Outcome
    from sentipair.rationales.questions import Manner
    from sentipair.reporting.tables import Table


def rationales(
    data: Annotated[str, typer.Argument(help="A data set by name, or your own table or folder.")],
    root: Root = None,
    variant: Annotated[str | None, typer.Option(help="The label rule, such as agree-only.")] = None,
    provider: Annotated[
        Literal["lexicon", "openai"],
        typer.Option(
            help="lexicon: word list and colours, offline. openai: a server with the OpenAI chat API."
        ),
    ] = "lexicon",
    base_url: Annotated[
        str | None, typer.Option(help="The server, such as http://localhost:8000/v1.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model, as the server calls it.", show_default=False)
    ] = None,
    key_variable: Annotated[
        str, typer.Option(help="The environment variable that holds the API key, if the server wants one.")
    ] = "OPENAI_API_KEY",
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="Also ask which class fits, and score that against the labels.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask about the first N posts only; the table has all answers.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Questions under way at a time.")] = 8,
    requests_per_minute: Annotated[float | None, typer.Option(min=0.01, help="The most in a minute.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for an answer.")] = 120,
    max_tokens: Annotated[int, typer.Option(min=1, help="The longest answer.")] = 200,
    picture_side: Annotated[int, typer.Option(min=28, help="Pictures are sent at most this large.")] = 768,
    price_per_million: Annotated[
        str | None, typer.Option(help="INPUT/OUTPUT per million tokens, such as 0.2/0.6; estimates the cost.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending to a remote server.")] = False,
    output: Annotated[Path, typer.Option(help="Folder for answers and tables.")] = Path("runs/rationales"),
    as_json: Json = False,
) -> None:
    """One rationale per class for every post: what in it speaks for that reading.

    Every answer is kept under the post's content, the class, the model and the wording; repeating the command asks only
    what has no answer yet. Train with them: --set data.rationales=TABLE, or data.rationales=lexicon.

    Example: sentipair rationales posts.csv --verdicts

    Example: sentipair rationales mvsa-single --root path/to/it --provider openai --base-url http://localhost:8000/v1
    --model Qwen/Qwen2.5-VL-7B-Instruct --limit 20
    """
    from sentipair.data import all_readers, load_dataset
    from sentipair.rationales.estimate import Price
    from sentipair.rationales.outcome import lexicon_outcome
    from sentipair.rationales.questions import Manner

    dataset = load_dataset(data, root=Path(root) if root else None, variant=variant)
    if provider == "lexicon":
        if limit is not None:
            raise UserError("--limit is for --provider openai; the lexicon takes all posts in seconds")
        outcome = lexicon_outcome(dataset, verdicts=verdicts)
        if set(outcome.asked) - {"verdict"} != set(dataset.classes):
            say(
                f"the lexicon knows sentiments only, not {', '.join(dataset.classes)}: "
                "its rationales say what is positive, neutral and negative about a post, and there are no verdicts"
            )
    else:
        outcome = _ask(
            dataset,
            server=_server(base_url, model, key_variable, concurrency, requests_per_minute, timeout),
            manner=Manner(max_tokens=max_tokens, picture_side=picture_side),
            price=None if price_per_million is None else Price.parse(price_per_million),
            verdicts=verdicts,
            limit=limit,
            yes=yes,
            output=output,
        )
    # tables of one name from two folders hold other posts under the same numbers
    of = data if data in all_readers() else f"{Path(dataset.name).stem}-{dataset.fingerprint[:8]}"
    name = f"{of}-{_short(model) if provider == 'openai' else provider}"
    paths = outcome.write(output, name)
    scores = _score(dataset, outcome)
    if as_json:
        named = {key: str(path) for key, path in paths.items()}
        print_json({"answers": outcome.counts(), "verdicts": scores, **named})
        return
    print_table(_counts_table(outcome))
    if scores:
        print_table(_verdict_table(scores))
    print_paths(**paths)


def _ask(
    dataset: PairDataset,
    *,
    server: Server,
    manner: Manner,
    price: Price | None,
    verdicts: bool,
    limit: int | None,
    yes: bool,
    output: Path,
) -> Outcome:
    """Ask the server what has no answer yet, after saying what that will take."""
    from sentipair.rationales.answers import AnswerStore, model_folder
    from sentipair.rationales.asking import ask_all, unanswered
    from sentipair.rationales.estimate import estimate, forecast, money
    from sentipair.rationales.outcome import answered_outcome
    from sentipair.rationales.prompts import VERDICT
    from sentipair.rationales.questions import inquire

    folder = model_folder(output, server.model)
    asked = (*dataset.classes, VERDICT) if verdicts else dataset.classes
    inquiries = inquire(
        dataset.pairs, polarities=dataset.classes, asked=asked, model=server.model, manner=manner
    )
    with alone_in(folder):
        store = AnswerStore(folder)
        todo = unanswered(inquiries[:limit], store)
        failed: dict[Any, str] = {}
        if todo:
            guess = estimate(todo, manner=manner, price=price, requests_per_minute=server.requests_per_minute)
            say(guess.describe())
            if not (yes or (server.is_local and price is None)):
                _confirm(f"Send them to {server.address}?")
            tally = ask_all(
                todo,
                server=server,
                manner=manner,
                polarities=dataset.classes,
                store=store,
                forecast=lambda tally, left: forecast(tally, left, price),
            )
            failed = tally.failed
            cost = "" if price is None else f", {money(price.of(tally.tokens_in, tally.tokens_out))} in all"
            say(f"{tally.answered:,} answers in {tally.seconds:.0f} s{cost}")
    return answered_outcome(inquiries, asked, store=store, failed=failed)


def _server(
    base_url: str | None,
    model: str | None,
    key_variable: str,
    concurrency: int,
    requests_per_minute: float | None,
    timeout: float,
) -> Server:
    from sentipair.rationales.client import Server

    if not base_url or not model:
        raise UserError("--provider openai needs --base-url, such as http://localhost:8000/v1, and --model")
    return Server(
        base_url=base_url,
        model=model,
        api_key=os.environ.get(key_variable, "").strip() or None,
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        timeout=timeout,
    )


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise UserError("add --yes to send the posts to a remote server")
    typer.confirm(question, abort=True, err=True)


def _score(dataset: PairDataset, outcome: Outcome) -> dict[str, dict[str, Any]]:
    if not outcome.verdicts:
        return {}
    from sentipair.evaluation.verdicts import verdict_scores

    return verdict_scores(dataset, outcome.verdicts)


def _short(model: str | None) -> str:
    from sentipair.rationales.answers import model_folder

    return model_folder(Path(), model or "").name


def _counts_table(outcome: Outcome) -> Table:
    from sentipair.reporting.tables import Table

    counts = outcome.counts()
    kinds = list(dict.fromkeys(kind for found in counts.values() for kind in found))
    rows = [[name, *(f"{found.get(kind, 0):,}" for kind in kinds)] for name, found in counts.items()]
    return Table(title="Answers", columns=["asked for", *kinds], rows=rows)


def _verdict_table(scores: dict[str, dict[str, Any]]) -> Table:
    from sentipair.reporting.tables import Table

    statistics = list(next(iter(scores.values()))["intervals"])
    rows = []
    for split, found in scores.items():
        cells = []
        for name in statistics:
            low, high = found["intervals"][name]
            cells.append(f"{found['metrics'][name]:.3f} ({low:.3f} – {high:.3f})")
        floor = found["metrics"]["majority_accuracy"]
        rows.append([split, f"{found['answered']:,} of {found['rows']:,}", *cells, f"{floor:.3f}"])
    return Table(
        title="Verdicts against labels",
        columns=["split", "answered", *(name.replace("_", " ") for name in statistics), "majority accuracy"],
        rows=rows,
        note="Posts without a verdict count as the most frequent class of training. Intervals: 95 %, bootstrap.",
    )
