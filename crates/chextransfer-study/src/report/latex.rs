//! The report as LaTeX: tables in `booktabs` style that a paper can take, and a document that holds them all.

use std::fmt::Write as _;

use super::document::{Content, Document, Figure, Table};

/// The document; it takes the tables from `tables/` and the figures from `figures/`, by the package `svg`.
pub(super) fn document(document: &Document) -> String {
    let mut text = String::from(
        "% Needs the packages below; `svg` calls Inkscape, so compile with --shell-escape.\n\
         \\documentclass[10pt]{article}\n\
         \\usepackage[T1]{fontenc}\n\
         \\usepackage[utf8]{inputenc}\n\
         \\usepackage[margin=2cm]{geometry}\n\
         \\usepackage{booktabs,graphicx,svg,hyperref}\n",
    );
    let _ = write!(
        text,
        "\\title{{{}}}\n\\author{{}}\n\\date{{}}\n\\begin{{document}}\n\\maketitle\n\n{}\n",
        escaped(&document.title),
        escaped(&document.subtitle)
    );
    for section in &document.sections {
        let _ = write!(text, "\n\\section{{{}}}\n", escaped(&section.title));
        for content in &section.content {
            text.push('\n');
            let _ = match content {
                Content::Text(paragraph) => writeln!(text, "{}", escaped(paragraph)),
                Content::Finding(finding) => {
                    writeln!(
                        text,
                        "\\noindent\\emph{{{}:}} {}",
                        finding.claim.name(),
                        escaped(&finding.text)
                    )
                }
                Content::Note(note) => {
                    writeln!(text, "\\begin{{quote}}\n{}\n\\end{{quote}}", escaped(note))
                }
                Content::Table(table) => writeln!(text, "\\input{{tables/{}.tex}}", table.id),
                Content::Figure(of) => {
                    text.push_str(&figure(of));
                    Ok(())
                }
                Content::Picture(picture) => writeln!(
                    text,
                    "\\begin{{figure}}[htbp]\n\\centering\n\\includegraphics[width=\\linewidth]{{\\detokenize{{{}}}}}\n\
                     \\caption{{{}}}\n\\end{{figure}}",
                    picture.file,
                    escaped(&picture.caption)
                ),
            };
        }
    }
    text.push_str("\n\\end{document}\n");
    text
}

fn figure(figure: &Figure) -> String {
    format!(
        "\\begin{{figure}}[htbp]\n\\centering\n\\includesvg[width=\\linewidth]{{figures/{id}}}\n\
         \\caption{{{title}. {caption}}}\n\\label{{fig:{id}}}\n\\end{{figure}}\n",
        id = figure.id,
        title = escaped(&figure.title),
        caption = escaped(&figure.caption)
    )
}

/// A table to be taken by `\input`, in the rules of `booktabs`; `graphicx` shrinks it where it is wider than the page.
pub(super) fn table(table: &Table) -> String {
    let columns: String = table
        .columns
        .iter()
        .map(|column| if column.kind.is_numeric() { 'r' } else { 'l' })
        .collect();
    let mut text = format!(
        "% \\usepackage{{booktabs,graphicx}}\n\\begin{{table}}[htbp]\n\\centering\n\\caption{{{}}}\n\\label{{tab:{}}}\n\
         \\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n",
        escaped(&table.caption),
        table.id
    );
    let titles = table.columns.iter().map(|column| match column.published {
        true => format!("Paper: {}", column.title),
        false => column.title.clone(),
    });
    push_row(&mut text, titles);
    text.push_str("\\midrule\n");
    for row in &table.rows {
        push_row(&mut text, row.iter().map(|value| value.shown()));
    }
    text.push_str("\\bottomrule\n\\end{tabular}}\n");
    for note in &table.notes {
        let _ = writeln!(
            text,
            "\\par\\smallskip{{\\footnotesize {}\\par}}",
            escaped(note)
        );
    }
    text.push_str("\\end{table}\n");
    text
}

fn push_row(text: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<_> = cells.map(|cell| escaped(&cell)).collect();
    let _ = writeln!(text, "{} \\\\", cells.join(" & "));
}

/// Text in which no character means anything to LaTeX, and which needs no fonts beyond the usual.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '<' => escaped.push_str("$<$"),
            '>' => escaped.push_str("$>$"),
            '\u{2212}' => escaped.push_str("$-$"),
            '×' => escaped.push_str("$\\times$"),
            'ρ' => escaped.push_str("$\\rho$"),
            '≥' => escaped.push_str("$\\geq$"),
            '–' => escaped.push_str("--"),
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            escaped("50 % of a_b & {c} \u{2212}1×"),
            "50 \\% of a\\_b \\& \\{c\\} $-$1$\\times$"
        );
        assert_eq!(escaped("\\"), "\\textbackslash{}");
    }
}
