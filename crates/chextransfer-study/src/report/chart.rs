//! What a figure shows, apart from how it is drawn.

/// Panels side by side with one legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// From the left.
    pub panels: Vec<Panel>,
    /// What colours and shapes mean.
    pub legend: Vec<LegendItem>,
    /// What a reader who cannot see the figure is told.
    pub description: String,
    /// Height of the panels in pixels.
    pub height: f64,
}

/// A pair of axes and what is drawn on them.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Its title.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// From the back to the front.
    pub layers: Vec<Layer>,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Its name; empty for none.
    pub label: String,
    /// Its scale.
    pub scale: Scale,
    /// How its numbers are printed.
    pub format: NumberFormat,
}

/// A scale; its ends are found from what is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal factors.
    Logarithmic,
    /// One step a name, from above at the places 0, 1, and so on.
    Names(Vec<String>),
}

/// How an axis prints numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// As many decimals as tell its marks apart.
    Plain,
    /// As many, and a plus sign.
    Signed,
    /// `5 M`.
    Engineering,
    /// A share in percent.
    Percent,
}

/// Something drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// The area between two curves: x, low, high.
    Band {
        /// From the left.
        points: Vec<[f64; 3]>,
    },
    /// A line through points.
    Line {
        /// In order.
        points: Vec<[f64; 2]>,
        /// Its colour.
        color: Color,
        /// Whether it is dashed.
        dashed: bool,
    },
    /// A horizontal line across the panel.
    Level {
        /// Where.
        y: f64,
        /// What stands at its end.
        label: String,
    },
    /// A vertical line across the panel.
    Upright {
        /// Where.
        x: f64,
        /// What stands at its end.
        label: String,
    },
    /// A mark.
    Dot(Dot),
}

/// A mark at a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// Where.
    pub at: [f64; 2],
    /// The ends of a line through it, along y.
    pub bar: Option<[f64; 2]>,
    /// The ends of a line through it, along x.
    pub side_bar: Option<[f64; 2]>,
    /// Its colour.
    pub color: Color,
    /// Its shape.
    pub shape: Shape,
    /// Whether it is filled.
    pub filled: bool,
    /// Whether a ring is drawn around it.
    pub ringed: bool,
    /// What stands beside it, if there is room.
    pub label: Option<String>,
    /// What is shown when a pointer rests on it.
    pub tip: String,
}

impl Dot {
    /// A filled mark without bars and label.
    pub fn new(at: [f64; 2], color: Color, shape: Shape, tip: String) -> Self {
        Self {
            at,
            bar: None,
            side_bar: None,
            color,
            shape,
            filled: true,
            ringed: false,
            label: None,
            tip,
        }
    }
}

/// What a colour and a shape mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegendItem {
    /// What it is.
    pub label: String,
    /// The colour.
    pub color: Color,
    /// The mark.
    pub sample: Sample,
}

/// What stands before a legend's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// A filled mark.
    Filled(Shape),
    /// A hollow mark.
    Hollow(Shape),
    /// A filled mark in a ring.
    Ringed(Shape),
    /// A line.
    Line,
    /// A dashed line.
    Dashed,
    /// The area of a band.
    Band,
}

/// A colour by its meaning; a page may show it lighter on a dark ground.
///
/// The values are those that people with any colour vision tell apart: Okabe and Ito, Color Universal Design, 2008, with the
/// yellow darkened to be seen on white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Text and lines that belong to no series.
    Ink,
    /// One of the series.
    Series(u8),
}

impl Color {
    const SERIES: [&str; 6] = [
        "#0072b2", "#d55e00", "#00805f", "#b86f99", "#8a6d00", "#3a8fc4",
    ];

    /// On a white ground.
    pub const fn hex(self) -> &'static str {
        match self {
            Self::Ink => "#2d3138",
            Self::Series(number) => Self::SERIES[number as usize % Self::SERIES.len()],
        }
    }

    /// The class by which a page's style finds it.
    pub const fn class(self) -> &'static str {
        const CLASSES: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];
        match self {
            Self::Ink => "ink",
            Self::Series(number) => CLASSES[number as usize % CLASSES.len()],
        }
    }
}

/// The shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Round.
    Circle,
    /// Square.
    Square,
    /// A triangle on its base.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A triangle on its tip.
    Wedge,
    /// Five corners.
    Pentagon,
}

/// Colour and shape of a family of networks; the same in every figure.
pub(super) fn of_family(family: &str) -> (Color, Shape) {
    const FAMILIES: [(&str, Shape); 6] = [
        ("DenseNet", Shape::Circle),
        ("ResNet", Shape::Square),
        ("Inception", Shape::Triangle),
        ("EfficientNet", Shape::Diamond),
        ("MNASNet", Shape::Pentagon),
        ("MobileNet", Shape::Wedge),
    ];
    let place = FAMILIES.iter().position(|(name, _)| *name == family);
    place.map_or((Color::Ink, Shape::Circle), |place| {
        (Color::Series(place as u8), FAMILIES[place].1)
    })
}
