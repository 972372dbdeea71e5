//! The skeleton of a DICOM file, walked before anything is read.
//!
//! A reader reserves what an element says it is long, and calls itself for every sequence in a sequence; so a file of a
//! hundred bytes could take all memory or the whole stack. Here every length is held against the file's, and the depth
//! against a limit (PS3.5, section 7).

use super::syntax::{TransferSyntax, transfer_syntax};

/// Where the data elements begin: behind the preamble and `DICM`.
const START: usize = 132;
const UNDEFINED: u32 = u32::MAX;
const MAX_DEPTH: usize = 32;

const PIXEL_DATA: (u16, u16) = (0x7fe0, 0x0010);
const TRANSFER_SYNTAX: (u16, u16) = (0x0002, 0x0010);
const ITEM: (u16, u16) = (0xfffe, 0xe000);
const ITEM_END: (u16, u16) = (0xfffe, 0xe00d);
const SEQUENCE_END: (u16, u16) = (0xfffe, 0xe0dd);

/// Checks that all lengths lie within the file, and finds its transfer syntax.
pub(super) fn check(bytes: &[u8]) -> Result<&'static TransferSyntax, String> {
    let mut walk = Walk {
        bytes,
        at: START,
        explicit: true,
        big_endian: false,
    };
    let mut uid = None;
    while walk.peek_group() == Some(0x0002) {
        let element = walk.element()?;
        let value = walk.skip(element.length)?;
        if element.tag == TRANSFER_SYNTAX {
            let text = String::from_utf8_lossy(value);
            uid = Some(text.trim_end_matches(['\0', ' ']).to_owned());
        }
    }
    let uid = uid.ok_or("the DICOM file does not say its transfer syntax")?;
    let syntax = transfer_syntax(&uid)?;
    walk.explicit = syntax.explicit;
    walk.big_endian = syntax.big_endian;
    walk.data_set()?;
    Ok(syntax)
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    explicit: bool,
    big_endian: bool,
}

struct Element {
    tag: (u16, u16),
    representation: Option<[u8; 2]>,
    length: u32,
}

/// An open sequence or item.
struct Open {
    /// Where it ends, if that is said at its beginning.
    end: Option<usize>,
    /// Its items are fragments of pixel data rather than data sets.
    fragments: bool,
    /// Whether what follows it is explicit.
    explicit_after: bool,
}

impl<'a> Walk<'a> {
    fn data_set(&mut self) -> Result<(), String> {
        let mut open: Vec<Open> = Vec::new();
        while self.at < self.bytes.len() {
            let element = self.element()?;
            let in_fragments = open.last().is_some_and(|open| open.fragments);
            match element.tag {
                ITEM if in_fragments => {
                    self.skip(element.length)?;
                }
                ITEM_END | SEQUENCE_END => {
                    if let Some(closed) = open.pop() {
                        self.explicit = closed.explicit_after;
                    }
                }
                tag if self.is_container(&element) => {
                    if open.len() == MAX_DEPTH {
                        return Err(format!(
                            "the DICOM file nests sequences deeper than {MAX_DEPTH}"
                        ));
                    }
                    let end = match element.length {
                        UNDEFINED => None,
                        length => Some(self.end_of(length)?),
                    };
                    open.push(Open {
                        end,
                        fragments: tag == PIXEL_DATA,
                        explicit_after: self.explicit,
                    });
                    // A sequence of unknown representation is coded implicitly (PS3.5, 6.2.2).
                    if element.representation == Some(*b"UN") {
                        self.explicit = false;
                    }
                }
                _ => {
                    self.skip(element.length)?;
                }
            }
            while let Some(closed) = open.pop_if(|open| open.end.is_some_and(|end| self.at >= end))
            {
                self.explicit = closed.explicit_after;
            }
        }
        Ok(())
    }

    /// Whether the content of an element is further elements.
    fn is_container(&self, element: &Element) -> bool {
        element.length == UNDEFINED
            || element.tag == ITEM
            || element.representation == Some(*b"SQ")
            // Without representations a sequence is known by its first item.
            || (element.representation.is_none()
                && element.length >= 8
                && self.number(self.at).zip(self.number(self.at + 2)) == Some(ITEM))
    }

    fn peek_group(&self) -> Option<u16> {
        self.number(self.at)
    }

    /// The 16-bit number at `at`.
    fn number(&self, at: usize) -> Option<u16> {
        match self.bytes.get(at..at + 2) {
            Some(&[a, b]) if self.big_endian => Some(u16::from_be_bytes([a, b])),
            Some(&[a, b]) => Some(u16::from_le_bytes([a, b])),
            _ => None,
        }
    }

    fn short(&mut self) -> Result<u16, String> {
        let number = self.number(self.at).ok_or_else(|| self.truncated())?;
        self.at += 2;
        Ok(number)
    }

    fn long(&mut self) -> Result<u32, String> {
        let (first, second) = (u32::from(self.short()?), u32::from(self.short()?));
        Ok(if self.big_endian {
            first << 16 | second
        } else {
            second << 16 | first
        })
    }

    /// Reads the head of an element.
    fn element(&mut self) -> Result<Element, String> {
        let tag = (self.short()?, self.short()?);
        if tag.0 == ITEM.0 || !self.explicit {
            return Ok(Element {
                tag,
                representation: None,
                length: self.long()?,
            });
        }
        let representation = match self.bytes.get(self.at..self.at + 2) {
            Some(&[a, b]) => [a, b],
            _ => return Err(self.truncated()),
        };
        self.at += 2;
        let length = match &representation {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN"
            | b"UR" | b"UT" | b"UV" => {
                self.short()?;
                self.long()?
            }
            _ => self.short()?.into(),
        };
        Ok(Element {
            tag,
            representation: Some(representation),
            length,
        })
    }

    fn end_of(&self, length: u32) -> Result<usize, String> {
        self.at
            .checked_add(length as usize)
            .filter(|&end| end <= self.bytes.len())
            .ok_or_else(|| {
                format!(
                    "the DICOM file is truncated: a value of {length} bytes at byte {} of {}",
                    self.at,
                    self.bytes.len()
                )
            })
    }

    fn skip(&mut self, length: u32) -> Result<&'a [u8], String> {
        let end = self.end_of(length)?;
        let value = &self.bytes[self.at..end];
        self.at = end;
        Ok(value)
    }

    fn truncated(&self) -> String {
        format!(
            "the DICOM file is truncated: it ends at byte {} within an element",
            self.bytes.len()
        )
    }
}
