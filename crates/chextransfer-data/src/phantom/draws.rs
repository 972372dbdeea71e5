//! Random draws, each stream a pure function of the seed and of what it is drawn for.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of draws is for. Streams are independent, so that adding a draw to one changes no other:
/// a finding can be left out of a picture without moving anything else in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Sex, age and anatomy.
    Person,
    /// How many studies and which views.
    Schedule,
    /// Which findings a study has.
    Truth,
    /// What a report says of them.
    Report,
    /// How the patient stands before the detector.
    Pose,
    /// Exposure and noise.
    Film,
    /// The side marker.
    Marker,
    /// Gas in stomach and bowel.
    Gas,
    /// The vessels' branching.
    Vessels,
    /// The shape of one finding, by the observation's index.
    Finding(u8),
}

impl Purpose {
    fn code(self) -> u64 {
        match self {
            Self::Person => 0,
            Self::Schedule => 1,
            Self::Truth => 2,
            Self::Report => 3,
            Self::Pose => 4,
            Self::Film => 5,
            Self::Vessels => 6,
            Self::Marker => 7,
            Self::Gas => 8,
            Self::Finding(index) => 0x100 + u64::from(index),
        }
    }
}

/// The key of a stream: all that a draw may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) seed: u64,
    pub(crate) patient: u64,
    /// 0 for what all studies of a patient share.
    pub(crate) study: u32,
    /// 0 for what all views of a study share.
    pub(crate) view: u32,
}

impl Key {
    pub(crate) fn draws(self, purpose: Purpose) -> Draws {
        let words = [
            self.seed,
            self.patient,
            u64::from(self.study) << 32 | u64::from(self.view),
            purpose.code(),
        ];
        let mut bytes = [0; 32];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Draws(ChaCha8Rng::from_seed(bytes))
    }
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in [`low`, `high`).
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// -1 (the patient's right) or 1 (the patient's left), the latter with probability `left`.
    pub(crate) fn side(&mut self, left: f32) -> f32 {
        if self.chance(left) { 1.0 } else { -1.0 }
    }

    /// 0 to `count - 1`, or 0 where `count` is 0.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(count)) >> 32) as u32
    }

    /// Roughly normal with mean 0 and standard deviation 1, within 3.5: the sum of four uniform draws, scaled.
    pub(crate) fn normal(&mut self) -> f32 {
        let bits = self.0.next_u64();
        let sum: u64 = (0..4).map(|i| bits >> (16 * i) & 0xffff).sum();
        // Each of the four has variance 65536^2 / 12.
        (sum as f32 - 131_070.0) / 37_837.23
    }

    /// Bits for a texture.
    pub(crate) fn salt(&mut self) -> u32 {
        self.0.next_u32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        seed: 7,
        patient: 1,
        study: 1,
        view: 0,
    };

    #[test]
    fn a_stream_depends_on_every_part_of_its_key_and_on_its_purpose() {
        let first = |key: Key, purpose| key.draws(purpose).salt();
        let base = first(KEY, Purpose::Truth);
        assert_eq!(base, first(KEY, Purpose::Truth));
        let others = [
            first(KEY, Purpose::Pose),
            first(KEY, Purpose::Finding(2)),
            first(KEY, Purpose::Finding(3)),
            first(Key { seed: 8, ..KEY }, Purpose::Truth),
            first(Key { patient: 2, ..KEY }, Purpose::Truth),
            first(Key { study: 2, ..KEY }, Purpose::Truth),
            first(Key { view: 1, ..KEY }, Purpose::Truth),
        ];
        for (i, other) in others.iter().enumerate() {
            assert_ne!(*other, base, "key {i}");
        }
    }

    #[test]
    fn normal_draws_have_mean_zero_and_deviation_one() {
        let mut draws = KEY.draws(Purpose::Film);
        let values: Vec<f32> = (0..20_000).map(|_| draws.normal()).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let square = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((square - 1.0).abs() < 0.05, "variance {square}");
    }
}
