//! From attenuation to an 8-bit picture: exposure, scatter, noise, blur, tone and the side marker.

use image::GrayImage;

use super::canvas::{Field, Frame, Knot, Profile};
use super::draws::{Draws, Key, Purpose};
use super::math::{exp, lerp, point};
use super::pose::{Pose, Projection};

/// How one picture is taken and developed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Film {
    /// Added to the attenuation: dose.
    exposure: f32,
    /// Multiplies the attenuation: tube voltage and display window.
    contrast: f32,
    /// Share of the light that is veiling glare.
    scatter: f32,
    /// Noise, as a deviation of the attenuation.
    noise: f32,
    /// Deviation of the blur in body units.
    blur: f32,
    /// Brightening from top to bottom.
    heel: f32,
    /// Curvature of the tone curve.
    tone: f32,
}

impl Film {
    pub(crate) fn draw(draws: &mut Draws, pose: &Pose, lateral: bool) -> Self {
        let bedside = pose.projection == Projection::Ap && !lateral;
        let worse = if bedside { 1.0 } else { 0.0 };
        Self {
            exposure: 0.07 * draws.normal() + 0.03 * worse,
            contrast: draws.between(0.88, 1.18) - 0.05 * worse,
            scatter: draws.between(0.03, 0.12) + 0.07 * worse,
            noise: draws.between(0.009, 0.018) + 0.006 * worse,
            blur: draws.between(0.0012, 0.0026) + 0.0008 * worse,
            heel: 0.04 * draws.normal(),
            tone: draws.between(1.15, 1.85),
        }
    }

    /// The same film with so many times the noise.
    pub(crate) fn with_noise(self, factor: f32) -> Self {
        Self {
            noise: factor * self.noise,
            ..self
        }
    }

    /// Develops an attenuation field; 0 is the open beam, about 0.3 a lung, 1.3 the spine.
    pub(crate) fn develop(
        &self,
        frame: Frame,
        attenuation: &Field,
        marker: Option<&Marker>,
        draws: &mut Draws,
    ) -> GrayImage {
        let mut seen = attenuation.clone();
        // Scatter lifts what lies beside thick parts.
        let mut glare = attenuation.clone();
        glare.blur(0.10 * frame.scale);
        seen.zip(&glare, |value, veil| {
            *value = lerp(*value, veil, self.scatter)
        });
        let mut noise = Field::noise(frame, draws);
        let mut coarse = noise.clone();
        coarse.blur(0.0035 * frame.scale);
        noise.zip(&coarse, |value, slow| *value = 0.5 * *value + 1.2 * slow);
        // More quanta reach the detector behind the lungs, but there the tone curve is steep, so that after
        // development the dark parts look noisier, as they do on film.
        seen.zip(&noise, |value, grain| *value += self.noise * grain);
        seen.blur(self.blur * frame.scale);
        if let Some(marker) = marker {
            marker.draw(frame, &mut seen);
        }
        let white = 1.0 - exp(-self.tone * 1.62);
        let pixels = seen
            .values
            .iter()
            .enumerate()
            .map(|(i, &value)| {
                let down = (i / frame.width) as f32 / frame.height as f32 - 0.5;
                // The open beam stays black whatever the exposure.
                let body = value.clamp(0.0, 1.0);
                let value =
                    (value - 0.10) * self.contrast + (self.exposure + self.heel * down) * body;
                let grey = (1.0 - exp(-self.tone * value.max(0.0))) / white;
                (4.0 + 248.0 * grey + 0.5).clamp(0.0, 255.0) as u8
            })
            .collect();
        // The field has exactly width * height values.
        GrayImage::from_raw(frame.width as u32, frame.height as u32, pixels)
            .unwrap_or_else(|| GrayImage::new(frame.width as u32, frame.height as u32))
    }
}

/// The lead letter that names the patient's side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marker {
    left: bool,
    /// Centre as a share of the picture.
    x: f32,
    y: f32,
    /// Height as a share of the picture's height.
    size: f32,
    turn: f32,
}

impl Marker {
    pub(crate) fn draw_some(key: Key) -> Option<Self> {
        let draws = &mut key.draws(Purpose::Marker);
        let left = draws.chance(0.5);
        let marker = Self {
            left,
            x: if left {
                draws.between(0.88, 0.95)
            } else {
                draws.between(0.05, 0.12)
            },
            y: draws.between(0.06, 0.2),
            size: draws.between(0.04, 0.06),
            turn: 0.1 * draws.normal(),
        };
        draws.chance(0.6).then_some(marker)
    }

    fn draw(&self, frame: Frame, onto: &mut Field) {
        // Strokes of the letters on a grid one high and 0.6 wide, centred.
        const L: &[&[(f32, f32)]] = &[&[(-0.3, -0.5), (-0.3, 0.5), (0.3, 0.5)]];
        const R: &[&[(f32, f32)]] = &[
            &[
                (-0.3, 0.5),
                (-0.3, -0.5),
                (0.15, -0.5),
                (0.3, -0.35),
                (0.3, -0.12),
                (0.15, 0.02),
                (-0.3, 0.02),
            ],
            &[(0.0, 0.02), (0.3, 0.5)],
        ];
        let (width, height) = (frame.width as f32, frame.height as f32);
        // Body units are of no concern here: the letter lies on the detector.
        let plate = Frame::new(
            frame.width,
            frame.height,
            self.size * height,
            point(self.x * width, self.y * height),
            self.turn,
        );
        let mut letter = Field::zeros(frame);
        for line in if self.left { L } else { R } {
            let knots: Vec<Knot> = line
                .iter()
                .map(|&(x, y)| Knot {
                    at: point(x, y + 0.5),
                    radius: 0.09,
                    strength: 1.7,
                })
                .collect();
            letter.stroke(plate, &knots, Profile::Flat);
        }
        onto.zip(&letter, |value, lead| *value = value.max(lead));
    }
}
