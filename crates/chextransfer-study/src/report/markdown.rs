//! The report as Markdown, with tables in GitHub's form and figures as links.

use std::fmt::Write as _;

use super::document::{Content, Document, Section, Table};

/// The document as Markdown; figures and pictures are files beside it.
pub(super) fn markdown(document: &Document) -> String {
    let mut text = format!(
        "# {}\n\n{}\n",
        escaped(&document.title),
        escaped(&document.subtitle)
    );
    if !document.highlights.is_empty() {
        text.push('\n');
    }
    for of in &document.highlights {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "- **{}**: {}; {}",
            escaped(&of.label),
            escaped(&of.value),
            escaped(&of.note)
        );
    }
    for section in &document.sections {
        push_section(&mut text, section);
    }
    text
}

fn push_section(text: &mut String, section: &Section) {
    let _ = write!(text, "\n## {}\n", escaped(&section.title));
    let mut in_list = false;
    for content in &section.content {
        if !(in_list && matches!(content, Content::Finding(_))) {
            text.push('\n');
        }
        in_list = matches!(content, Content::Finding(_));
        let _ = match content {
            Content::Text(paragraph) => writeln!(text, "{}", escaped(paragraph)),
            Content::Finding(finding) => {
                writeln!(
                    text,
                    "- *{}:* {}",
                    finding.claim.name(),
                    escaped(&finding.text)
                )
            }
            Content::Note(note) => writeln!(text, "> {}", escaped(note)),
            Content::Table(table) => {
                push_table(text, table);
                Ok(())
            }
            Content::Figure(figure) => {
                let (title, caption) = (escaped(&figure.title), escaped(&figure.caption));
                writeln!(
                    text,
                    "![{title}](figures/{}.svg)\n\n*{title}.* {caption}",
                    figure.id
                )
            }
            Content::Picture(picture) => {
                let caption = escaped(&picture.caption);
                writeln!(text, "![{caption}]({})", picture.file.replace(' ', "%20"))
            }
        };
    }
}

fn push_table(text: &mut String, table: &Table) {
    let _ = writeln!(text, "**{}**\n", escaped(&table.caption));
    let row = |text: &mut String, cells: Vec<String>| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    let title = |column: &super::document::Column| match column.published {
        true => format!("Paper: {}", column.title),
        false => column.title.clone(),
    };
    row(
        text,
        table
            .columns
            .iter()
            .map(|column| escaped(&title(column)))
            .collect(),
    );
    let rule = |column: &super::document::Column| match column.kind.is_numeric() {
        true => "---:".to_owned(),
        false => "---".to_owned(),
    };
    row(text, table.columns.iter().map(rule).collect());
    for values in &table.rows {
        row(
            text,
            values.iter().map(|value| escaped(&value.shown())).collect(),
        );
    }
    for note in &table.notes {
        let _ = write!(text, "\n{}\n", escaped(note));
    }
}

/// Text in which no character means anything to Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
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
        assert_eq!(escaped("a|b *c* <d>\ne_f"), "a\\|b \\*c\\* \\<d\\> e\\_f");
    }
}
