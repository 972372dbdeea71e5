//! Safetensors files, read tensor by tensor.
//!
//! The format's own crate wants the whole file in memory or mapped, and takes the last of two tensors
//! of one name; so the header (8 bytes of length, then JSON) is read and checked here.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use burn::tensor::DType;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::{Stored, StoredType, malformed};
use crate::{Error, Result};

/// The longest header that the format allows, in bytes.
const MAX_HEADER: u64 = 100_000_000;
/// The bytes that hold the header's length.
const LENGTH: u64 = 8;

/// Every element type of the format with its size in bytes.
#[rustfmt::skip]
const TYPES: [(&str, StoredType, u64); 15] = [
    ("F64", StoredType::Float(DType::F64), 8),
    ("F32", StoredType::Float(DType::F32), 4),
    ("F16", StoredType::Float(DType::F16), 2),
    ("BF16", StoredType::Float(DType::BF16), 2),
    ("F8_E4M3", StoredType::Other("F8_E4M3"), 1),
    ("F8_E5M2", StoredType::Other("F8_E5M2"), 1),
    ("I64", StoredType::Other("I64"), 8),
    ("I32", StoredType::Other("I32"), 4),
    ("I16", StoredType::Other("I16"), 2),
    ("I8", StoredType::Other("I8"), 1),
    ("U64", StoredType::Other("U64"), 8),
    ("U32", StoredType::Other("U32"), 4),
    ("U16", StoredType::Other("U16"), 2),
    ("U8", StoredType::Other("U8"), 1),
    ("BOOL", StoredType::Other("BOOL"), 1),
];

/// The JSON header, in the order of the file.
struct Header {
    metadata: HashMap<String, String>,
    tensors: Vec<(String, Entry)>,
}

/// What the header says about a tensor.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Header, A::Error> {
        let mut header = Header {
            metadata: HashMap::new(),
            tensors: Vec::new(),
        };
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("`{name}` stands twice")));
            }
            if name == "__metadata__" {
                header.metadata = map.next_value()?;
            } else {
                let entry = map.next_value()?;
                header.tensors.push((name, entry));
            }
        }
        Ok(header)
    }
}

pub(super) fn open(path: &Path) -> Result<(HashMap<String, String>, BTreeMap<String, Stored>)> {
    let unreadable = |source| Error::WeightsUnreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut length = [0; LENGTH as usize];
    if size < LENGTH {
        return Err(malformed(
            path,
            format!("it has {size} bytes, fewer than a header's length"),
        ));
    }
    file.read_exact(&mut length).map_err(unreadable)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER || length > size - LENGTH {
        return Err(malformed(
            path,
            format!("it declares a header of {length} bytes, the file has {size}"),
        ));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(unreadable)?;
    let header: Header = serde_json::from_slice(&header)
        .map_err(|error| malformed(path, format!("header: {error}")))?;

    let start = LENGTH + length;
    let entries = checked(header.tensors, size - start).map_err(|what| malformed(path, what))?;
    let tensors = entries
        .into_iter()
        .map(|(name, dtype, shape, [from, to])| {
            let path = path.to_owned();
            let read = move || {
                let mut file = File::open(&path)?;
                file.seek(SeekFrom::Start(start + from))?;
                let mut bytes = vec![0; (to - from) as usize];
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            };
            (name, Stored::new(dtype, shape, read))
        })
        .collect();
    Ok((header.metadata, tensors))
}

type Checked = (String, StoredType, Vec<usize>, [u64; 2]);

/// The entries, if together they cover the data once and without a gap.
fn checked(
    mut entries: Vec<(String, Entry)>,
    data: u64,
) -> std::result::Result<Vec<Checked>, String> {
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut end = 0;
    let mut checked = Vec::new();
    for (name, entry) in entries {
        let Entry {
            dtype,
            shape,
            data_offsets: [from, to],
        } = entry;
        let Some((_, stored, bytes)) = TYPES.iter().find(|(known, ..)| *known == dtype) else {
            let known: Vec<_> = TYPES.iter().map(|(name, ..)| *name).collect();
            return Err(format!(
                "tensor `{name}` has the unknown type `{dtype}`; known: {}",
                known.join(", ")
            ));
        };
        let needed = shape
            .iter()
            .try_fold(*bytes, |product, side| product.checked_mul(*side));
        if from > to || needed != Some(to - from) {
            return Err(format!(
                "tensor `{name}` {dtype} {shape:?} lies at bytes {from} to {to}, which does not fit its shape"
            ));
        }
        if from != end {
            return Err(format!(
                "tensor `{name}` starts at byte {from} of the data, expected {end}: tensors overlap or leave a gap"
            ));
        }
        if to > data {
            return Err(format!(
                "tensor `{name}` ends at byte {to} of the data, the file has {data}"
            ));
        }
        end = to;
        let shape = shape.into_iter().map(|side| side as usize).collect();
        checked.push((name, *stored, shape, [from, to]));
    }
    if end != data {
        return Err(format!(
            "the tensors end at byte {end} of the data, the file has {data}"
        ));
    }
    Ok(checked)
}
