"""The page does in a browser what it is for, from a file, without a network, with a keyboard too.

They skip without Playwright (the extra `browser`) or without Chromium, which is Debian's `chromium`, or what
CONFORMANCE_CHROMIUM names. Those about accessibility need what `npm ci` installs beside the page's source.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from conformance.reporting.page import render
from conformance.reporting.results import Cell, Finding, encode_results
from conformance.reporting.store import PAGE, RESULTS, Report, read
from conformance.verdicts import Verdict
from tests.reporting import synthetic
from tests.reporting.opening import LAPTOP, PHONE, OpenFile, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

VIEWS = {
    "#/": "h2:has-text('Subjects by properties')",
    "#/?cell=layers.Conv2D/forward/tfjs-wasm": "aside details[open] h4",
    "#/findings": "article",
    "#/specification": "tbody",
    "#/deviations": "tbody",
    "#/deviation/tfjs-cpu/tfjs-gelu-tanh": "h2:has-text('What it explains')",
    "#/layer/layers.LSTM": "h2:has-text('Arguments')",
    "#/backend/tfjs-wasm": "h2:has-text('Recorded deviations')",
    "#/coverage": "tbody",
    "#/margins": "svg",
    "#/changes": "input[type=file]",
    "#/reading": "h2:has-text('What was run')",
}
"""The place of each view, and what is there once it is complete."""

Open = Callable[..., "Page"]
"""(place in the page, viewport, and what else a context of the browser takes) → the page, opened"""


@pytest.fixture
def open_page(open_file: OpenFile, written: Path) -> Open:
    """Opens the page of the synthetic results, or of those in another directory."""

    def opened(place: str = "#/", viewport: Any = LAPTOP, at: Path = written, **options: Any) -> Page:
        return open_file(at / PAGE, place, viewport, **options)

    return opened


def cell(page: Page, name: str) -> Any:
    """The place in the matrix whose name begins so."""
    return page.locator(f'td[aria-label^="{name}"]')


def text_of(page: Page, selector: str = "main") -> str:
    return " ".join(page.locator(selector).inner_text().split())


@pytest.mark.parametrize("place", VIEWS)
@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_every_view_fits_its_screen_and_asks_for_nothing(
    open_page: Open, place: str, viewport: dict[str, int]
) -> None:
    page = open_page(place, viewport)
    page.wait_for_selector(VIEWS[place])
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_the_overview_has_totals_with_their_denominators(open_page: Open) -> None:
    text = text_of(open_page())
    assert "2,756 of 2,832 checks conform" in text
    assert "12 deviate as recorded, 8 unsupported, 4 unspecified, 32 failed, 12 broken, 8 not run" in text
    assert "928 of 944" in text


def test_a_backend_that_did_not_start_is_named(open_page: Open) -> None:
    text = text_of(open_page())
    assert "mine could not be started. Nothing is known of it." in text
    assert "No module named 'mine'" in text


def test_a_deviation_that_no_longer_holds_is_named_at_once(open_page: Open) -> None:
    assert "wasm-conv-gradient of tfjs-wasm no longer holds" in text_of(open_page())


def test_an_interrupted_run_says_so(open_page: Open, report: Report, tmp_path: Path) -> None:
    results = msgspec.structs.replace(report.results, status="interrupted")
    (tmp_path / PAGE).write_text(render(Report(results, report.checks)), "utf-8")
    assert "Interrupted." in text_of(open_page(at=tmp_path))


@pytest.fixture(scope="session")
def report(written: Path) -> Report:
    return read(written)


def test_the_matrix_names_every_cell_with_all_backends(open_page: Open, report: Report) -> None:
    page = open_page()
    places = {(c.subject, c.property) for c in report.results.cells}
    asked = page.locator("tr[data-subject] td:not([aria-label$='never asked'])")
    assert asked.count() == len(places)
    conv = cell(page, "Conv2D, forward").get_attribute("aria-label")
    assert conv == "Conv2D, forward: keras-tensorflow conforms, tfjs-cpu conforms, tfjs-wasm diverges"


def test_verdicts_are_told_by_a_glyph_too(open_page: Open) -> None:
    assert cell(open_page(), "Conv2D, forward").inner_text() == "✓✓≠"


def test_tiles_tell_their_worst_margin_where_that_is_asked(open_page: Open) -> None:
    page = open_page("#/?show=margins")
    assert cell(page, "Conv2D, forward").inner_text().endswith("3e3")
    assert cell(page, "Conv2D, dtype").inner_text() == "✓✓✓"


def test_a_cell_opens_and_closes_by_keyboard_and_the_focus_comes_back(open_page: Open) -> None:
    page = open_page()
    cell(page, "Dense, forward").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    focused = page.locator(":focus")
    name = focused.get_attribute("aria-label")
    page.keyboard.press("Enter")
    page.wait_for_selector("aside:focus")
    assert page.url.endswith("?cell=layers.Embedding%2Fforward")
    page.keyboard.press("Escape")
    page.wait_for_selector("aside", state="detached")
    assert page.locator(":focus").get_attribute("aria-label") == name
    assert "cell=" not in page.url


def test_one_place_of_the_matrix_is_reached_by_tab(open_page: Open) -> None:
    page = open_page()
    cell(page, "Dense, dtype").focus()
    assert page.locator('table[role=grid] [tabindex="0"]').count() == 1
    assert cell(page, "Dense, dtype").get_attribute("tabindex") == "0"


def test_an_open_cell_tells_verdict_rung_margin_agreement_and_case(open_page: Open) -> None:
    page = open_page("#/?cell=layers.Dense/forward/tfjs-cpu")
    page.wait_for_selector("aside details[open] h4")
    text = text_of(page, "aside")
    for phrase in (
        "conforms tfjs-cpu 4 of 4 checks conform",
        "required at the strictest",
        "Worst margin 0.",
        "keras-tensorflow in 4, tfjs-wasm in 4 of 4",
        "Worst case",
    ):
        assert phrase in text


def test_an_open_cell_tells_its_finding_and_how_to_see_it_again(open_page: Open, report: Report) -> None:
    (finding,) = (f for f in report.results.findings if is_of_convolution(f))
    page = open_page("#/?cell=layers.Conv2D/forward/tfjs-wasm")
    page.locator("aside summary", has_text="Smallest case").click()
    page.locator("aside details.backend[open] summary", has_text="Worst case").click()
    text = text_of(page, "aside")
    assert text.count('"subject": "layers.Conv2D"') == 2
    assert "conformance run --case case.json --backend tfjs-wasm --property forward" in text
    assert finding.summary in text
    assert finding.reproduce.command in text
    assert f"Agrees with {', '.join(finding.agrees_with)}" in text


def test_an_open_cell_tells_the_deviation_behind_it(open_page: Open) -> None:
    page = open_page("#/?cell=activations.gelu/forward/tfjs-cpu")
    page.wait_for_selector("aside details[open] h4")
    text = text_of(page, "aside")
    assert "tfjs-gelu-tanh in 4 of 4 checks" in text
    assert "source: tfjs-layers/src/activations.ts:219 (4.22.0)" in text
    assert page.locator("aside a[href='https://github.com/tensorflow/tfjs/issues/8406']").count() == 1


def test_filters_stand_in_the_address_and_come_back_from_it(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="tfjs-wasm").click()
    page.get_by_role("button", name="diverges").click()
    page.locator("summary", has_text="Property").click()
    page.get_by_label("forward", exact=True).check()
    page.get_by_role("searchbox").fill("conv")
    rows = page.locator("tr[data-subject]")
    assert rows.count() == 1
    assert cell(page, "Conv2D, forward").inner_text() == "≠"
    place = page.url.partition("#")[2]
    again = open_page(f"#{place}")
    assert again.locator("tr[data-subject]").count() == 1
    assert again.get_by_role("searchbox").input_value() == "conv"
    assert again.get_by_role("button", name="tfjs-wasm").get_attribute("aria-pressed") == "true"
    again.get_by_role("button", name="Clear").click()
    assert again.locator("tr[data-subject]").count() == len(synthetic.LAYERS) + len(synthetic.ACTIVATIONS)


def test_a_family_folds_to_the_worst_of_its_subjects(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="convolution").click()
    assert "fold=convolution" in page.url
    assert page.locator('tr[data-subject="layers.Conv2D"]').count() == 0
    assert cell(page, "worst of convolution, forward").inner_text() == "✓✓≠"


def test_a_search_finds_deviations_and_findings_too(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill("gelu")
    page.get_by_role("link", name="1 deviation").click()
    page.wait_for_selector("h1:has-text('Recorded deviations')")
    assert "1 of 4" in text_of(page)


def test_the_findings_are_all_there(open_page: Open, report: Report) -> None:
    text = text_of(open_page("#/findings"))
    for finding in report.results.findings:
        assert finding.summary in text
        assert finding.reproduce.command in text


def test_a_deviations_page_tells_all_about_it(open_page: Open) -> None:
    page = open_page("#/deviations")
    page.get_by_role("link", name="tfjs-gelu-tanh").click()
    page.wait_for_selector("h1:has-text('tfjs-gelu-tanh')")
    text = text_of(page)
    for phrase in ("Kind bug", "Effect value", "✓ holds", "Witnesses 2", "0f3a9b0c11223344", "gelu forward"):
        assert phrase in text
    assert page.locator("main:focus").count() == 1


def test_a_layers_page_tells_its_formula_its_arguments_and_each_backend(open_page: Open) -> None:
    page = open_page("#/layer/layers.Dense")
    page.wait_for_selector("h2:has-text('Arguments')")
    text = text_of(page)
    assert "activation(x · kernel + bias), over the last axis." in text
    assert "units required a positive integer size of the output's last axis" in text
    assert page.get_by_role("link", name="tfjs-cpu conforms: 4 of 4 checks conform").count() > 0


def test_a_backends_page_tells_what_changes_its_bits_and_its_looser_precision(open_page: Open) -> None:
    text = text_of(open_page("#/backend/keras-tensorflow"))
    for phrase in ("tensorflow 2.21.0", "onednn off", "machine x86_64", "tanh 5.6 ULP (published: 5)"):
        assert phrase in text
    assert "variance one-pass" in text_of(open_page("#/backend/tfjs-wasm"))


def test_what_was_asked_of_a_layers_arguments_is_told(open_page: Open) -> None:
    page = open_page("#/layer/layers.Dense")
    row = page.locator("tr", has=page.locator("th code", has_text="kernel_initializer"))
    assert row.locator("td[data-name=tfjs-cpu]").inner_text() in ("not there", "unsupported")


def test_what_backends_have_and_nobody_asks_is_told(open_page: Open) -> None:
    page = open_page("#/coverage?state=not+there&text=Dense")
    page.wait_for_selector("tbody")
    assert "layers.Dense" in text_of(page)


def test_agreement_against_the_specification_is_told(open_page: Open) -> None:
    page = open_page("#/specification")
    page.wait_for_selector("tbody")
    assert "layers.BatchNormalization training-forward training/state/moving_mean" in text_of(page)


def test_histograms_can_be_read_as_tables(open_page: Open) -> None:
    page = open_page("#/margins?backend=tfjs-wasm")
    assert page.get_by_role("img", name="All that is chosen").count() == 1
    page.locator("summary", has_text="As a table").click()
    assert "∞" in text_of(page, "figure table")


def is_of_convolution(place: Cell | Finding) -> bool:
    """Whether it is where TensorFlow.js's convolution is wrong."""
    return (place.subject, place.property, place.backend) == ("layers.Conv2D", "forward", "tfjs-wasm")


def drop(page: Page, name: str, content: str) -> None:
    """Drops a file onto the page."""
    transfer = page.evaluate_handle(
        """([name, content]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([content], name));
            return transfer;
        }""",
        [name, content],
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})


def test_another_results_file_dropped_shows_what_changed(open_page: Open, report: Report) -> None:
    cells = tuple(
        msgspec.structs.replace(c, verdict=Verdict.CONFORMS, conforms=c.conforms + c.findings, findings=0)
        if is_of_convolution(c)
        else c
        for c in report.results.cells
    )
    findings = tuple(f for f in report.results.findings if not is_of_convolution(f))
    suite = msgspec.structs.replace(report.results.suite, version="0.0.9", corpus_digest="d1" * 32)
    before = msgspec.structs.replace(
        report.results, started="2020-01-01T00:00:00+00:00", suite=suite, cells=cells, findings=findings
    )
    page = open_page()
    drop(page, RESULTS, encode_results(before).decode())
    page.wait_for_selector("h2:has-text('Cells')")
    text = text_of(page)
    for phrase in (
        "Another version of the suite: 0.0.9 before, 0.1.0 after.",
        "Another corpus: quick, with other cases",
        "1 of 510 changed",
        "newly failing 1",
        "layers.Conv2D · forward",
        "1 new finding, 0 gone",
        "As before.",
    ):
        assert phrase in text


def test_the_same_results_dropped_show_no_change(open_page: Open, written: Path) -> None:
    page = open_page("#/changes")
    page.set_input_files("input[type=file]", written / RESULTS)
    page.wait_for_selector("h2:has-text('Cells')")
    assert "No cell changed." in text_of(page)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "It is not JSON."),
        ("[]", "no results.json of a run"),
        ('{"schema": 9, "suite": {}}', "Its schema is 9; this page reads schema 1."),
        ('{"schema": 1, "suite": {}, "backends": [{}]}', "of its “backends” has no proper “name”"),
    ],
)
def test_a_file_that_is_no_results_is_refused_with_the_reason(
    open_page: Open, content: str, reason: str
) -> None:
    page = open_page("#/changes")
    drop(page, "other.json", content)
    assert reason in page.get_by_role("alert").inner_text()


def test_what_results_say_is_text_and_nothing_else(open_page: Open, report: Report, tmp_path: Path) -> None:
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    findings = tuple(msgspec.structs.replace(finding, summary=attack) for finding in report.results.findings)
    deviations = tuple(
        msgspec.structs.replace(d, summary=attack, source=attack, upstream=f"javascript:alert(3) {attack}")
        for d in report.results.deviations
    )
    results = msgspec.structs.replace(report.results, findings=findings, deviations=deviations)
    (tmp_path / PAGE).write_text(render(Report(results, report.checks)), "utf-8")
    for place in ("#/findings", "#/deviations", "#/deviation/tfjs-cpu/tfjs-gelu-tanh"):
        page = open_page(place, at=tmp_path)
        assert attack in text_of(page)
        assert page.locator("main img, main script, main a[href^='javascript:']").count() == 0


def test_a_narrow_screen_lists_the_subjects(open_page: Open) -> None:
    page = open_page("#/", PHONE)
    assert page.locator("table[role=grid]").count() == 0
    page.locator("summary", has_text="Conv2D").click()
    page.get_by_role("link", name="tfjs-wasm diverges: 0 of 4 checks conform").click()
    page.wait_for_selector("aside")
    assert "Conv2D · forward" in text_of(page, "aside h2")


def test_the_whole_matrix_is_printed(open_page: Open) -> None:
    page = open_page()
    page.emulate_media(media="print")
    frame = page.locator("[role=region]")
    assert frame.evaluate("frame => getComputedStyle(frame).overflow") == "visible"
    assert page.locator("form, header nav").evaluate_all("all => all.every(one => !one.checkVisibility())")


def test_dark_and_light_follow_the_system_and_the_switch(open_page: Open) -> None:
    def paper(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    dark, light = open_page(color_scheme="dark"), open_page(color_scheme="light")
    assert paper(dark) != paper(light)
    light.get_by_label("Colours").select_option("dark")
    assert paper(light) == paper(dark)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", VIEWS)
def test_axe_finds_nothing_inaccessible(open_page: Open, place: str, scheme: str) -> None:
    page = open_page(place, color_scheme=scheme)
    page.wait_for_selector(VIEWS[place])
    assert violations(page) == []


def test_twenty_thousand_cells_open(
    open_page: Open, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    large = synthetic.write_large(tmp_path)
    page = open_page(at=tmp_path)
    shown = page.evaluate(
        "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
    )
    record_property("milliseconds until 20,400 cells are shown", round(shown))
    assert page.locator("tr[data-subject] td > i").count() == len(large.results.cells) == 20_400
