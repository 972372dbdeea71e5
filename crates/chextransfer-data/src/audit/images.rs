//! The checks of one image file: is it there, is it whole, is it a radiograph.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::MIN_SIDE;
use super::finding::FindingKind;
use super::thumbnail::{INVERTED_BELOW, PerceptualHash, PerceptualHasher, Thumbnail};
use crate::batch::panic_message;
use crate::image::{GreyImage, Samples, decode_grey};
use crate::{Error, View};

/// What is kept of an image: about 100 bytes and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// SHA-256 of the file; none if it cannot be read.
    pub(super) digest: Option<[u8; 32]>,
    /// None if the image cannot be compared with others.
    pub(super) hash: Option<PerceptualHash>,
    /// What is wrong with this image alone.
    pub(super) problems: Vec<(FindingKind, String)>,
}

/// Looks at a file. `view` is what its row says.
pub(super) fn examine(file: &Path, view: Option<View>, hasher: &PerceptualHasher) -> Examined {
    let mut examined = Examined::default();
    let bytes = match FileBytes::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => FindingKind::MissingFile,
                _ => FindingKind::UnreadableFile,
            };
            examined.problem(kind, Error::io("read", file)(error).to_string());
            return examined;
        }
    };
    // A decoder that panics on some file must not cost the audit of the others.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode_grey(file))).unwrap_or_else(|panic| {
        Err(Error::Image {
            path: file.to_path_buf(),
            problem: format!("the decoder panicked: {}", panic_message(&*panic)),
        })
    });
    match decoded {
        Ok(image) => {
            examined.digest = Some(bytes.digest);
            examined.look_at(&image, view, hasher);
        }
        Err(error) => {
            let kind = if bytes.ends_early() {
                FindingKind::TruncatedFile
            } else {
                FindingKind::UnreadableFile
            };
            examined.problem(kind, error.to_string());
        }
    }
    examined
}

impl Examined {
    fn problem(&mut self, kind: FindingKind, message: String) {
        self.problems.push((kind, message));
    }

    fn look_at(&mut self, image: &GreyImage, view: Option<View>, hasher: &PerceptualHasher) {
        let (width, height) = (image.width(), image.height());
        if width.min(height) < MIN_SIDE {
            self.problem(
                FindingKind::TinyImage,
                format!("{width}x{height} pixels, expected at least {MIN_SIDE} a side"),
            );
        }
        let (low, high, depth) = range(image.samples());
        if low == high {
            self.problem(
                FindingKind::ConstantImage,
                format!("all {width}x{height} pixels have the value {low}"),
            );
            return;
        }
        let used = 32 - high.leading_zeros();
        if used + 2 <= depth {
            self.problem(
                FindingKind::UnusedDepth,
                format!(
                    "values up to {high} take {used} of the {depth} bits, so it reads as nearly black"
                ),
            );
        }
        // A picture that shrinks to one value has no look to compare.
        let Ok(thumbnail) = Thumbnail::of(image) else {
            return;
        };
        self.hash = Some(hasher.hash(&thumbnail));
        let likeness = thumbnail.chest_likeness();
        if view == Some(View::Frontal) && likeness < INVERTED_BELOW {
            self.problem(
                FindingKind::InvertedImage,
                format!("its likeness to a frontal chest is {likeness:.2}: air seems bright and bone dark"),
            );
        }
    }
}

/// Smallest and largest sample, and the bits that a sample has.
fn range(samples: &Samples) -> (u32, u32, u32) {
    fn ends<T: Copy + Into<u32>>(samples: &[T]) -> (u32, u32) {
        samples.iter().fold((u32::MAX, 0), |(low, high), &sample| {
            (low.min(sample.into()), high.max(sample.into()))
        })
    }
    match samples {
        Samples::Bits8(samples) => {
            let (low, high) = ends(samples);
            (low, high, 8)
        }
        Samples::Bits16(samples) => {
            let (low, high) = ends(samples);
            (low, high, 16)
        }
    }
}

/// A file's digest and both its ends, read in pieces.
struct FileBytes {
    digest: [u8; 32],
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl FileBytes {
    fn read(file: &Path) -> std::io::Result<Self> {
        // A named pipe would block when it is opened, so look before.
        if !file.metadata()?.is_file() {
            return Err(std::io::Error::other("it is no regular file"));
        }
        const HEAD: usize = 8;
        const TAIL: usize = 64;
        let mut file = File::open(file)?;
        let mut sha = Sha256::new();
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        let mut piece = vec![0; 1 << 16];
        loop {
            let count = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let bytes = piece.get(..count).unwrap_or_default();
            sha.update(bytes);
            head.extend(bytes.iter().take(HEAD - head.len()));
            tail.extend(bytes.iter().skip(count.saturating_sub(TAIL)));
            tail.drain(..tail.len().saturating_sub(TAIL));
        }
        Ok(Self {
            digest: sha.finalize().into(),
            head,
            tail,
        })
    }

    /// Whether it is a JPEG without an end-of-image marker or a PNG without its last chunk; padding by zeros is no
    /// matter.
    fn ends_early(&self) -> bool {
        let padding = self.tail.iter().rev().take_while(|&&byte| byte == 0);
        let end = self.tail.len() - padding.count();
        let tail = self.tail.get(..end).unwrap_or_default();
        if self.head.starts_with(&[0xff, 0xd8, 0xff]) {
            !tail.ends_with(&[0xff, 0xd9])
        } else if self.head.starts_with(b"\x89PNG\r\n\x1a\n") {
            // The chunk's name and its checksum.
            !tail.ends_with(b"IEND\xae\x42\x60\x82")
        } else {
            false
        }
    }
}
