//! From numbers to places on paper.

use super::chart::{Axis, Layer, NumberFormat, Panel, Scale};
use super::number::{engineering, fixed, signed};

/// An axis of a panel with its ends in pixels.
pub(super) struct Placed<'a> {
    axis: &'a Axis,
    /// Ends in the scale's own units: logarithms for a logarithmic one.
    low: f64,
    high: f64,
    /// Pixels of both ends.
    from: f64,
    to: f64,
}

/// Which of a point's two numbers.
#[derive(Clone, Copy)]
pub(super) enum Along {
    X = 0,
    Y = 1,
}

impl<'a> Placed<'a> {
    /// Finds the ends from what is drawn, with a margin.
    pub(super) fn new(panel: &'a Panel, along: Along, from: f64, to: f64) -> Self {
        let axis = match along {
            Along::X => &panel.x,
            Along::Y => &panel.y,
        };
        let (low, high) = match &axis.scale {
            // From above: the first name is at the far end.
            Scale::Names(names) => (names.len() as f64 - 0.4, -0.6),
            scale => {
                let numbers = panel.layers.iter().flat_map(|layer| numbers(layer, along));
                let numbers = numbers
                    .map(|number| own(scale, number))
                    .filter(|number| number.is_finite());
                let (low, high) = numbers
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                        (low.min(number), high.max(number))
                    });
                with_margin(low, high, scale)
            }
        };
        Self {
            axis,
            low,
            high,
            from,
            to,
        }
    }

    /// The pixel of a number, held inside the axis.
    pub(super) fn pixel(&self, number: f64) -> f64 {
        let share = (own(&self.axis.scale, number) - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Marks with their texts.
    pub(super) fn marks(&self) -> Vec<(f64, String)> {
        match &self.axis.scale {
            Scale::Names(names) => names
                .iter()
                .enumerate()
                .map(|(place, name)| (self.pixel(place as f64), name.clone()))
                .collect(),
            Scale::Linear => {
                let step = nice_step((self.high - self.low) / 6.5);
                let decimals = decimals(step);
                let first = (self.low / step).ceil() as i64;
                let last = (self.high / step).floor() as i64;
                (first..=last)
                    .map(|place| place as f64 * step)
                    .map(|number| (self.pixel(number), self.text(number, decimals)))
                    .collect()
            }
            Scale::Logarithmic => {
                let decades = self.high - self.low;
                let steps: &[f64] = match decades {
                    decades if decades > 4.5 => &[1.0],
                    decades if decades > 1.6 => &[1.0, 3.0],
                    decades if decades > 0.5 => &[1.0, 2.0, 5.0],
                    _ => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
                };
                let every = if decades > 9.0 { 3 } else { 1 };
                let powers = (self.low.floor() as i32)..=(self.high.ceil() as i32);
                powers
                    .filter(|power| power.rem_euclid(every) == 0)
                    .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)))
                    .filter(|number| (self.low..=self.high).contains(&number.log10()))
                    .map(|number| (self.pixel(number), self.text(number, 0)))
                    .collect()
            }
        }
    }

    fn text(&self, number: f64, decimals: usize) -> String {
        match self.axis.format {
            NumberFormat::Plain => fixed(number, decimals),
            NumberFormat::Signed => signed(number, decimals),
            NumberFormat::Engineering => engineering(number),
            NumberFormat::Percent => super::number::percent(number),
        }
    }

    /// Whether its marks are names.
    pub(super) fn has_names(&self) -> bool {
        matches!(self.axis.scale, Scale::Names(_))
    }

    /// Its name.
    pub(super) fn label(&self) -> &str {
        &self.axis.label
    }
}

fn own(scale: &Scale, number: f64) -> f64 {
    match scale {
        Scale::Logarithmic => number.log10(),
        Scale::Linear | Scale::Names(_) => number,
    }
}

fn numbers(layer: &Layer, along: Along) -> Vec<f64> {
    let along = along as usize;
    match layer {
        Layer::Band { points } => match along {
            0 => points.iter().map(|point| point[0]).collect(),
            // A band's far ends may be much wider than the points: they are cut off at the panel's edge.
            _ => Vec::new(),
        },
        Layer::Line { points, .. } => points.iter().map(|point| point[along]).collect(),
        Layer::Level { y, .. } if along == 1 => vec![*y],
        Layer::Upright { x, .. } if along == 0 => vec![*x],
        Layer::Level { .. } | Layer::Upright { .. } => Vec::new(),
        Layer::Dot(dot) => {
            let bar = if along == 1 { dot.bar } else { dot.side_bar };
            let mut all = vec![dot.at[along]];
            all.extend(bar.into_iter().flatten());
            all
        }
    }
}

/// Ends that leave some room around what is drawn.
fn with_margin(low: f64, high: f64, scale: &Scale) -> (f64, f64) {
    if low > high {
        return (0.0, 1.0);
    }
    let least = match scale {
        Scale::Logarithmic => 0.3,
        _ => 1e-3 * low.abs().max(high.abs()).max(1.0),
    };
    let margin = (0.07 * (high - low)).max(if high - low < least { least } else { 0.0 });
    (low - margin, high + margin)
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let nice = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * power);
    nice.into_iter()
        .find(|nice| *nice >= step * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

fn decimals(step: f64) -> usize {
    (-step.log10().floor()).clamp(0.0, 9.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(nice_step(0.013), 0.02);
        assert_eq!(nice_step(0.2), 0.2);
        assert_eq!(nice_step(7.0), 10.0);
        assert_eq!(decimals(0.02), 2);
        assert_eq!(decimals(10.0), 0);
    }

    #[test]
    fn ends_leave_room_even_around_nothing_and_around_one_number() {
        assert_eq!(
            with_margin(f64::INFINITY, f64::NEG_INFINITY, &Scale::Linear),
            (0.0, 1.0)
        );
        let (low, high) = with_margin(0.8, 0.8, &Scale::Linear);
        assert!(low < 0.8 && high > 0.8);
    }
}
