//! Tensors that are no weights, in and out of safetensors files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use burn::tensor::TensorData;
use serde_json::json;

use super::container::{Container, StoredType};
use super::whole_file::write_whole;
use crate::{Error, Result};

/// A tensor of a safetensors file or a PyTorch checkpoint, as float32.
///
/// # Errors
/// [`Error::WeightsUnreadable`], [`Error::WeightsMalformed`], and [`Error::NoSuchTensor`] with the
/// names that the file has when this is none of them or holds no floating-point numbers.
pub fn read_tensor(path: &Path, name: &str) -> Result<TensorData> {
    let file = Container::open(path)?;
    match file.tensors.get(name) {
        Some(stored) if matches!(stored.dtype, StoredType::Float(_)) => {
            let values = stored.floats().map_err(|source| Error::WeightsUnreadable {
                path: path.to_owned(),
                source,
            })?;
            Ok(TensorData::new(values, stored.shape.clone()))
        }
        _ => {
            let found = file.tensors.iter();
            let found = found.map(|(name, t)| format!("{name} ({} {:?})", t.dtype, t.shape));
            Err(Error::NoSuchTensor {
                path: path.to_owned(),
                name: name.to_owned(),
                found: found.collect::<Vec<_>>().join(", "),
            })
        }
    }
}

/// Writes float32 tensors under names as a safetensors file, whole or not at all.
///
/// The same tensors and metadata give the same bytes: the format's own crate writes metadata in a
/// random order, so the header is made here.
///
/// # Errors
/// [`Error::NotWritten`].
pub fn write_tensors(
    path: &Path,
    tensors: &[(String, TensorData)],
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let failed = |reason: String| Error::NotWritten {
        path: path.to_owned(),
        reason,
    };
    let mut header = BTreeMap::new();
    let mut end = 0;
    for (name, data) in tensors {
        let start = end;
        end += size_of::<f32>() * data.num_elements();
        let shape = data.shape().to_vec();
        let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        if header.insert(name.as_str(), entry).is_some() {
            return Err(failed(format!("two tensors are called `{name}`")));
        }
    }
    if !metadata.is_empty() {
        header.insert("__metadata__", json!(metadata));
    }
    let mut header = json!(header).to_string();
    // The data are to start at a multiple of eight bytes.
    let padded = header.len().next_multiple_of(8);
    header.extend(std::iter::repeat_n(' ', padded - header.len()));

    let write = |file: &mut dyn Write| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        for (_, data) in tensors {
            for value in data.iter::<f32>() {
                file.write_all(&value.to_le_bytes())?;
            }
        }
        Ok(())
    };
    write_whole(path, write).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_wrong_name_lists_the_right_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tensors.safetensors");
        let data = TensorData::new(vec![1.0f32, -2.5, 3.0, 0.0], [2, 1, 2]);
        let named = [("input".to_owned(), data.clone())];
        write_tensors(&path, &named, &BTreeMap::new()).unwrap();
        assert_eq!(read_tensor(&path, "input").unwrap(), data);

        let message = read_tensor(&path, "images").unwrap_err().to_string();
        for expected in ["`images`", "input (F32 [2, 1, 2])"] {
            assert!(message.contains(expected), "{message}");
        }
        let nowhere = folder.path().join("absent/tensors.safetensors");
        let message = write_tensors(&nowhere, &named, &BTreeMap::new()).unwrap_err();
        assert!(message.to_string().contains("absent"), "{message}");
    }
}
