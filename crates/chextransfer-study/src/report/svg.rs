//! Charts as SVG.
//!
//! Colours are presentation attributes, so that a file is shown by any program, and classes, by which a page's style gives
//! them the values of a dark ground. Every mark has a `<title>`, which browsers show when a pointer rests on it.

use maud::{Markup, PreEscaped, html};

use super::axis::{Along, Placed};
use super::chart::{Color, Dot, Layer, LegendItem, Panel, Sample, Shape};
use super::document::Figure;

const WIDTH: f64 = 920.0;
const FONT: &str = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
/// Height of the panels' titles.
const TITLE: f64 = 30.0;
/// Height of the marks and the name below a panel.
const BELOW: f64 = 52.0;
const LEGEND_LINE: f64 = 22.0;
const RIGHT: f64 = 18.0;
/// Pixels that a letter takes at 12 pixels, a little more than on average.
const LETTER: f64 = 6.4;

/// A figure as an SVG file.
pub(super) fn file(figure: &Figure) -> String {
    let drawing = svg(figure).into_string();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{drawing}\n")
}

/// A figure as an element of a page.
pub(super) fn svg(figure: &Figure) -> Markup {
    let chart = &figure.chart;
    let legend = LegendLayout::of(&chart.legend);
    let top = legend.height;
    let height = top + TITLE + chart.height + BELOW;
    let share = WIDTH / chart.panels.len().max(1) as f64;
    let (title, description) = (
        format!("{}-title", figure.id),
        format!("{}-description", figure.id),
    );
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox=(format!("0 0 {WIDTH} {}", round(height).0))
            aria-labelledby=(format!("{title} {description}")) font-family=(FONT) font-size="12" {
            title id=(title) { (figure.title) }
            desc id=(description) { (chart.description) }
            rect class="sheet" width=(round(WIDTH)) height=(round(height)) fill="#ffffff" {}
            (legend.draw(&chart.legend))
            @for (place, panel) in chart.panels.iter().enumerate() {
                (PanelDrawing::new(panel, place as f64 * share, top, share, chart.height, format!("{}-clip{place}", figure.id)).draw())
            }
        }
    }
}

struct LegendLayout {
    places: Vec<[f64; 2]>,
    height: f64,
}

impl LegendLayout {
    fn of(items: &[LegendItem]) -> Self {
        let (mut x, mut line) = (12.0, 0.0);
        let mut places = Vec::with_capacity(items.len());
        for item in items {
            let width = 34.0 + item.label.chars().count() as f64 * LETTER + 12.0;
            if x + width > WIDTH && x > 12.0 {
                (x, line) = (12.0, line + 1.0);
            }
            places.push([x, 16.0 + line * LEGEND_LINE]);
            x += width;
        }
        let lines = if items.is_empty() { 0.0 } else { line + 1.0 };
        Self {
            places,
            height: lines * LEGEND_LINE + if items.is_empty() { 0.0 } else { 8.0 },
        }
    }

    fn draw(&self, items: &[LegendItem]) -> Markup {
        html! {
            @for (item, [x, y]) in items.iter().zip(&self.places) {
                g class=(item.color.class()) color=(item.color.hex()) {
                    @match item.sample {
                        Sample::Filled(shape) => (mark(shape, x + 11.0, *y, 5.0, true)),
                        Sample::Hollow(shape) => (mark(shape, x + 11.0, *y, 5.0, false)),
                        Sample::Ringed(shape) => { (mark(shape, x + 11.0, *y, 4.0, true)) (ring(x + 11.0, *y)) },
                        Sample::Line => (stroke(&[[*x, *y], [x + 22.0, *y]], false)),
                        Sample::Dashed => (stroke(&[[*x, *y], [x + 22.0, *y]], true)),
                        Sample::Band => rect x=(round(*x)) y=(round(y - 6.0)) width="22" height="12" fill="currentColor" fill-opacity="0.14" {},
                    }
                }
                (words(x + 28.0, y + 4.0, &item.label, "start"))
            }
        }
    }
}

struct PanelDrawing<'a> {
    panel: &'a Panel,
    x: Placed<'a>,
    y: Placed<'a>,
    /// Left, top, right, bottom.
    frame: [f64; 4],
    clip: String,
}

impl<'a> PanelDrawing<'a> {
    fn new(panel: &'a Panel, left: f64, top: f64, width: f64, height: f64, clip: String) -> Self {
        let top = top + TITLE;
        let bottom = top + height;
        let y = Placed::new(panel, Along::Y, bottom, top);
        let widest = y
            .marks()
            .iter()
            .map(|(_, text)| text.chars().count())
            .max()
            .unwrap_or(0) as f64;
        let name = if y.label().is_empty() { 0.0 } else { 20.0 };
        let frame = [
            left + 16.0 + name + widest * LETTER,
            top,
            left + width - RIGHT,
            bottom,
        ];
        Self {
            panel,
            x: Placed::new(panel, Along::X, frame[0], frame[2]),
            y,
            frame,
            clip,
        }
    }

    fn draw(&self) -> Markup {
        let [left, top, right, bottom] = self.frame;
        html! {
            defs { clipPath id=(self.clip) {
                rect x=(round(left)) y=(round(top)) width=(round(right - left)) height=(round(bottom - top)) {}
            } }
            text class="ink" color=(Color::Ink.hex()) fill="currentColor" x=(round(left)) y=(round(top - 12.0)) font-size="13" font-weight="600" {
                (self.panel.title)
            }
            (self.axes())
            g clip-path=(format!("url(#{})", self.clip)) {
                @for layer in &self.panel.layers { (self.layer(layer)) }
            }
            (self.labels())
        }
    }

    fn axes(&self) -> Markup {
        let [left, top, right, bottom] = self.frame;
        let y_marks = self.y.marks();
        html! {
            g class="grid" color="#e6e8eb" stroke="currentColor" {
                @for (y, _) in &y_marks { line x1=(round(left)) x2=(round(right)) y1=(round(*y)) y2=(round(*y)) {} }
                @if self.y.has_names() {
                    @for (x, _) in self.x.marks() { line x1=(round(x)) x2=(round(x)) y1=(round(top)) y2=(round(bottom)) {} }
                }
            }
            g class="axis" color="#8b929c" stroke="currentColor" {
                line x1=(round(left)) x2=(round(right)) y1=(round(bottom)) y2=(round(bottom)) {}
                @for (x, _) in self.x.marks() { line x1=(round(x)) x2=(round(x)) y1=(round(bottom)) y2=(round(bottom + 5.0)) {} }
            }
            @for (y, text) in &y_marks { (words(left - 8.0, y + 4.0, text, "end")) }
            @for (x, text) in self.x.marks() { (words(x, bottom + 20.0, &text, "middle")) }
            @if !self.x.label().is_empty() { (words((left + right) / 2.0, bottom + 42.0, self.x.label(), "middle")) }
            @if !self.y.label().is_empty() {
                text class="ink" color=(Color::Ink.hex()) fill="currentColor" text-anchor="middle"
                    transform=(format!("translate({} {}) rotate(-90)", round(self.outer_left()).0, round((top + bottom) / 2.0).0)) {
                    (self.y.label())
                }
            }
        }
    }

    fn outer_left(&self) -> f64 {
        let widest = self
            .y
            .marks()
            .iter()
            .map(|(_, text)| text.chars().count())
            .max()
            .unwrap_or(0) as f64;
        self.frame[0] - 16.0 - widest * LETTER
    }

    fn place(&self, at: [f64; 2]) -> [f64; 2] {
        [self.x.pixel(at[0]), self.y.pixel(at[1])]
    }

    fn layer(&self, layer: &Layer) -> Markup {
        let [left, top, right, bottom] = self.frame;
        match layer {
            Layer::Band { points } => {
                let edge = |end: usize| {
                    points
                        .iter()
                        .map(move |point| self.place([point[0], point[end]]))
                };
                let outline: Vec<_> = edge(1).chain(edge(2).rev()).map(pair).collect();
                html! { polygon class="ink" color=(Color::Ink.hex()) fill="currentColor" fill-opacity="0.1" points=(outline.join(" ")) {} }
            }
            Layer::Line {
                points,
                color,
                dashed,
            } => {
                let points: Vec<_> = points.iter().map(|&at| self.place(at)).collect();
                html! { g class=(color.class()) color=(color.hex()) { (stroke(&points, *dashed)) } }
            }
            Layer::Level { y, .. } => {
                let y = self.y.pixel(*y);
                html! { g class="ink" color=(Color::Ink.hex()) { (stroke(&[[left, y], [right, y]], true)) } }
            }
            Layer::Upright { x, .. } => {
                let x = self.x.pixel(*x);
                html! { g class="ink" color=(Color::Ink.hex()) { (stroke(&[[x, top], [x, bottom]], true)) } }
            }
            Layer::Dot(dot) => self.dot(dot),
        }
    }

    fn dot(&self, dot: &Dot) -> Markup {
        let [x, y] = self.place(dot.at);
        html! {
            g class=(format!("mark {}", dot.color.class())) color=(dot.color.hex()) {
                title { (dot.tip) }
                // A wider target than the mark itself.
                circle cx=(round(x)) cy=(round(y)) r="11" fill="#ffffff" fill-opacity="0" {}
                @if let Some([low, high]) = dot.bar {
                    line x1=(round(x)) x2=(round(x)) y1=(round(self.y.pixel(low))) y2=(round(self.y.pixel(high))) stroke="currentColor" stroke-width="1.4" stroke-opacity="0.6" {}
                }
                @if let Some([low, high]) = dot.side_bar {
                    line x1=(round(self.x.pixel(low))) x2=(round(self.x.pixel(high))) y1=(round(y)) y2=(round(y)) stroke="currentColor" stroke-width="1.4" stroke-opacity="0.6" {}
                }
                (mark(dot.shape, x, y, 5.0, dot.filled))
                @if dot.ringed { (ring(x, y)) }
            }
        }
    }

    /// Names beside marks and at the ends of lines, where there is room.
    fn labels(&self) -> Markup {
        let dots: Vec<(&Dot, [f64; 2])> = self
            .panel
            .layers
            .iter()
            .filter_map(|layer| match layer {
                Layer::Dot(dot) => Some((dot, self.place(dot.at))),
                _ => None,
            })
            .collect();
        let mut taken: Vec<[f64; 4]> = dots
            .iter()
            .map(|(_, [x, y])| [x - 6.0, y - 6.0, x + 6.0, y + 6.0])
            .collect();
        let [left, top, right, bottom] = self.frame;
        let mut texts: Vec<(f64, f64, &str, &str)> = Vec::new();
        for layer in &self.panel.layers {
            let (x, y, label, anchor) = match layer {
                Layer::Level { y, label } => (right - 4.0, self.y.pixel(*y) - 6.0, label, "end"),
                Layer::Upright { x, label } => {
                    (self.x.pixel(*x) + 6.0, bottom - 6.0, label, "start")
                }
                _ => continue,
            };
            taken.push(boxed(x, y, label, anchor));
            texts.push((x, y, label, anchor));
        }
        for (dot, [x, y]) in &dots {
            let Some(label) = &dot.label else {
                continue;
            };
            let beside = if dot.ringed { 14.0 } else { 9.0 };
            let candidates = [
                (x + beside, y + 4.0, "start"),
                (x - beside, y + 4.0, "end"),
                (*x, y - 10.0, "middle"),
                (*x, y + 19.0, "middle"),
                (x + 8.0, y - 8.0, "start"),
                (x + 8.0, y + 16.0, "start"),
                (x - 8.0, y - 8.0, "end"),
                (x - 8.0, y + 16.0, "end"),
            ];
            let free = candidates.into_iter().find(|&(x, y, anchor)| {
                let own = boxed(x, y, label, anchor);
                let inside = own[0] >= left && own[2] <= right && own[1] >= top && own[3] <= bottom;
                inside && !taken.iter().any(|other| overlap(&own, other))
            });
            if let Some((x, y, anchor)) = free {
                taken.push(boxed(x, y, label, anchor));
                texts.push((x, y, label, anchor));
            }
        }
        html! {
            @for (x, y, text, anchor) in texts {
                text class="ink label" color=(Color::Ink.hex()) fill="currentColor" font-size="11" x=(round(x)) y=(round(y)) text-anchor=(anchor) { (text) }
            }
        }
    }
}

/// Left, top, right, bottom of a text.
fn boxed(x: f64, y: f64, text: &str, anchor: &str) -> [f64; 4] {
    let width = text.chars().count() as f64 * 6.0;
    let left = match anchor {
        "end" => x - width,
        "middle" => x - width / 2.0,
        _ => x,
    };
    [left, y - 10.0, left + width, y + 3.0]
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

fn words(x: f64, y: f64, text: &str, anchor: &str) -> Markup {
    html! {
        text class="ink" color=(Color::Ink.hex()) fill="currentColor" x=(round(x)) y=(round(y)) text-anchor=(anchor) { (text) }
    }
}

fn stroke(points: &[[f64; 2]], dashed: bool) -> Markup {
    let points: Vec<_> = points.iter().map(|&at| pair(at)).collect();
    let dashes = dashed.then_some("5 4");
    html! {
        polyline points=(points.join(" ")) fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" stroke-dasharray=[dashes] {}
    }
}

fn ring(x: f64, y: f64) -> Markup {
    html! { circle cx=(round(x)) cy=(round(y)) r="9.5" fill="none" stroke="currentColor" stroke-width="1.6" {} }
}

fn mark(shape: Shape, x: f64, y: f64, size: f64, filled: bool) -> Markup {
    let (class, fill) = match filled {
        true => (None, "currentColor"),
        false => (Some("hollow"), "#ffffff"),
    };
    let corners: &[[f64; 2]] = match shape {
        Shape::Circle => {
            return html! { circle class=[class] cx=(round(x)) cy=(round(y)) r=(size) fill=(fill) stroke="currentColor" stroke-width="1.6" {} };
        }
        Shape::Square => &[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
        Shape::Triangle => &[[0.0, -1.15], [1.1, 0.85], [-1.1, 0.85]],
        Shape::Diamond => &[[0.0, -1.25], [1.25, 0.0], [0.0, 1.25], [-1.25, 0.0]],
        Shape::Wedge => &[[0.0, 1.15], [1.1, -0.85], [-1.1, -0.85]],
        Shape::Pentagon => &[
            [0.0, -1.15],
            [1.09, -0.36],
            [0.68, 0.93],
            [-0.68, 0.93],
            [-1.09, -0.36],
        ],
    };
    let points: Vec<_> = corners
        .iter()
        .map(|[dx, dy]| pair([x + dx * size, y + dy * size]))
        .collect();
    html! { polygon class=[class] points=(points.join(" ")) fill=(fill) stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" {} }
}

fn pair([x, y]: [f64; 2]) -> String {
    format!("{},{}", round(x).0, round(y).0)
}

/// To a tenth of a pixel, which is what one sees.
fn round(pixels: f64) -> PreEscaped<String> {
    let text = format!("{pixels:.1}");
    PreEscaped(text.strip_suffix(".0").map(str::to_owned).unwrap_or(text))
}
