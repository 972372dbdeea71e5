//! The cache: the same batches with and without it, whatever happens to its files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chextransfer_data::{
    Augmentation, Batch, CacheReport, ImageRecipe, LabelProblem, Loader, LoaderConfig,
    Normalization, Records,
};
use image::{DynamicImage, ImageBuffer, Luma};
use tempfile::TempDir;

use crate::fixture::{image_file, jpeg, picture, png, records, tree, write};

const RECIPE: ImageRecipe = ImageRecipe {
    resize: 32,
    crop: 24,
    ..ImageRecipe::paper()
};

fn loader(records: &Arc<Records>, cache: Option<&Path>) -> Loader {
    let config = LoaderConfig {
        batch_size: 4,
        cache: cache.map(Path::to_path_buf),
        ..LoaderConfig::default()
    };
    Loader::new(Arc::clone(records), RECIPE, LabelProblem::paper(), config).unwrap()
}

fn epoch(loader: &Loader, epoch: u64) -> Vec<Batch> {
    loader.shuffled(3, epoch, 0).map(Result::unwrap).collect()
}

fn counts(loader: &Loader) -> (u64, u64, u64, u64) {
    let CacheReport {
        hits,
        stored,
        replaced,
        not_stored,
        ..
    } = loader.cache_report().unwrap();
    (hits, stored, replaced, not_stored)
}

/// The entries of a cache.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(entries(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_cache_changes_no_batch_and_is_not_larger_than_the_pixels() {
    let (folder, cache) = (tree(10), TempDir::new().unwrap());
    let deep = ImageBuffer::from_fn(40, 36, |x, y| Luma([(x * 1_201 + y * 433) as u16]));
    write(&folder, 3, &png(DynamicImage::ImageLuma16(deep)));
    write(&folder, 5, b"");
    let records = records(&folder);
    let plain = loader(&records, None);
    assert_eq!(plain.cache_report(), None);
    let cached = loader(&records, Some(cache.path()));
    for number in 0..3 {
        assert_eq!(
            epoch(&cached, number),
            epoch(&plain, number),
            "epoch {number}"
        );
    }
    assert_eq!(counts(&cached), (18, 9, 0, 0));

    // A later run, and another crop and position, use what is there.
    let later = loader(&records, Some(cache.path()));
    assert_eq!(epoch(&later, 1), epoch(&plain, 1));
    assert_eq!(counts(&later), (9, 0, 0, 0));

    let sizes: Vec<u64> = entries(cache.path())
        .iter()
        .map(|f| f.metadata().unwrap().len())
        .collect();
    assert_eq!(sizes.len(), 9);
    for size in sizes {
        // The longer side is at most 46 / 36 of 32; two bytes a pixel for the image of 16 bits.
        assert!((64 + 32 * 32..=64 + 2 * 32 * 41).contains(&size), "{size}");
    }
}

#[test]
fn a_damaged_entry_is_found_and_made_anew() {
    let (folder, cache) = (tree(6), TempDir::new().unwrap());
    let records = records(&folder);
    let expected = epoch(&loader(&records, None), 0);
    epoch(&loader(&records, Some(cache.path())), 0);
    let files = entries(cache.path());
    let change = |file: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(file).unwrap();
        change(&mut bytes);
        std::fs::write(file, bytes).unwrap();
    };
    change(&files[0], &|bytes| bytes.truncate(bytes.len() - 1));
    change(&files[1], &|bytes| bytes[500] ^= 4);
    change(&files[2], &|bytes| bytes.clear());
    change(&files[3], &|bytes| bytes[8] ^= 1);
    change(&files[4], &|bytes| bytes[100..].fill(0));
    let after = loader(&records, Some(cache.path()));
    assert_eq!(epoch(&after, 0), expected);
    assert_eq!(counts(&after), (1, 5, 5, 0));
    assert_eq!(epoch(&after, 0), expected);
    assert_eq!(counts(&after), (7, 5, 5, 0));
}

#[test]
fn a_changed_image_is_not_taken_from_the_cache_even_with_the_old_size_and_time() {
    let (folder, cache) = (tree(4), TempDir::new().unwrap());
    let file = image_file(folder.path(), 2);
    let same_size = |salt: u32| {
        let mut bytes = png(picture(40, 40, salt));
        bytes.resize(4_000, 0); // a PNG may be followed by anything
        bytes
    };
    write(&folder, 2, &same_size(1));
    let modified = file.metadata().unwrap().modified().unwrap();
    let records = records(&folder);
    epoch(&loader(&records, Some(cache.path())), 0);

    std::fs::write(&file, same_size(2)).unwrap();
    let handle = std::fs::File::options().write(true).open(&file).unwrap();
    handle.set_modified(modified).unwrap();
    let plain = loader(&records, None);
    let cached = loader(&records, Some(cache.path()));
    assert_eq!(epoch(&cached, 0), epoch(&plain, 0));
    assert_eq!(counts(&cached), (3, 1, 1, 0));

    std::fs::remove_file(&file).unwrap();
    assert_eq!(epoch(&cached, 0), epoch(&plain, 0));
}

#[test]
fn two_loaders_may_fill_one_cache_at_once() {
    let (folder, cache) = (tree(30), TempDir::new().unwrap());
    let records = records(&folder);
    let expected = epoch(&loader(&records, None), 0);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| epoch(&loader(&records, Some(cache.path())), 0)))
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), expected);
        }
    });
    assert_eq!(entries(cache.path()).len(), 30);
}

#[test]
fn what_a_killed_process_left_is_swept_out_and_harms_nothing() {
    let (folder, cache) = (tree(3), TempDir::new().unwrap());
    let temporary = cache.path().join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let old = temporary.join("old");
    std::fs::write(&old, b"half an ent").unwrap();
    let handle = std::fs::File::options().write(true).open(&old).unwrap();
    let two_days = std::time::Duration::from_secs(2 * 24 * 60 * 60);
    handle
        .set_modified(std::time::SystemTime::now() - two_days)
        .unwrap();
    std::fs::write(temporary.join("young"), b"of another process").unwrap();
    let records = records(&folder);
    epoch(&loader(&records, Some(cache.path())), 0);
    assert!(!old.exists() && temporary.join("young").exists());
}

#[test]
fn a_cache_that_cannot_be_written_to_is_an_error() {
    let folder = tree(2);
    let file = folder.path().join("train.csv");
    let config = LoaderConfig {
        cache: Some(file.clone()),
        ..LoaderConfig::default()
    };
    let records = records(&folder);
    let error = Loader::new(records, RECIPE, LabelProblem::paper(), config).unwrap_err();
    assert!(error.to_string().contains("train.csv"), "{error}");
}

#[test]
fn an_image_that_cannot_be_kept_is_counted_and_still_comes() {
    let (folder, cache) = (tree(5), TempDir::new().unwrap());
    let records = records(&folder);
    let cached = loader(&records, Some(cache.path()));
    std::fs::remove_dir_all(cache.path().join("tmp")).unwrap();
    assert_eq!(epoch(&cached, 0), epoch(&loader(&records, None), 0));
    assert_eq!(counts(&cached), (0, 0, 0, 5));
    let problem = cached.cache_report().unwrap().first_problem.unwrap();
    assert!(problem.starts_with("cannot write "), "{problem}");
}

#[test]
fn augmentation_is_for_training_only_and_the_same_for_any_threads_and_with_a_cache() {
    let (folder, cache) = (tree(9), TempDir::new().unwrap());
    let records = records(&folder);
    let augmentation = Augmentation {
        horizontal_flip: 0.5,
        rotate: 15.0,
        blur: 1.0,
        ..Augmentation::default()
    };
    let plain = loader(&records, None);
    let expected = epoch(&plain.clone().with_augmentation(augmentation).unwrap(), 1);
    assert_ne!(expected, epoch(&plain, 1));
    let config = LoaderConfig {
        batch_size: 4,
        threads: 3,
        queue: 1,
        cache: Some(cache.path().to_path_buf()),
    };
    let problem = LabelProblem::paper();
    let cached = Loader::new(Arc::clone(&records), RECIPE, problem, config).unwrap();
    let cached = cached.with_augmentation(augmentation).unwrap();
    for _ in 0..2 {
        assert_eq!(epoch(&cached, 1), expected);
    }
    let in_order = |loader: &Loader| loader.in_order().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(in_order(&cached), in_order(&plain));

    let wrong = Augmentation {
        rotate: 200.0,
        ..augmentation
    };
    let message = plain.with_augmentation(wrong).unwrap_err().to_string();
    assert!(
        message.contains("augmentation.rotate is 200, expected 0 to 180"),
        "{message}"
    );
}

#[test]
fn a_measurement_is_kept_until_an_image_or_the_recipe_changes() {
    let (folder, kept) = (tree(6), TempDir::new().unwrap());
    let records = records(&folder);
    let measure = |recipe| {
        let mut told = 0;
        let config = LoaderConfig::default();
        let measured =
            Normalization::measure_cached(&records, recipe, config, kept.path(), |done| {
                told = done
            });
        (measured.unwrap(), told)
    };
    let (first, told) = measure(RECIPE);
    assert_eq!(told, 6);
    assert_eq!(measure(RECIPE), (first.clone(), 0));
    let (other, told) = measure(ImageRecipe {
        resize: 24,
        ..RECIPE
    });
    assert_eq!(told, 6);
    assert_ne!(other, first);

    let file = entries(kept.path()).remove(0);
    let text = std::fs::read_to_string(&file).unwrap();
    for damaged in [
        text.replace("sum ", "sum 1"),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ] {
        std::fs::write(&file, damaged).unwrap();
        measure(RECIPE);
        measure(ImageRecipe {
            resize: 24,
            ..RECIPE
        });
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }

    write(&folder, 1, &jpeg(picture(50, 50, 99)));
    let (changed, told) = measure(RECIPE);
    assert_eq!(told, 6);
    assert_ne!(changed.mean, first.mean);
    write(&folder, 4, b"");
    for _ in 0..2 {
        let (measured, told) = measure(RECIPE);
        assert_eq!((measured.images, measured.skipped.len(), told), (5, 1, 6));
    }
}
