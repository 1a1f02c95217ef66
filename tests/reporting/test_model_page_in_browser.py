"""The page of a checked model does in a browser what it is for: the answer first, the graph, the table, the
keyboard. It skips where `test_page_in_browser` does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from conformance.reporting.model_page import render
from conformance.runners.registry import KERAS_TENSORFLOW
from tests.reporting import checked
from tests.reporting.checked import COMMAND
from tests.reporting.opening import LAPTOP, PHONE, OpenFile, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ANSWERS = checked.of_outcomes()
PLACES = ("#/", "#/?layer=tower%2Fnarrow", "#/?view=table", "#/?turn=tower&turn=minus+(rewritten)")

Open = Callable[..., "Page"]
"""(outcome, place in the page, viewport, and what else a context takes) → the page, opened"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page for each outcome."""
    folder = tmp_path_factory.mktemp("model-pages")
    for name, answer in ANSWERS.items():
        (folder / f"{name}.html").write_text(render(answer, COMMAND), "utf-8")
    return folder


@pytest.fixture
def open_page(open_file: OpenFile, pages: Path) -> Open:
    def opened(name: str = "departs", place: str = "#/", viewport: Any = LAPTOP, **options: Any) -> Page:
        page = open_file(pages / f"{name}.html", place, viewport, **options)
        page.wait_for_selector("[data-id], table.records tbody th a")
        return page

    return opened


def node(page: Page, id_: str) -> Any:
    return page.locator(f'[data-id="{id_}"]')


def said(page: Page, id_: str) -> str:
    """What a node says, also what only a screen reader tells."""
    return " ".join(node(page, id_).text_content().split())


def drawn(page: Page) -> list[str]:
    """The ids of the nodes that are shown, in the order in which they are told."""
    return list(page.locator("[data-id]").evaluate_all("all => all.map(one => one.dataset.id)"))


def text_of(page: Page, selector: str = "main") -> str:
    return " ".join(page.locator(selector).first.inner_text().split())


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("name", ANSWERS)
def test_every_outcome_fits_its_screen(open_page: Open, name: str, viewport: dict[str, int]) -> None:
    page = open_page(name, "#/", viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.locator("h1").inner_text().startswith("model.keras ")
    assert page.locator("[data-id]").count() >= 8


def test_the_answer_names_layer_error_deviation_and_remedy(open_page: Open) -> None:
    text = text_of(open_page())
    for phrase in (
        "model.keras on tfjs-wasm computes something else, and on tfjs-cpu computes the same.",
        "tower/narrow (Dense) is the first layer to depart, with an error of 0.5 where rounding allows 1e-06",
        "What to change: Masked steps count in the mean; write the masked mean out.",
        "First to depart: tower/narrow (Dense, call 1), output/0: error 0.5 at [0, 3], limit 1e-6, margin",
        "Then top.",
        "top ≠ not the same 2 NaN 1e-6 0.5",
        "keras-tensorflow 310 ms 19 ms keras 3.15.1, tensorflow 2.21.0",
        COMMAND,
    ):
        assert phrase in text


def test_a_thread_upstream_is_a_link_and_what_a_backend_says_is_text(open_page: Open) -> None:
    page = open_page("not-loaded")
    assert page.locator("article a[href='https://github.com/tensorflow/tfjs/issues/8406']").count() == 1
    assert "Dense takes no <b>bias</b>" in text_of(page, "article pre")


def test_what_cannot_be_converted_is_told_with_every_remedy_and_drawn(open_page: Open) -> None:
    page = open_page("not-converted")
    text = text_of(page)
    for phrase in ("class_name = 'Dense' of top", "units = 4 of narrow", "leave it out.", "refused"):
        assert phrase in text
    assert "tfjs-wasm raises" in said(page, "top")
    assert "a deviation is recorded" in said(page, "tower/wide")


def test_keras_that_did_not_start_is_told(open_page: Open) -> None:
    assert "keras-tensorflow gives nothing to compare the outputs with" in text_of(open_page("unavailable"))


def test_nodes_are_told_by_name_class_shape_verdicts_and_margin(open_page: Open) -> None:
    page = open_page()
    name = "narrow margin 5e5 Dense (None, 4) tfjs-wasm deviates, tfjs-cpu conforms"
    assert page.get_by_role("button", name=name, exact=True).get_attribute("data-id") == "tower/narrow"
    assert "Subtract rewritten" in said(page, "minus (rewritten)")


def test_edges_run_down_and_there_is_one_for_each_call_of_a_shared_model(open_page: Open) -> None:
    page = open_page()
    place = {id_: node(page, id_).bounding_box()["y"] for id_ in drawn(page)}
    assert place["one"] == place["other"] < place["tower"] < place["tower/wide"] < place["tower/narrow"]
    assert place["tower/narrow"] < place["minus (rewritten)"] < place["top"]
    assert page.locator("path.wire").count() == 7
    labels = page.locator(".drawing text").all_text_contents()
    assert sorted(labels) == ["call 0", "call 0", "call 1", "call 1"]


def test_models_are_open_and_rewritten_layers_closed_until_they_are_turned(open_page: Open) -> None:
    page = open_page()
    assert drawn(page) == [
        "one", "other", "tower", "tower/x", "tower/wide", "tower/narrow", "minus (rewritten)", "top",
    ]  # fmt: skip
    page.get_by_role("button", name="Close tower").click()
    page.get_by_role("button", name="Open minus").click()
    turned = ["one", "other", "tower", "minus (rewritten)", "minus_rescaling", "minus", "top"]
    assert drawn(page) == turned
    assert drawn(open_page("departs", f"#{page.url.partition('#')[2]}")) == turned
    page.get_by_role("button", name="Open all groups").click()
    assert len(drawn(page)) == 10


def test_a_layer_tells_its_numbers_deviation_and_neighbours(open_page: Open) -> None:
    page = open_page()
    node(page, "tower/narrow").click()
    page.wait_for_selector("aside:focus")
    text = text_of(page, "aside")
    for phrase in (
        "Gives (None, 4)",
        "Is given tower/wide",
        "units 4",
        "deviates output/0",
        "Margin 5e5 of the limit Largest error 0.5, 4.2e6 ULP at [0, 3] Limit there 1e-6",
        "tfjs-average-ignores-mask",
        "source: @tensorflow/tfjs-layers@4.22.0 dist/layers/pooling.js:441",
        "Reached within the bound of rounding",
    ):
        assert phrase in text
    assert page.locator("aside a[href='https://github.com/tensorflow/tfjs/issues/8406']").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_selector("aside", state="detached")
    assert page.locator(":focus").get_attribute("data-id") == "tower/narrow"


def test_what_nothing_explains_has_its_message_and_remedy(open_page: Open) -> None:
    text = text_of(open_page("departs", "#/?layer=top"), "aside")
    assert "Largest error ∞ at [1, 0] Limit there 0 NaN where there should be none" in text
    assert "What to change: report it to the backend's maintainers." in text
    assert "tfjs-masked-step-is-a-product recorded: computed otherwise; not seen on these inputs" in text


def test_a_rewritten_layer_tells_what_conversion_did(open_page: Open) -> None:
    text = text_of(open_page("departs", "#/?layer=minus+(rewritten)"), "aside")
    assert "Subtract, written as other layers" in text
    assert "layers.Subtract minus → x + (−y)" in text
    assert "As minus_rescaling, minus." in text


def test_the_first_layer_that_departs_is_jumped_to_and_then_the_next(open_page: Open) -> None:
    page = open_page("departs", "#/?turn=tower")
    page.get_by_role("button", name="First that departs").click()
    assert node(page, "tower/narrow").get_attribute("aria-current") == "true"
    page.get_by_role("button", name="Next").click()
    assert node(page, "top").get_attribute("aria-current") == "true"


def test_the_arrow_keys_walk_along_edges_and_through_groups(open_page: Open) -> None:
    page = open_page()
    node(page, "one").focus()
    walked = []
    for key in (
        "ArrowRight",
        "ArrowDown",
        "ArrowDown",
        "ArrowDown",
        "ArrowDown",
        "ArrowDown",
        "ArrowUp",
        "Home",
    ):
        page.keyboard.press(key)
        walked.append(page.locator(":focus").get_attribute("data-id"))
    assert walked == [
        "other", "tower", "tower/x", "tower/wide", "tower/narrow", "minus (rewritten)", "tower", "one",
    ]  # fmt: skip
    assert page.locator('[data-id][tabindex="0"]').count() == 1
    node(page, "minus (rewritten)").focus()
    page.keyboard.press("Space")
    assert "minus_rescaling" in drawn(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("aside:focus")


def test_a_search_fades_the_others_and_enter_goes_through_what_is_found(open_page: Open) -> None:
    page = open_page()
    search = page.get_by_role("searchbox")
    search.fill("dense")
    assert "3 of 8 layers" in text_of(page)
    assert page.locator(".faded [data-id]").evaluate_all("all => all.map(one => one.dataset.id)") == [
        "one", "other", "tower/x", "minus (rewritten)",
    ]  # fmt: skip
    search.press("Enter")
    assert node(page, "tower/wide").get_attribute("aria-current") == "true"


def test_the_table_has_the_layers_their_numbers_and_what_is_sought(open_page: Open) -> None:
    page = open_page("departs", "#/?view=table")
    rows = page.locator("table.records", has_text="Is given").locator("tbody tr")
    assert rows.count() == 8
    text = " ".join(rows.nth(4).inner_text().split())
    for phrase in (
        "tower/narrow Dense (None, 4) tower/wide",
        "deviates margin 5e5, error 0.5 (4.2e6 ULP), limit 1e-6 tfjs-average-ignores-mask",
        "conforms margin 0.25",
    ):
        assert phrase in text
    page.get_by_role("button", name="diverges").click()
    assert rows.locator("th").all_inner_texts() == ["top"]


def test_it_zooms_by_buttons_and_by_keys(open_page: Open) -> None:
    page = open_page()

    def width() -> float:
        return float(node(page, "top").bounding_box()["width"])

    before = width()
    page.get_by_role("button", name="Larger").click()
    assert width() == pytest.approx(1.25 * before, rel=1e-3)
    node(page, "top").focus()
    page.keyboard.press("-")
    assert width() == pytest.approx(before, rel=1e-3)


def test_it_zooms_about_the_pointer_and_is_dragged(open_file: OpenFile, tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    file.write_text(render(checked.large(30), COMMAND), "utf-8")
    page = open_file(file)
    page.wait_for_selector("[data-id]")
    frame = page.locator("[role=region]")
    frame.scroll_into_view_if_needed()
    box = node(page, "layer_4").bounding_box()
    x, y = box["x"] + 5, box["y"] + 5
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -150)
    page.keyboard.up("Control")
    layer = "document.querySelector('[data-id=layer_4]')"
    page.wait_for_function(f"width => {layer}.getBoundingClientRect().width > 1.2 * width", arg=box["width"])
    now = node(page, "layer_4").bounding_box()
    assert now["x"] < x < now["x"] + now["width"]
    assert abs(now["y"] + 5 - y) < 10
    before = frame.evaluate("frame => frame.scrollTop")
    edge = frame.bounding_box()
    assert edge is not None
    page.mouse.move(edge["x"] + 20, y)
    page.mouse.down()
    page.mouse.move(edge["x"] + 20, y - 60)
    page.mouse.up()
    assert frame.evaluate("frame => frame.scrollTop") == pytest.approx(before + 60, abs=2)


def test_graph_and_table_are_printed_whole(open_page: Open) -> None:
    page = open_page()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    frame = page.locator("[role=region]")
    assert frame.evaluate("frame => getComputedStyle(frame).overflow") == "visible"
    assert frame.evaluate("frame => frame.clientHeight >= frame.firstElementChild.clientHeight")
    assert page.locator("table.records", has_text="Is given").locator("tbody tr").count() == 8
    assert page.locator("form, header").evaluate_all("all => all.every(one => !one.checkVisibility())")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_inaccessible(open_page: Open, place: str, scheme: str) -> None:
    assert violations(open_page("departs", place, color_scheme=scheme)) == []


@pytest.mark.parametrize("name", ["not-converted", "not-loaded", "unspecified"])
def test_axe_finds_nothing_inaccessible_in_other_outcomes(open_page: Open, name: str) -> None:
    assert violations(open_page(name)) == []


def test_eight_hundred_layers_open_and_the_one_that_departs_is_found(
    open_file: OpenFile, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    file = tmp_path / "large.html"
    file.write_text(render(checked.large(), COMMAND), "utf-8")
    page = open_file(file)
    page.wait_for_selector("[data-id]")
    shown = page.evaluate(
        "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
    )
    record_property("milliseconds until 801 layers are drawn", round(shown))
    assert page.locator("[data-id]").count() == 801
    page.get_by_role("button", name="First that departs").click()
    page.wait_for_function(
        """() => {
            const node = document.querySelector('[data-id="layer_400"]').getBoundingClientRect();
            const frame = document.querySelector("[role=region]").getBoundingClientRect();
            return node.top >= frame.top && node.bottom <= frame.bottom && node.bottom <= innerHeight;
        }"""
    )


def test_what_an_answer_says_is_text_and_nothing_else(open_file: OpenFile, tmp_path: Path) -> None:
    attack = "<img src=x onerror=alert(1)>"
    answer = checked.departing()
    deviations = tuple(
        msgspec.structs.replace(d, summary=attack, upstream=f"javascript:alert(2) {attack}")
        for d in answer.deviations
    )
    file = tmp_path / "page.html"
    file.write_text(render(msgspec.structs.replace(answer, deviations=deviations, made_by=attack), attack))
    page = open_file(file, "#/?layer=tower%2Fnarrow")
    page.wait_for_selector("aside")
    assert attack in text_of(page)
    assert page.locator("img, main script, a[href^='javascript:']").count() == 0


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that Keras has saved, and of the pages that the command line has made of them."""
    folder = tmp_path_factory.mktemp("real")
    maker = Path(__file__).parents[1] / "interchange" / "adapters" / "checked_models.py"
    subprocess.run([sys.executable, maker, folder], env=os.environ | KERAS_TENSORFLOW, check=True)
    for name, code in {"image": 0, "shared": 0, "masked": 1, "groups": 1}.items():
        command: list[str | Path] = [sys.executable, "-m", "conformance", "check", folder / f"{name}.keras"]
        command += ["--html", folder / f"{name}.html"]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == code, done.stderr.decode()
    return folder


@pytest.mark.keras
@pytest.mark.node
@pytest.mark.parametrize(
    ("name", "claim", "layers"),
    [
        ("image", "image.keras on tfjs-wasm computes the same.", {"image", "conv", "norm", "flat", "top"}),
        (
            "shared",
            "shared.keras on tfjs-wasm computes the same.",
            {"one", "other", "tower", "tower/x", "tower/low", "minus (rewritten)", "top"},
        ),
        (
            "masked",
            "masked.keras on tfjs-wasm computes something else, as recorded.",
            {"words", "embedding", "average", "top"},
        ),
        ("groups", "groups.keras cannot be converted.", {"numbers", "low", "norm"}),
    ],
)
def test_a_real_model_from_its_file_to_its_page(
    open_file: OpenFile, real: Path, name: str, claim: str, layers: set[str]
) -> None:
    page = open_file(real / f"{name}.html")
    page.wait_for_selector("[data-id]")
    assert page.locator("h1").inner_text() == claim
    assert set(drawn(page)) == layers
    assert violations(page) == []
    assert "conformance check" in text_of(page)
