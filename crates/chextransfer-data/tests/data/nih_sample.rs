//! Real radiographs, where they are at hand.

use std::path::PathBuf;
use std::sync::Arc;

use chextransfer_data::{
    CheXpert, ImageRecipe, Label, LabelProblem, Loader, LoaderConfig, Normalization, Observation,
    Split, View,
};

pub(crate) fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("CHEXTRANSFER_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let sample = folder.join("data/NIH-CXR-v1.0-small");
    if sample.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no real radiographs at {}", sample.display());
    None
}

#[test]
fn the_nih_sample_has_its_rows_and_every_image_is_readable() {
    let Some(shared) = shared() else { return };
    let dataset = CheXpert::open(shared.join("data/NIH-CXR-v1.0-small")).unwrap();
    for (split, rows) in [
        (Split::Train, 1_119),
        (Split::Valid, 235),
        (Split::Test, 239),
    ] {
        let records = Arc::new(dataset.split(split).unwrap());
        assert_eq!(records.len(), rows, "{split}");
        for record in records.records() {
            assert_eq!(record.view, Some(View::Frontal));
            assert_eq!(record.label(Observation::Fracture), Label::Blank);
            assert!(record.labels.iter().all(|&label| label != Label::Uncertain));
        }
        let recipe = ImageRecipe {
            resize: 224,
            crop: 224,
            ..ImageRecipe::paper()
        };
        let loader = Loader::new(
            Arc::clone(&records),
            recipe,
            LabelProblem::paper(),
            LoaderConfig::default(),
        )
        .unwrap();
        let mut images = 0;
        for batch in loader.in_order() {
            let batch = batch.unwrap();
            assert!(batch.skipped.is_empty(), "{:?}", batch.skipped);
            assert!(batch.images.iter().all(|value| (0.0..=1.0).contains(value)));
            images += batch.indices.len();
        }
        assert_eq!(images, rows);
    }
}

#[test]
fn the_nih_sample_is_normalised_by_plausible_statistics() {
    let Some(shared) = shared() else { return };
    let dataset = CheXpert::open(shared.join("data/NIH-CXR-v1.0-small")).unwrap();
    let records = Arc::new(dataset.split(Split::Valid).unwrap());
    let measured = Normalization::measure(
        &records,
        ImageRecipe::paper(),
        LoaderConfig::default(),
        |_| (),
    )
    .unwrap();
    let Normalization { mean, std } = measured.normalization;
    eprintln!("mean {mean:?}, std {std:?}");
    assert!(
        (0.4..0.6).contains(&mean[0]) && (0.15..0.35).contains(&std[0]),
        "{measured:?}"
    );
}
