//! The page, opened in headless Chromium: a script that looks at it and clicks is put behind it, and what it found is read from the
//! document's title and the browser's console.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::structure::written;
use super::synthetic::whole_grid;

/// What makes a missing browser an error, and not a test that is skipped.
const REQUIRE: &str = "CHEXTRANSFER_REQUIRE_CHROMIUM";

const SELF_TEST: &str = r##"<script>
addEventListener("load", () => {
  const found = [];
  const check = (what, holds) => { if (!holds) found.push(what); };
  const all = (selector) => [...document.querySelectorAll(selector)];
  try {
    check("figures", all("figure svg.chart").length === 7);
    check("figures are seen", all("figure svg.chart").every((svg) => svg.getBoundingClientRect().height > 200));
    check("figures are described", all("svg.chart").every((svg) => svg.querySelector("title").textContent && svg.querySelector("desc").textContent));

    const table = document.querySelector("#table-table1 table");
    const column = (place) => [...table.tBodies[0].rows].map((row) => Number(row.cells[place].dataset.v));
    const heading = table.tHead.rows[0].cells[1];
    const sorted = (values, sign) => values.every((value, place) => place === 0 || sign * (value - values[place - 1]) >= 0);
    check("not sorted yet", heading.getAttribute("aria-sort") === "none" && !sorted(column(1), 1) && !sorted(column(1), -1));
    heading.querySelector("button").click();
    check("largest first", heading.getAttribute("aria-sort") === "descending" && sorted(column(1), -1));
    heading.querySelector("button").click();
    check("smallest first", heading.getAttribute("aria-sort") === "ascending" && sorted(column(1), 1));
    const name = table.tHead.rows[0].cells[0];
    name.querySelector("button").click();
    const names = [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
    check("by name", name.getAttribute("aria-sort") === "ascending" && heading.getAttribute("aria-sort") === "none" && names[0] === "densenet121");
    const boosts = all("#table-table1 thead th").findIndex((cell) => cell.classList.contains("published") && cell.textContent.includes("Boost"));
    table.tHead.rows[0].cells[boosts].querySelector("button").click();
    const missing = [...table.tBodies[0].rows].map((row) => row.cells[boosts].classList.contains("missing"));
    check("what is missing is last", missing.includes(true) && !missing[0] && missing.at(-1) && missing.indexOf(true) === missing.filter((no) => !no).length);

    const colours = () => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
      getComputedStyle(document.querySelector("svg .ink")).color, getComputedStyle(document.querySelector("svg .c0")).color];
    const light = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) > 382;
    const before = colours();
    document.getElementById("theme").click();
    const after = colours();
    check("every colour changes", before.every((colour, place) => colour !== after[place]));
    check("the ground and the ink change sides", light(before[0]) !== light(after[0]) && light(before[1]) !== light(after[1]) && light(before[0]) !== light(before[1]));
    document.getElementById("theme").click();
    check("and back", colours().every((colour, place) => colour === before[place]));

    const mark = document.querySelector("svg .mark");
    const value = mark.querySelector("title").textContent;
    mark.dispatchEvent(new PointerEvent("pointerenter", { clientX: 40, clientY: 40 }));
    const tip = document.getElementById("tip");
    check("values under the pointer", !tip.hidden && tip.textContent === value && /AUC 0\.\d{3}/.test(value));
    mark.dispatchEvent(new PointerEvent("pointerleave"));
    check("and no longer", tip.hidden && mark.querySelector("title").textContent === value);

    check("links lead somewhere", all('a[href^="#"]').every((link) => document.getElementById(link.getAttribute("href").slice(1))));
    const ids = all("[id]").map((element) => element.id);
    check("identities are unique", new Set(ids).size === ids.length);
    check("nothing is wider than the page", document.documentElement.scrollWidth <= innerWidth);
  } catch (error) {
    found.push(String(error));
  }
  document.title = found.length ? "FAILED: " + found.join("; ") : "ALL FOUND";
  console.log("self-test has run, " + (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
});
</script>"##;

fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// The document as the browser leaves it, and what it wrote to its console.
fn opened(browser: &Path, page: &Path, profile: &Path, extra: &[&str]) -> (String, String) {
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--enable-logging=stderr",
            "--window-size=1280,900",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ])
        .args(extra)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()));
    let output = command.output().unwrap();
    let [dom, log] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{log}");
    (dom, log)
}

#[test]
fn in_a_browser_figures_are_there_tables_sort_and_the_dark_is_dark() {
    let Some(browser) = chromium() else {
        assert!(
            std::env::var_os(REQUIRE).is_none(),
            "{REQUIRE} is set and no chromium is in PATH"
        );
        eprintln!("skipped: no chromium in PATH");
        return;
    };
    let (_, files) = written(&whole_grid(), "browser");
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(
        &file,
        page.replace("</body>", &format!("{SELF_TEST}</body>")),
    )
    .unwrap();
    for (extra, expected) in [
        (&[][..], "light"),
        (&["--blink-settings=preferredColorScheme=0"][..], "dark"),
    ] {
        let (dom, log) = opened(&browser, &file, &folder.path().join(expected), extra);
        let title = dom
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"))
            .map(|(title, _)| title);
        assert_eq!(title, Some("ALL FOUND"), "{expected}: {log}");
        // What is not the self-test's own line is a complaint.
        let console: Vec<_> = log
            .lines()
            .filter(|line| line.contains(":CONSOLE"))
            .collect();
        assert!(
            console.len() == 1 && console[0].contains(&format!("self-test has run, {expected}")),
            "{console:#?}"
        );
    }
}
