//! Figures as SVG files.

use std::ops::Range;
use std::path::{Path, PathBuf};

use chextransfer_models::weights::write_whole;
use chextransfer_train::{RunDirectory, ValidationRecord};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::{Error, Result};

/// Width and height of the figure in pixels.
const SIZE: (u32, u32) = (860, 620);
/// Height of the x axis' numbers and name, which the lower panel carries for both.
const X_LABELS: u32 = 50;
/// Height below the upper panel, for the ends of its marks.
const X_MARKS: u32 = 6;
const Y_LABELS: u32 = 78;
const FONT: &str = "sans-serif";

const INK: RGBColor = RGBColor(45, 45, 45);
const AXIS: RGBColor = RGBColor(130, 130, 130);
const GRID: RGBColor = RGBColor(228, 228, 228);
// Colours that people with any colour vision tell apart: Okabe and Ito, Color Universal Design, 2008.
const TRAINING: RGBColor = RGBColor(0, 114, 178);
const VALIDATION: RGBColor = RGBColor(213, 94, 0);
const AUC: RGBColor = RGBColor(0, 158, 115);

/// Up to this many points, each has its dot; beyond, dots would hide the line.
const MOST_DOTS: usize = 60;

/// Far beyond any loss, and far from where the arithmetic of a scale overflows.
const LARGEST_LOSS: f64 = 1e30;

/// One evaluation during a training run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Training examples seen so far.
    pub examples: u64,
    /// Mean training loss since the point before.
    pub training_loss: f64,
    /// Loss on the validation set, if it was measured.
    pub validation_loss: Option<f64>,
    /// Mean AUROC on the validation set, if it is defined.
    pub validation_auc: Option<f64>,
}

impl From<&ValidationRecord> for CurvePoint {
    fn from(record: &ValidationRecord) -> Self {
        Self {
            examples: record.examples,
            training_loss: record.training_loss,
            validation_loss: Some(record.validation_loss),
            validation_auc: record.validation_auc,
        }
    }
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Area<'b> = DrawingArea<SVGBackend<'b>, Shift>;
/// What plotters answers when a drawing fails; for a drawing in memory nothing is known to.
type Drawn<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Draws a training run into the SVG file `path`: losses above, mean validation AUC below, over the examples seen.
///
/// A value that is `None` leaves a gap. The highest AUC, at its first occurrence, is marked as the best. The file is written
/// whole or not at all.
///
/// # Errors
///
/// If there are no points, examples do not increase from point to point, a loss is NaN or beyond 1e30, an AUC is not in [0, 1], or
/// the file cannot be written.
pub fn training_curve(points: &[CurvePoint], path: &Path) -> Result<()> {
    check(points).map_err(Error::figure(path))?;
    let mut svg = String::new();
    draw(points, &mut svg).map_err(Error::figure(path))?;
    write_whole(path, |file| file.write_all(svg.as_bytes())).map_err(Error::io("write", path))
}

/// Draws a run's training into `training_curve.svg` in its folder, and returns that file.
///
/// # Errors
///
/// If the run has no validation yet, and as [`training_curve`].
pub fn run_curve(directory: &RunDirectory) -> Result<PathBuf> {
    let validations = directory.validations()?;
    let points: Vec<_> = validations.iter().map(CurvePoint::from).collect();
    let path = directory.root().join("training_curve.svg");
    training_curve(&points, &path)?;
    directory.note_files(&[&path])?;
    Ok(path)
}

fn check(points: &[CurvePoint]) -> Result<(), String> {
    if points.is_empty() {
        return Err("found no points, expected at least one evaluation".to_owned());
    }
    for (before, after) in points.iter().zip(&points[1..]) {
        let (before, after) = (before.examples, after.examples);
        if after <= before {
            return Err(format!(
                "found a point at {after} examples behind one at {before}, expected more"
            ));
        }
    }
    for point in points {
        let at = point.examples;
        for (what, loss) in [
            ("training", Some(point.training_loss)),
            ("validation", point.validation_loss),
        ] {
            if let Some(loss) = loss.filter(|loss| loss.is_nan() || loss.abs() > LARGEST_LOSS) {
                return Err(format!(
                    "found a {what} loss of {loss:e} at {at} examples, expected a number up to {LARGEST_LOSS:e}"
                ));
            }
        }
        if let Some(auc) = point
            .validation_auc
            .filter(|auc| !(0.0..=1.0).contains(auc))
        {
            return Err(format!(
                "found a validation AUC of {auc} at {at} examples, expected 0 to 1"
            ));
        }
    }
    Ok(())
}

fn draw(points: &[CurvePoint], svg: &mut String) -> Drawn<()> {
    let figure = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    figure.fill(&WHITE)?;
    let title = (FONT, 20).into_font().color(&INK);
    let figure = figure.margin(12, 4, 0, 0).titled("Training curve", title)?;
    let (_, height) = figure.dim_in_pixel();
    let (above, below) = figure.split_vertically((height - X_LABELS + X_MARKS) / 2);

    let series = |value: fn(&CurvePoint) -> Option<f64>| -> Vec<(f64, Option<f64>)> {
        points
            .iter()
            .map(|point| (point.examples as f64, value(point)))
            .collect()
    };
    let training = series(|point| Some(point.training_loss));
    let validation = series(|point| point.validation_loss);
    let auc = series(|point| point.validation_auc);
    let last = points.last().map_or(0, |point| point.examples);
    // At least ten, as marks are whole examples.
    let examples = 0.0..last.max(10) as f64 * 1.02;

    let losses = spread(
        training.iter().chain(&validation),
        f64::NEG_INFINITY..f64::INFINITY,
    );
    let mut chart = panel(&above, examples.clone(), losses, "loss", None)?;
    line(&mut chart, &training, TRAINING, "training")?;
    line(&mut chart, &validation, VALIDATION, "validation")?;
    legend(&mut chart, &[&training, &validation])?;

    let aucs = spread(&auc, 0.0..1.0);
    let mut chart = panel(
        &below,
        examples,
        aucs,
        "mean validation AUC",
        Some("training examples seen"),
    )?;
    line(&mut chart, &auc, AUC, "mean validation AUC")?;
    mark_best(&mut chart, points)?;
    legend(&mut chart, &[&auc])?;
    figure.present()?;
    Ok(())
}

/// The range of the values with a margin, within `limits`.
fn spread<'a>(
    series: impl IntoIterator<Item = &'a (f64, Option<f64>)>,
    limits: Range<f64>,
) -> Range<f64> {
    let values = series.into_iter().filter_map(|point| point.1);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return 0.0..1.0;
    }
    // A flat line still needs a scale.
    let margin = (0.08 * (high - low)).max(0.01 * high.abs()).max(1e-3);
    (low - margin).max(limits.start)..(high + margin).min(limits.end)
}

fn panel<'a, 'b>(
    area: &'a Area<'b>,
    x: Range<f64>,
    y: Range<f64>,
    y_name: &str,
    x_name: Option<&str>,
) -> Drawn<Chart<'a, 'b>> {
    let mut chart = ChartBuilder::on(area)
        .margin_top(10)
        .margin_right(24)
        .margin_left(8)
        .set_label_area_size(LabelAreaPosition::Left, Y_LABELS)
        .set_label_area_size(
            LabelAreaPosition::Bottom,
            if x_name.is_some() { X_LABELS } else { X_MARKS },
        )
        .build_cartesian_2d(x, y.clone())?;
    let decimals = decimals(&y);
    let largest = y.start.abs().max(y.end.abs());
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(AXIS)
        .label_style((FONT, 13).into_font().color(&INK))
        .axis_desc_style((FONT, 14).into_font().color(&INK))
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|x| {
            if x_name.is_some() {
                thousands(*x as u64)
            } else {
                String::new()
            }
        })
        .y_label_formatter(&|y| {
            if largest < 1e6 {
                format!("{y:.decimals$}")
            } else {
                format!("{y:.1e}")
            }
        })
        .x_desc(x_name.unwrap_or_default())
        .y_desc(y_name)
        .draw()?;
    Ok(chart)
}

/// Digits that tell the marks of a scale apart.
fn decimals(range: &Range<f64>) -> usize {
    let step = (range.end - range.start) / 6.0;
    (-step.log10().floor()).clamp(0.0, 8.0) as usize
}

/// `12,345`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Draws a series; where a value is missing the line is interrupted.
fn line(
    chart: &mut Chart<'_, '_>,
    points: &[(f64, Option<f64>)],
    color: RGBColor,
    name: &str,
) -> Drawn<()> {
    let stretches = points.chunk_by(|a, b| a.1.is_some() && b.1.is_some());
    let mut first = true;
    for stretch in stretches {
        let stretch: Vec<(f64, f64)> = stretch
            .iter()
            .filter_map(|point| Some((point.0, point.1?)))
            .collect();
        if stretch.is_empty() {
            continue;
        }
        if points.len() <= MOST_DOTS || stretch.len() == 1 {
            let dots = stretch.iter().map(|&at| Circle::new(at, 3, color.filled()));
            chart.draw_series(dots)?;
        }
        let drawn = chart.draw_series(LineSeries::new(stretch, color.stroke_width(2)))?;
        if std::mem::take(&mut first) {
            drawn.label(name).legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 22, y)], color.stroke_width(2))
            });
        }
    }
    Ok(())
}

fn mark_best(chart: &mut Chart<'_, '_>, points: &[CurvePoint]) -> Drawn<()> {
    let defined = points
        .iter()
        .filter_map(|point| Some((point.examples, point.validation_auc?)));
    let Some((examples, auc)) =
        defined.reduce(|best, next| if next.1 > best.1 { next } else { best })
    else {
        let nothing = LineSeries::new([], AUC);
        chart
            .draw_series(nothing)?
            .label("undefined at every evaluation");
        return Ok(());
    };
    let ring = |at, size| Circle::new(at, size, INK.stroke_width(2));
    chart
        .draw_series([ring((examples as f64, auc), 7)])?
        .label(format!(
            "best: {auc:.3} at {} examples",
            thousands(examples)
        ))
        .legend(move |(x, y)| Circle::new((x + 11, y), 6, INK.stroke_width(2)));
    Ok(())
}

/// Puts the legend into the corner where it hides the fewest values of `series`.
fn legend<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, series: &[&[(f64, Option<f64>)]]) -> Drawn<()> {
    let (x, y) = (chart.x_range(), chart.y_range());
    // Shares of the width and height that a legend takes, a little more than needed.
    let (width, height) = (0.35, 0.3);
    let hidden = |right: bool, upper: bool| {
        let values = series.iter().copied().flatten();
        let places = values.filter_map(|&(at, value)| {
            let from_left = (at - x.start) / (x.end - x.start);
            let from_below = (value? - y.start) / (y.end - y.start);
            Some((
                if right { 1.0 - from_left } else { from_left },
                if upper { 1.0 - from_below } else { from_below },
            ))
        });
        places
            .filter(|&(across, along)| across < width && along < height)
            .count()
    };
    let corners = [
        (hidden(true, true), SeriesLabelPosition::UpperRight),
        (hidden(true, false), SeriesLabelPosition::LowerRight),
        (hidden(false, true), SeriesLabelPosition::UpperLeft),
        (hidden(false, false), SeriesLabelPosition::LowerLeft),
    ];
    let clearest = corners.into_iter().min_by_key(|corner| corner.0);
    let position = clearest.map_or(SeriesLabelPosition::UpperRight, |corner| corner.1);
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font((FONT, 13).into_font().color(&INK))
        .legend_area_size(30)
        .margin(10)
        .draw()?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn point(evaluation: u64) -> CurvePoint {
        let progress = evaluation as f64;
        let loss = 0.25 + 0.3 / (1.0 + 0.5 * progress);
        CurvePoint {
            examples: 8192 * (evaluation + 1),
            training_loss: loss,
            validation_loss: Some(loss + 0.004 * progress),
            validation_auc: Some(0.88 - 0.25 / (1.0 + progress) - 0.001 * (progress - 8.0).powi(2)),
        }
    }

    fn run(evaluations: u64) -> Vec<CurvePoint> {
        (0..evaluations).map(point).collect()
    }

    /// The figure's text if it was drawn, the error's message if not; no file may lie there in that case.
    /// A copy goes to the folder `CHEXTRANSFER_KEEP_FIGURES`, if that is set, to be looked at.
    fn drawn(points: &[CurvePoint]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("training_curve.svg");
        let result = training_curve(points, &file);
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, usize::from(result.is_ok()), "{result:?}");
        result.map_err(|error| error.to_string())?;
        if let Some(kept) = std::env::var_os("CHEXTRANSFER_KEEP_FIGURES") {
            let name = format!("training_curve_{}_{}.svg", points.len(), points[0].examples);
            std::fs::copy(&file, Path::new(&kept).join(name)).unwrap();
        }
        Ok(std::fs::read_to_string(file).unwrap())
    }

    fn texts(svg: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let texts = document
            .descendants()
            .filter(|node| node.has_tag_name("text"));
        texts
            .map(|node| node.text().unwrap_or_default().trim().to_owned())
            .collect()
    }

    /// Number of lines of this colour with more than one point; legends have one of two points.
    fn lines(svg: &str, color: RGBColor) -> usize {
        let document = roxmltree::Document::parse(svg).unwrap();
        let color = format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2);
        document
            .descendants()
            .filter(|node| {
                node.has_tag_name("polyline") && node.attribute("stroke") == Some(&color)
            })
            .count()
    }

    #[test]
    fn both_panels_are_drawn_with_title_axes_and_legend() {
        let svg = drawn(&run(20)).unwrap();
        let found = texts(&svg);
        for expected in [
            "Training curve",
            "loss",
            "mean validation AUC",
            "training examples seen",
            "training",
            "validation",
            "best: 0.854 at 81,920 examples",
        ] {
            assert!(
                found.iter().any(|text| text == expected),
                "{expected}: {found:?}"
            );
        }
        for color in [TRAINING, VALIDATION, AUC] {
            // The curve and its sample in the legend.
            assert_eq!(lines(&svg, color), 2, "{color:?}");
        }
    }

    #[test]
    fn an_undefined_value_leaves_a_gap() {
        let mut points = run(12);
        points[4].validation_auc = None;
        points[7].validation_loss = None;
        points[9].validation_loss = None;
        let svg = drawn(&points).unwrap();
        assert_eq!(lines(&svg, TRAINING), 2);
        assert_eq!(lines(&svg, AUC), 3);
        // Three stretches, one of them a lone dot.
        assert_eq!(lines(&svg, VALIDATION), 4);
    }

    #[test]
    fn nothing_but_undefined_values_is_said_in_words() {
        let mut points = run(5);
        for point in &mut points {
            (point.validation_loss, point.validation_auc) = (None, None);
        }
        let found = texts(&drawn(&points).unwrap());
        assert!(
            found.iter().any(|text| text.contains("undefined")),
            "{found:?}"
        );
        assert!(!found.iter().any(|text| text.contains("best")), "{found:?}");
    }

    #[test]
    fn the_legend_avoids_the_curve() {
        // Losses that rise end in the upper right corner, where the legend of falling ones is.
        let rising: Vec<_> = run(9)
            .into_iter()
            .map(|point| CurvePoint {
                training_loss: 0.9 - point.training_loss / 2.0,
                validation_loss: Some(0.9 - point.training_loss),
                ..point
            })
            .collect();
        let legend_y = |points: &[CurvePoint]| -> f64 {
            let svg = drawn(points).unwrap();
            let document = roxmltree::Document::parse(&svg).unwrap();
            let name = document
                .descendants()
                .find(|node| {
                    node.has_tag_name("text")
                        && node.text().unwrap_or_default().trim() == "training"
                })
                .unwrap();
            name.attribute("y").unwrap().parse().unwrap()
        };
        assert!(legend_y(&run(9)) < 120.0);
        assert!(legend_y(&rising) > 200.0);
    }

    #[test]
    fn one_point_and_flat_lines_and_long_runs_are_drawn() {
        let mut first = point(0);
        first.examples = 0;
        assert!(drawn(&[first]).is_ok());
        let flat = |examples| CurvePoint {
            examples,
            training_loss: 0.0,
            validation_loss: Some(0.0),
            validation_auc: Some(1.0),
        };
        assert!(drawn(&[flat(1), flat(2)]).is_ok());
        let exploding = CurvePoint {
            training_loss: LARGEST_LOSS,
            ..flat(30)
        };
        let found = texts(&drawn(&[flat(10), exploding]).unwrap());
        assert!(found.iter().any(|text| text == "1.0e30"), "{found:?}");
        let long: Vec<_> = (0..500)
            .map(|step| CurvePoint {
                examples: 8192 * (step + 1),
                ..point(step / 50)
            })
            .collect();
        assert!(drawn(&long).is_ok());
    }

    #[test]
    fn input_that_makes_no_curve_is_an_error_that_says_where() {
        let fails = |points: &[CurvePoint], parts: &[&str]| {
            let message = drawn(points).unwrap_err();
            assert!(message.contains("training_curve.svg"), "{message}");
            assert!(
                parts.iter().all(|part| message.contains(part)),
                "{parts:?}: {message}"
            );
        };
        let with = |change: fn(&mut CurvePoint)| {
            let mut points = run(4);
            change(&mut points[2]);
            points
        };
        fails(&[], &["no points"]);
        fails(
            &with(|p| p.training_loss = f64::NAN),
            &["training loss of NaN", "24576"],
        );
        fails(
            &with(|p| p.validation_loss = Some(f64::INFINITY)),
            &["validation loss of inf"],
        );
        fails(
            &with(|p| p.validation_auc = Some(f64::NAN)),
            &["AUC of NaN", "24576"],
        );
        fails(&with(|p| p.validation_auc = Some(1.01)), &["AUC of 1.01"]);
        fails(
            &with(|p| p.examples = 8192),
            &["8192 examples behind one at 16384"],
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("none").join("curve.svg");
        let message = training_curve(&run(3), &file).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("cannot write {}: ", file.display())),
            "{message}"
        );
    }

    #[test]
    fn numbers_on_the_axes_are_readable() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(12_345_678), "12,345,678");
        assert_eq!(decimals(&(0.0..1.0)), 1);
        assert_eq!(decimals(&(0.81..0.83)), 3);
        assert_eq!(decimals(&(0.0..60.0)), 0);
    }
}
