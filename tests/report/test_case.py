"""A case as a page, as Markdown and as JSON: what logs hold cannot act in any of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.forensics.stories import at, event, user
from tests.made import write_log
from tests.report.case_pages import Page, browsed, hash_of, tab
from trailql.cases.case import Case, Scope
from trailql.cases.gather import Seen, gather_case
from trailql.detect.catalog import bundled_detections
from trailql.detect.finding import Finding, Severity
from trailql.detect.run import run_detections
from trailql.ingest import ingest_logs
from trailql.report.case_html import case_html
from trailql.report.case_json import case_json
from trailql.report.case_markdown import case_markdown
from trailql.report.timeline import marks_of

_HOSTILE = (
    "<script>document.title='owned'</script>",
    "</script><img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b]0;title\x07",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe\u2066",
    "![x](https://evil.example/pixel.png) [here](javascript:alert(1)) | col | ```",
    "<!--<script>",
    '" onmouseover="alert(1)',
)


def _case(lake: Path, findings: list[Finding] | None = None, *, title: str = "A case", most: int | None = None) -> Case:
    moment = datetime(2026, 10, 20, tzinfo=UTC)
    scope = Scope(title, str(lake), None, None, (), "trailql case --lake 'x'", "0.0", moment)
    found = run_detections(lake) if findings is None else findings
    seen = Seen(bundled_detections(), found, 0, [], False, marks_of(found, []))
    return gather_case(scope, seen, most_lines=most, most_files=most)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """
    Every text an attacker chooses is hostile: names, agents, addresses, parameters, titles, file names.
    """
    folder = tmp_path_factory.mktemp("hostile")
    records = []
    for number, text in enumerate(_HOSTILE):
        by = user(text, f"AKIA{number:04}HOSTILEXMPL")
        asked = {"userName": text, "tags": [{"key": text}]}
        made = event(number, by, "iam.amazonaws.com:CreateUser", at(number * 10), requestParameters=asked)
        records.append(made | {"userAgent": text, "sourceIPAddress": text, "errorCode": text, "awsRegion": text})
    write_log(folder / "logs", *records)
    (folder / "logs" / "<u>bad.json").write_text("{'<script>alert(1)</script>")
    ingest_logs([str(folder / "logs")], folder / "lake")
    findings = [
        Finding(
            "own.rule",
            text,
            Severity.HIGH,
            ("T1098",),
            at(number),
            at(number),
            "111122223333",
            text,
            f"arn:aws:iam::111122223333:user/{text}",
            text,
            (text,),
            {"calls": 1, "requestParameters": text},
            "f" * 32,
        )
        for number, text in enumerate(_HOSTILE)
    ]
    return _case(folder / "lake", findings, title=_HOSTILE[1])


def test_the_page_is_harmless(hostile: Case) -> None:
    """
    No tag, attribute, handler or reference comes from a log; hidden characters are shown; the rows hold the texts.
    """
    text = case_html(hostile)
    page = Page(text)

    assert [] == page.loads()
    assert [] == page.handlers()
    assert ["script", "script"] == [tag for tag, _ in page.tags if tag == "script"]
    assert not [tag for tag, _ in page.tags if tag in ("img", "iframe", "object", "embed", "link", "base", "u")]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert "<" not in page.blocks["data"][0]
    told = json.dumps(page.lines, ensure_ascii=False)
    assert "document.title='owned'" in told
    assert "\\\\u202egnp.exe" in told
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", told)


def test_the_policy_names_the_blocks(hostile: Case) -> None:
    """
    Nothing runs or is drawn but the two blocks with these hashes; nothing is loaded at all.
    """
    page = Page(case_html(hostile))

    style, script = page.blocks["style"], page.blocks["script"]
    assert (1, 1) == (len(style), len(script))
    assert page.policy.startswith("default-src 'none'; ")
    assert f"style-src '{hash_of(style[0])}'" in page.policy
    assert f"script-src '{hash_of(script[0])}'" in page.policy
    assert "unsafe" not in page.policy
    assert "http" not in style[0] + script[0]
    assert "innerHTML" not in script[0]


def test_no_reference_outside_text(hostile: Case) -> None:
    """
    No attribute and no style names a place in a network.
    """
    tags = re.findall(r"<[a-zA-Z][^>]*>", case_html(hostile))

    assert [] == [tag for tag in tags if re.search(r"https?:|//", tag)]


def test_markdown_is_harmless(hostile: Case) -> None:
    """
    No HTML, image, link or further column; a fence that no text ends; nothing a terminal obeys.
    """
    text = case_markdown(hostile)

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    fences = re.compile(r"^(`{3,})text\n.*?^\1$", re.MULTILINE | re.DOTALL)
    outside = fences.sub("", text)
    assert "<" not in outside.replace("&lt;", "")
    assert not re.search(r"(?<!\\)\[[^\]]*\]\(", outside)
    tables = re.findall(r"(?:^\|.*\n)+", outside, re.MULTILINE)
    for table in tables:
        assert 1 == len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()})


def test_json_holds_all(hostile: Case) -> None:
    """
    The texts as they are, written so that no terminal obeys them.
    """
    text = case_json(hostile)
    document = json.loads(text)

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert {*_HOSTILE} == {each["title"] for each in document["findings"]}
    assert len(_HOSTILE) == document["figures"]["events"]
    assert ["rejected"] == [each["status"] for each in document["unread"]]
    assert 64 == len(document["manifest_sha256"])
    assert 2 == document["files_total"] == len(document["files"])


def test_a_browser_shows_hostile_rows_as_text(hostile: Case, tmp_path: Path) -> None:
    """
    The title stays, no image appears, nothing is refused and nothing fails.
    """
    page = tmp_path / "case.html"
    page.write_text(case_html(hostile), encoding="utf-8")
    tree, said = browsed(page, tmp_path)

    assert [] == said
    assert "<img" not in tree
    assert "<title>owned" not in tree
    assert "&lt;script&gt;document.title" in tree.partition('id="lines-body"')[2]


@pytest.mark.parametrize("is_hostile", [True, False])
def test_it_fits_a_phone(hostile: Case, sample_lake: Path, tmp_path: Path, is_hostile: bool) -> None:
    """
    The page is no wider than a phone's screen, whatever is opened in it: what is wider scrolls in a box of its own.
    """
    long = "W" * 4000
    case = hostile if is_hostile else _case(sample_lake, title=long)
    entries = [replace(each, account=long, principal=long, actor=long) for each in case.timeline[:1]]
    case = replace(case, timeline=(*case.timeline, *entries))
    page = tmp_path / "case.html"
    page.write_text(case_html(case), encoding="utf-8")
    with tab(tmp_path) as shown:
        shown.open(page, width=390)
        assert 390 == shown.js("document.documentElement.scrollWidth")
        shown.js("for (const each of document.querySelectorAll('details')) each.open = true")
        shown.js("for (const each of document.querySelectorAll('td button')) each.click()")
        assert shown.js("document.querySelectorAll('tr.more').length") > 0
        assert 390 == shown.js("document.documentElement.scrollWidth")
        shown.open(page, width=1280)
        assert 1280 >= shown.js("document.documentElement.scrollWidth")


def test_too_many_lines_keep_the_findings(sample_lake: Path) -> None:
    """
    With room for few lines, findings and what is behind them stay; what is left out is said.
    """
    whole = _case(sample_lake)
    case = _case(sample_lake, list(whole.findings), most=120)

    assert 120 == len(case.timeline)
    assert len(whole.timeline) - 120 == case.timeline_left_out
    assert len(case.findings) == sum(each.kind == "finding" for each in case.timeline)
    assert list(case.timeline) == sorted(case.timeline, key=lambda each: (each.first, each.kind != "event"))
    assert 120 == len(case.files) < case.files_total
    assert whole.manifest_sha256 == case.manifest_sha256
    page = case_html(case)
    assert "The first 120 are listed" in page
    assert "lines of the timeline are left out" in page


def test_an_empty_lake(tmp_path: Path) -> None:
    """
    Nothing there is said, in every form.
    """
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "no.txt").write_text("no log")
    ingest_logs([str(tmp_path / "logs")], tmp_path / "lake")
    case = _case(tmp_path / "lake")

    for text in (case_html(case), case_markdown(case)):
        assert "There was too little to compare with." in text or "No unusual rates" in text
    assert 0 == json.loads(case_json(case))["figures"]["events"]
    assert case_html(case) == case_html(replace(case))
