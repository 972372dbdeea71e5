//! Transfer syntaxes: how a file's bytes and its pixels are coded.

/// A transfer syntax that can be read (PS3.5, annex A).
#[derive(Debug)]
pub(super) struct TransferSyntax {
    pub(super) uid: &'static str,
    name: &'static str,
    /// Elements say their value representation.
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
    pub(super) coding: Coding,
}

/// How pixel data is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Native,
    /// Sequential DCT of 8 bits.
    Jpeg,
    JpegLossless,
    Jpeg2000,
    Rle,
}

#[rustfmt::skip]
const SYNTAXES: [TransferSyntax; 10] = [
    row("1.2.840.10008.1.2", "implicit little endian", false, false, Coding::Native),
    row("1.2.840.10008.1.2.1", "explicit little endian", true, false, Coding::Native),
    row("1.2.840.10008.1.2.2", "explicit big endian", true, true, Coding::Native),
    row("1.2.840.10008.1.2.4.50", "JPEG baseline", true, false, Coding::Jpeg),
    row("1.2.840.10008.1.2.4.51", "JPEG extended", true, false, Coding::Jpeg),
    row("1.2.840.10008.1.2.4.57", "JPEG lossless", true, false, Coding::JpegLossless),
    row("1.2.840.10008.1.2.4.70", "JPEG lossless SV1", true, false, Coding::JpegLossless),
    row("1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", true, false, Coding::Jpeg2000),
    row("1.2.840.10008.1.2.4.91", "JPEG 2000", true, false, Coding::Jpeg2000),
    row("1.2.840.10008.1.2.5", "RLE lossless", true, false, Coding::Rle),
];

const fn row(
    uid: &'static str,
    name: &'static str,
    explicit: bool,
    big_endian: bool,
    coding: Coding,
) -> TransferSyntax {
    TransferSyntax {
        uid,
        name,
        explicit,
        big_endian,
        coding,
    }
}

/// The syntax of this UID; the error lists those that can be read. Deflated files are not among them, since their size
/// cannot be checked before they are inflated.
pub(super) fn transfer_syntax(uid: &str) -> Result<&'static TransferSyntax, String> {
    SYNTAXES
        .iter()
        .find(|syntax| syntax.uid == uid)
        .ok_or_else(|| {
            let names: Vec<&str> = SYNTAXES.iter().map(|syntax| syntax.name).collect();
            format!(
                "its transfer syntax {uid:?} is not supported, expected one of: {}",
                names.join(", ")
            )
        })
}

/// The image that a JPEG 2000 codestream declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jpeg2000Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) precision: u8,
}

/// Reads the image and tile size segment, which comes first in a codestream (ITU-T T.800, A.5.1).
pub(super) fn jpeg_2000_frame(bytes: &[u8]) -> Result<Jpeg2000Frame, String> {
    const START: &[u8] = &[0xff, 0x4f, 0xff, 0x51];
    let segment = bytes
        .strip_prefix(START)
        .ok_or("its pixel data is no JPEG 2000 codestream")?;
    let short = || "the JPEG 2000 codestream is truncated".to_owned();
    let number = |at: usize| -> Result<u32, String> {
        let four = segment.get(at..at + 4).ok_or_else(short)?;
        Ok(four
            .iter()
            .fold(0, |number, &byte| number << 8 | u32::from(byte)))
    };
    let (right, bottom, left, top) = (number(4)?, number(8)?, number(12)?, number(16)?);
    let rest = segment.get(36..41).ok_or_else(short)?;
    let &[high, low, sample, across, down] = rest else {
        return Err(short());
    };
    let components = u16::from_be_bytes([high, low]);
    if components != 1 || (across, down) != (1, 1) {
        return Err(format!(
            "the JPEG 2000 codestream has {components} components sampled every {across}x{down} pixels, expected one \
             sampled every pixel"
        ));
    }
    Ok(Jpeg2000Frame {
        width: right.saturating_sub(left),
        height: bottom.saturating_sub(top),
        precision: (sample & 0x7f) + 1,
    })
}
