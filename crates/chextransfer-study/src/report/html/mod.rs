//! The report as one page that needs nothing else: no network, no other file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{
    Claim, Column, Content, Document, Finding, Picture, RunLink, Section, Table, Value,
};
use super::number::{fixed, interval, signed};
use super::svg;
use crate::analysis::Estimate;
use crate::paper::Standing;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Nothing may be fetched from anywhere.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// The document as a page.
pub(super) fn page(document: &Document) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("chextransfer ", env!("CARGO_PKG_VERSION")));
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                header {
                    div.bar {
                        p.kicker { "chextransfer study" }
                        button #theme type="button" aria-pressed="false" title="Light or dark" { "Dark" }
                    }
                    h1 { (document.title) }
                    p.subtitle { (document.subtitle) }
                    @if !document.highlights.is_empty() {
                        dl.highlights {
                            @for of in &document.highlights {
                                div.highlight { dt { (of.label) } dd.value { (of.value) } dd.note { (of.note) } }
                            }
                        }
                    }
                }
                @if document.sections.len() > 1 {
                    nav aria-label="Sections" { ol {
                        @for section in &document.sections {
                            li.published[section.published] { a href=(format!("#{}", section.id)) { (section.title) } }
                        }
                    } }
                }
                main #main {
                    @for section in &document.sections { (self::section(section)) }
                }
                footer { p { "Written by chextransfer " (env!("CARGO_PKG_VERSION")) ". Not a medical device." } }
                div #tip role="presentation" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    let mut page = markup.into_string();
    page.push('\n');
    page
}

fn section(section: &Section) -> Markup {
    // Findings that follow each other are one list.
    let groups = section
        .content
        .chunk_by(|a, b| matches!((a, b), (Content::Finding(_), Content::Finding(_))));
    html! {
        section.published[section.published] id=(section.id) aria-labelledby=(format!("{}-heading", section.id)) {
            h2 id=(format!("{}-heading", section.id)) {
                (section.title)
                @if section.published { " " span.badge { "not of this study" } }
            }
            @for group in groups {
                @if let [Content::Finding(_), ..] = group {
                    ul.findings { @for content in group { @if let Content::Finding(finding) = content { (self::finding(finding)) } } }
                } @else {
                    @for content in group { (self::content(content)) }
                }
            }
        }
    }
}

fn finding(finding: &Finding) -> Markup {
    let class = match finding.claim {
        Claim::Shown => "shown",
        Claim::NotShown => "open",
        Claim::CannotSay => "mute",
    };
    html! { li { span class=(format!("claim {class}")) { (finding.claim.name()) } span { (unbroken(&finding.text)) } } }
}

/// With spaces around equal and other signs at which no line ends.
fn unbroken(text: &str) -> String {
    let joined = |text: String, sign: &str| {
        text.replace(&format!(" {sign} "), &format!("\u{a0}{sign}\u{a0}"))
    };
    ["=", "<", "×"].into_iter().fold(text.to_owned(), joined)
}

fn content(content: &Content) -> Markup {
    match content {
        Content::Text(text) => html! { p { (text) } },
        Content::Finding(of) => finding(of),
        Content::Note(note) => html! { p.note { (note) } },
        Content::Table(of) => table(of),
        Content::Figure(figure) => html! {
            figure id=(format!("figure-{}", figure.id)) {
                div.scroll tabindex="0" role="group" aria-label=(figure.title) { (svg::svg(figure)) }
                figcaption { strong { (figure.title) "." } " " (figure.caption) }
            }
        },
        Content::Picture(of) => picture(of),
    }
}

fn picture(picture: &Picture) -> Markup {
    let data = format!("data:image/png;base64,{}", STANDARD.encode(&picture.png));
    html! { figure { img src=(data) alt=(picture.caption) loading="lazy"; figcaption { (picture.caption) } } }
}

fn table(table: &Table) -> Markup {
    html! {
        div.table id=(format!("table-{}", table.id)) {
            div.scroll tabindex="0" role="group" aria-label=(table.caption) { table {
                caption { (table.caption) }
                thead { tr {
                    @for column in &table.columns {
                        th.n[column.kind.is_numeric()].published[column.published] scope="col" {
                            button type="button" {
                                @if column.published { span.kicker { "paper" } }
                                (column.title)
                                span.arrow aria-hidden="true" {}
                            }
                        }
                    }
                } }
                tbody { @for row in &table.rows { tr {
                    @for (place, (value, column)) in row.iter().zip(&table.columns).enumerate() {
                        (cell(value, column, place == 0))
                    }
                } } }
            } }
            @for note in &table.notes { p.footnote { (note) } }
        }
    }
}

fn cell(value: &Value, column: &Column, first: bool) -> Markup {
    let key = value.sort_key().map(|key| key.to_string());
    let missing = *value == Value::Missing;
    let shown = shown(value);
    html! {
        @if first {
            th scope="row" data-v=[key] { (shown) }
        } @else {
            td.n[column.kind.is_numeric()].published[column.published].missing[missing] data-v=[key] { (shown) }
        }
    }
}

fn shown(value: &Value) -> Markup {
    match value {
        Value::Estimate {
            estimate,
            decimals,
            sign,
            star,
        } => shown_estimate(*estimate, *decimals, *sign, *star),
        Value::Fact {
            shown, standing, ..
        } => {
            let letter = letter(*standing);
            html! { (shown) " " abbr title=(format!("{standing}: {}", standing.meaning())) { (letter) } }
        }
        Value::Runs(runs) => html! {
            @for (place, run) in runs.iter().enumerate() {
                @if place > 0 { " " }
                (run_link(run))
            }
        },
        Value::Text(_) | Value::Number { .. } | Value::Missing => html! { (value.shown()) },
    }
}

fn shown_estimate(estimate: Estimate, decimals: usize, sign: bool, star: bool) -> Markup {
    let show = if sign { signed } else { fixed };
    html! {
        span.value { (show(estimate.value, decimals)) @if star { span.star title="the interval leaves 0 out" { "*" } } }
        @if let Some(of) = estimate.interval { " " span.interval { (interval(of, decimals, sign)) } }
    }
}

/// To the table of runs, and from there to the folder.
fn run_link(run: &RunLink) -> Markup {
    let is_row = run.shown == run.id;
    html! {
        @match (&run.folder, is_row) {
            (Some(folder), true) => a id=(format!("run-{}", run.id)) href=(format!("{folder}/")) { (run.shown) },
            (None, true) => span id=(format!("run-{}", run.id)) { (run.shown) },
            (_, false) => a.run href=(format!("#run-{}", run.id)) title=(run.id) { (run.shown) },
        }
    }
}

fn letter(standing: Standing) -> &'static str {
    match standing {
        Standing::Seen => "s",
        Standing::Computed => "c",
        Standing::Recalled => "r",
        Standing::Inferred => "i",
    }
}
