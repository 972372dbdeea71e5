//! SHA-256 of file contents.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The SHA-256 of these bytes as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file as 64 lower-case hexadecimal digits.
pub(super) fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    feed(&mut hasher, &mut File::open(path)?)?;
    Ok(hex(&hasher.finalize()))
}

/// Hashes all that is left in `source`; returns how many bytes these were.
pub(super) fn feed(hasher: &mut Sha256, source: &mut impl Read) -> std::io::Result<u64> {
    let mut piece = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        match source.read(&mut piece)? {
            0 => return Ok(bytes),
            count => {
                hasher.update(&piece[..count]);
                bytes += count as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_that_of_fips_180_4() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
