//! A comparison as text.

use std::fmt;

use crate::comparison::{AgainstFirst, Comparison, Difference};
use crate::evaluation::{interval_text, percent};

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pair in &self.against_first {
            writeln!(f, "A {}, B {}", self.models[0], pair.model)?;
            self.table(pair, f)?;
            writeln!(f)?;
        }
        self.notes(f)
    }
}

impl Comparison {
    fn table(&self, pair: &AgainstFirst, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || pair.observations.iter().chain([&pair.mean]);
        let columns: Vec<Column> = self.columns();
        let shown: Vec<&Column> = columns
            .iter()
            // A question that was not asked, or has no answer anywhere, has no column.
            .filter(|column| lines().any(|line| (column.cell)(line).is_some()))
            .collect();
        let width = |column: &Column| {
            let cells = lines().filter_map(|line| (column.cell)(line));
            let widths = cells.map(|cell| cell.chars().count());
            widths
                .chain([column.title.chars().count()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = shown.iter().map(|column| width(column)).collect();
        let names = lines()
            .map(|line| line.name.as_str())
            .chain(["observation"]);
        let first = names.map(|name| name.chars().count()).max().unwrap_or(0);

        write!(f, "{:first$}", "observation")?;
        for (column, width) in shown.iter().zip(&widths) {
            write!(f, "  {:>width$}", column.title)?;
        }
        for line in lines() {
            let mut row = format!("{:first$}", line.name);
            match line.undefined {
                Some(reason) => row += &format!("  undefined ({reason})"),
                None => {
                    for (column, width) in shown.iter().zip(&widths) {
                        let cell = (column.cell)(line).unwrap_or_default();
                        row += &format!("  {cell:>width$}");
                    }
                }
            }
            write!(f, "\n{}", row.trim_end())?;
        }
        writeln!(f)
    }

    fn columns(&self) -> Vec<Column> {
        let metric = self.config.metric;
        let interval = format!("{} interval", percent(self.config.bootstrap.confidence));
        let margin = self.config.margin.unwrap_or_default();
        vec![
            Column::new(format!("{metric} A"), |of| of.first.map(four_digits)),
            Column::new(format!("{metric} B"), |of| of.second.map(four_digits)),
            Column::new("B - A".to_owned(), |of| {
                of.difference.map(|d| format!("{d:+.4}"))
            }),
            Column::new(interval, |of| {
                of.difference_ci.map(|ci| interval_text(Some(ci)))
            }),
            Column::new("p".to_owned(), |of| of.bootstrap_p.map(p_text)),
            Column::new("p DeLong".to_owned(), |of| of.delong_p.map(p_text)),
            Column::new("p permuted".to_owned(), |of| of.permutation_p.map(p_text)),
            Column::new("p adjusted".to_owned(), |of| of.adjusted_p.map(p_text)),
            Column::new(format!("worse by < {margin}"), |of| {
                of.non_inferiority.map(|test| {
                    let answer = if test.holds { "yes" } else { "not shown" };
                    format!("{answer} (p {})", p_text(test.p_value))
                })
            }),
        ]
    }

    /// What the numbers of the tables do not say by themselves.
    fn notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        let (rows, units, kind) = (self.rows, self.units, config.bootstrap.unit.plural());
        write!(f, "{rows} rows of {units} {kind}; {}", config.bootstrap)?;
        if config.bootstrap.replicates == 0 {
            return Ok(());
        }
        let adjustment = config.adjustment;
        write!(
            f,
            "\np: paired bootstrap, two-sided; adjusted by {adjustment}"
        )?;
        let tests = self.against_first.len();
        if tests > 1 {
            write!(
                f,
                " over {tests} models, observations and means each on their own"
            )?;
        }
        // The labels, and so the replicates without a class, are those of all models.
        let lines = self.against_first.first().into_iter();
        let lines = lines.flat_map(|pair| pair.observations.iter().chain([&pair.mean]));
        for line in lines.filter(|line| line.undefined.is_none() && line.undefined_replicates > 0) {
            let (name, count) = (&line.name, line.undefined_replicates);
            write!(
                f,
                "\n{name}: {count} replicates had one class only and are left out"
            )?;
        }
        Ok(())
    }
}

struct Column {
    title: String,
    cell: fn(&Difference) -> Option<String>,
}

impl Column {
    fn new(title: String, cell: fn(&Difference) -> Option<String>) -> Self {
        Self { title, cell }
    }
}

fn four_digits(value: f64) -> String {
    format!("{value:.4}")
}

fn p_text(p: f64) -> String {
    match p < 5e-5 {
        true => "<0.0001".to_owned(),
        false => four_digits(p),
    }
}
