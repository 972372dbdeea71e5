//! The loader against itself: threads, resumption, broken files, an impatient consumer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chextransfer_data::{
    Batch, BlankPolicy, CropPosition, Error, ImageRecipe, Interpolation, LabelProblem, Loader,
    LoaderConfig, Normalization, Records, UncertaintyPolicy,
};

use crate::fixture::{image_file, jpeg, picture, png, records, row_path, tree, write};

const RECIPE: ImageRecipe = ImageRecipe {
    resize: 32,
    crop: 24,
    position: CropPosition::Random,
    interpolation: Interpolation::Bilinear,
};

fn loader(records: &Arc<Records>, batch_size: usize, threads: usize, queue: usize) -> Loader {
    let config = LoaderConfig {
        batch_size,
        threads,
        queue,
    };
    Loader::new(Arc::clone(records), RECIPE, LabelProblem::paper(), config).unwrap()
}

fn collect(batches: impl Iterator<Item = Result<Batch, Error>>) -> Vec<Batch> {
    batches.map(Result::unwrap).collect()
}

#[test]
fn batches_are_the_same_for_any_number_of_threads_and_any_queue() {
    let folder = tree(23);
    std::fs::write(image_file(folder.path(), 5), b"").unwrap();
    let records = records(&folder);
    let expected = collect(loader(&records, 4, 0, 1).shuffled(7, 3, 0));
    assert_eq!(expected.len(), 6);
    for (threads, queue) in [(1, 1), (1, 4), (2, 1), (4, 4), (9, 2), (64, 64)] {
        let batches = collect(loader(&records, 4, threads, queue).shuffled(7, 3, 0));
        assert_eq!(batches, expected, "{threads} threads, queue {queue}");
    }
}

#[test]
fn every_image_comes_once_an_epoch_in_an_order_of_seed_and_epoch() {
    let folder = tree(23);
    let records = records(&folder);
    let loader = loader(&records, 5, 2, 4);
    assert_eq!(loader.batches_per_epoch(), 5);
    let order = |seed, epoch| -> Vec<usize> {
        collect(loader.shuffled(seed, epoch, 0))
            .into_iter()
            .flat_map(|batch| batch.indices)
            .collect()
    };
    let first = order(1, 0);
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..23).collect::<Vec<_>>());
    assert_ne!(first, sorted);
    assert_eq!(order(1, 0), first);
    assert_ne!(order(1, 1), first);
    assert_ne!(order(2, 0), first);
}

#[test]
fn the_order_of_an_epoch_is_pinned() {
    // A change here breaks the resumption of runs begun with an earlier version.
    let folder = tree(10);
    let records = records(&folder);
    let batches = collect(loader(&records, 10, 0, 1).shuffled(42, 1, 0));
    assert_eq!(batches[0].indices, [2, 0, 3, 4, 8, 9, 5, 7, 1, 6]);
}

#[test]
fn a_resumed_epoch_goes_on_exactly_where_it_stopped() {
    let folder = tree(23);
    let records = records(&folder);
    let loader = loader(&records, 4, 2, 2);
    let whole = collect(loader.shuffled(5, 2, 0));
    for start in 0..=whole.len() {
        let mut rest = loader.shuffled(5, 2, start);
        assert_eq!(rest.len(), whole.len() - start);
        assert_eq!(collect(&mut rest), whole[start..], "from batch {start}");
        assert!(rest.next().is_none());
    }
    assert_eq!(loader.shuffled(5, 2, 1_000).count(), 0);
}

#[test]
fn evaluation_is_in_order_with_the_crop_in_the_middle() {
    let folder = tree(7);
    let records = records(&folder);
    let batches = collect(loader(&records, 3, 2, 4).in_order());
    let indices: Vec<usize> = batches
        .iter()
        .flat_map(|batch| batch.indices.clone())
        .collect();
    assert_eq!(indices, (0..7).collect::<Vec<_>>());
    assert_eq!(
        batches.iter().map(|b| b.number).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    for batch in &batches {
        let pixels = batch.side * batch.side;
        assert_eq!(batch.side, 24);
        assert_eq!(batch.images.len(), batch.indices.len() * pixels);
        for (image, &index) in batch.images.chunks_exact(pixels).zip(&batch.indices) {
            let file = image_file(folder.path(), index);
            assert_eq!(
                image,
                chextransfer_data::image::load_grey(file, 32, 24).unwrap()
            );
        }
    }
}

#[test]
fn targets_and_mask_follow_the_label_problem() {
    let folder = tree(2);
    let records = records(&folder);
    // fixture::LABELS is 0.0,,1.0,-1.0,,1.0,0.0,,-1.0,,1.0,,,
    let batch = |problem| {
        let config = LoaderConfig::default();
        let loader = Loader::new(Arc::clone(&records), RECIPE, problem, config).unwrap();
        collect(loader.in_order()).remove(0)
    };
    let paper = batch(LabelProblem::paper());
    let targets = [0., 0., 1., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0.];
    let mask = [1., 1., 1., 0., 1., 1., 1., 1., 0., 1., 1., 1., 1., 1.];
    assert_eq!(paper.targets, [targets, targets].concat());
    assert_eq!(paper.mask, [mask, mask].concat());
    let ones = batch(LabelProblem::new(
        UncertaintyPolicy::Ones,
        BlankPolicy::Ignore,
    ));
    assert_eq!(
        ones.targets[..14],
        [0., 0., 1., 1., 0., 1., 0., 0., 1., 0., 1., 0., 0., 0.]
    );
    assert_eq!(
        ones.mask[..14],
        [1., 0., 1., 1., 0., 1., 1., 0., 1., 0., 1., 0., 0., 0.]
    );
}

#[test]
fn an_unreadable_image_is_skipped_and_listed_and_the_rest_is_unaffected() {
    let folder = tree(12);
    let records = records(&folder);
    let whole = collect(loader(&records, 4, 2, 4).shuffled(3, 0, 0));

    let broken = jpeg(picture(50, 50, 1));
    write(&folder, 2, &broken[..broken.len() / 2]);
    write(&folder, 6, b"");
    std::fs::remove_file(image_file(folder.path(), 9)).unwrap();
    let rest = collect(loader(&records, 4, 2, 4).shuffled(3, 0, 0));

    let mut skipped = Vec::new();
    for (before, after) in whole.iter().zip(&rest) {
        let pixels = before.side * before.side;
        let kept: Vec<usize> = (0..before.indices.len())
            .filter(|&place| ![2, 6, 9].contains(&before.indices[place]))
            .collect();
        let pick = |values: &[f32], width: usize| -> Vec<f32> {
            kept.iter()
                .flat_map(|&place| values[place * width..(place + 1) * width].to_vec())
                .collect()
        };
        assert_eq!(after.images, pick(&before.images, pixels));
        assert_eq!(after.targets, pick(&before.targets, 14));
        assert_eq!(after.mask, pick(&before.mask, 14));
        assert_eq!(
            after.indices.len() + after.skipped.len(),
            before.indices.len()
        );
        skipped.extend(after.skipped.clone());
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<&str> = skipped.iter().map(|s| s.path.as_str()).collect();
    assert_eq!(paths, [row_path(2), row_path(6), row_path(9)]);
    for (skipped, reason) in skipped.iter().zip(["truncated", "empty", "cannot be read"]) {
        assert!(skipped.reason.contains(reason), "{}", skipped.reason);
        assert_eq!(skipped.reason.lines().count(), 1);
    }
}

#[test]
fn a_batch_without_a_readable_image_is_empty_and_still_comes() {
    let folder = tree(4);
    for index in 0..4 {
        write(&folder, index, b"nothing");
    }
    let batches = collect(loader(&records(&folder), 2, 1, 1).in_order());
    assert_eq!(batches.len(), 2);
    assert!(
        batches
            .iter()
            .all(|batch| batch.indices.is_empty() && batch.images.is_empty())
    );
    assert!(batches.iter().all(|batch| batch.skipped.len() == 2));
}

#[test]
fn a_consumer_that_stops_early_does_not_hang() {
    let folder = tree(40);
    let records = records(&folder);
    let begin = Instant::now();
    for (threads, queue) in [(0, 1), (1, 1), (4, 1), (4, 4)] {
        for taken in [0, 1, 3] {
            let mut batches = loader(&records, 2, threads, queue).shuffled(1, 0, 0);
            for _ in 0..taken {
                batches.next().unwrap().unwrap();
            }
            drop(batches);
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_waiting_loader_holds_no_more_than_its_queue() {
    let folder = tree(40);
    let records = records(&folder);
    let mut batches = loader(&records, 1, 3, 3).in_order();
    batches.next().unwrap().unwrap();
    // While the consumer is away the threads may read batches 1 to 3. What they have not read can still be taken away.
    std::thread::sleep(Duration::from_millis(300));
    for index in 4..40 {
        std::fs::remove_file(image_file(folder.path(), index)).unwrap();
    }
    let rest = collect(batches);
    assert!(rest[..3].iter().all(|batch| batch.skipped.is_empty()));
    assert!(rest[3..].iter().all(|batch| batch.skipped.len() == 1));
}

#[test]
fn settings_of_zero_are_errors_that_name_the_setting() {
    let folder = tree(1);
    let records = records(&folder);
    for (config, setting) in [
        (
            LoaderConfig {
                batch_size: 0,
                ..LoaderConfig::default()
            },
            "batch_size",
        ),
        (
            LoaderConfig {
                queue: 0,
                ..LoaderConfig::default()
            },
            "queue",
        ),
    ] {
        let error =
            Loader::new(Arc::clone(&records), RECIPE, LabelProblem::paper(), config).unwrap_err();
        assert!(error.to_string().starts_with(setting), "{error}");
    }
    let recipe = ImageRecipe { crop: 33, ..RECIPE };
    assert!(
        Loader::new(
            records,
            recipe,
            LabelProblem::paper(),
            LoaderConfig::default()
        )
        .is_err()
    );
}

#[test]
fn the_normalisation_is_that_of_the_pixels_whatever_the_threads() {
    let folder = tree(9);
    let records = records(&folder);
    let measure = |threads, batch_size| {
        let config = LoaderConfig {
            batch_size,
            threads,
            queue: 2,
        };
        let mut told = Vec::new();
        let measured =
            Normalization::measure(&records, RECIPE, config, |done| told.push(done)).unwrap();
        assert_eq!(told.last(), Some(&9));
        measured
    };
    let measured = measure(0, 1);
    for (threads, batch_size) in [(1, 2), (4, 4), (2, 100)] {
        assert_eq!(measure(threads, batch_size), measured);
    }
    assert_eq!(measured.images, 9);

    let pixels: Vec<f64> = (0..9)
        .flat_map(|index| {
            chextransfer_data::image::load_grey(image_file(folder.path(), index), 32, 24).unwrap()
        })
        .map(f64::from)
        .collect();
    let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
    let variance =
        pixels.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / pixels.len() as f64;
    let Normalization { mean: m, std } = measured.normalization;
    assert!(
        m.iter().all(|&m| (f64::from(m) - mean).abs() < 1e-7),
        "{m:?} {mean}"
    );
    assert!(
        std.iter()
            .all(|&s| (f64::from(s) - variance.sqrt()).abs() < 1e-7),
        "{std:?} {variance}"
    );
}

#[test]
fn a_normalisation_reports_unreadable_images_and_refuses_flat_ones() {
    let folder = tree(3);
    write(&folder, 1, b"");
    let config = LoaderConfig::default();
    let measured = Normalization::measure(&records(&folder), RECIPE, config, |_| ()).unwrap();
    assert_eq!((measured.images, measured.skipped.len()), (2, 1));
    assert_eq!(measured.skipped[0].path, row_path(1));

    for index in 0..3 {
        write(&folder, index, b"");
    }
    let message = Normalization::measure(&records(&folder), RECIPE, config, |_| ())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("none of its 3 images is readable"),
        "{message}"
    );

    for index in 0..3 {
        write(
            &folder,
            index,
            &png(image::GrayImage::from_pixel(30, 30, image::Luma([77]))),
        );
    }
    let message = Normalization::measure(&records(&folder), RECIPE, config, |_| ())
        .unwrap_err()
        .to_string();
    assert!(message.contains("all pixels have the value"), "{message}");
}

#[test]
fn normalising_subtracts_the_mean_and_divides_by_the_deviation_of_each_channel() {
    let mut image = [[0.485; 2], [0.456 + 0.224; 2], [0.406 - 0.225; 2]].concat();
    Normalization::IMAGENET.apply(&mut image);
    for (value, expected) in image.iter().zip([0.0, 0.0, 1.0, 1.0, -1.0, -1.0]) {
        assert!((value - expected).abs() < 1e-6, "{image:?}");
    }
}
