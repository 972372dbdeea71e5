//! Random numbers as a pure function of what they are for.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// Which random draw is meant; a random crop depends on these three numbers and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Draw {
    /// The run's seed.
    pub seed: u64,
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// The image's row in its split.
    pub index: u64,
}

/// What a stream of random numbers is used for, so that two uses never share one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Order,
    Crop,
}

/// The generator of one draw: the four numbers are the key of a ChaCha8 stream.
pub(crate) fn generator(purpose: Purpose, seed: u64, epoch: u64, index: u64) -> ChaCha8Rng {
    let tag = match purpose {
        Purpose::Order => 1_u64,
        Purpose::Crop => 2,
    };
    let mut key = [0; 32];
    for (place, number) in key.chunks_exact_mut(8).zip([seed, epoch, index, tag]) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The generator of a draw that belongs to a name, such as an image's path: the key of the ChaCha8 stream is the SHA-256 of
/// purpose, seed and name.
pub(crate) fn named_generator(purpose: &str, seed: u64, name: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update((purpose.len() as u64).to_le_bytes());
    hash.update(purpose);
    hash.update(seed.to_le_bytes());
    hash.update(name);
    ChaCha8Rng::from_seed(hash.finalize().into())
}
