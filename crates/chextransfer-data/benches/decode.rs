//! Images a second from a file to grey levels, and on to a grey square.

#![allow(clippy::unwrap_used, missing_docs)]

use chextransfer_data::image::{decode_grey, load_grey};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use image::{DynamicImage, GrayImage, ImageBuffer, Luma};

mod radiograph;

fn decode(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let grey: GrayImage = radiograph::radiograph(390, 320, 1);
    let deep = ImageBuffer::from_fn(390, 320, |x, y| {
        Luma([u16::from(grey.get_pixel(x, y).0[0]) * 257])
    });
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    for (name, image) in [
        ("grey.jpg", DynamicImage::from(grey.clone())),
        (
            "colour.jpg",
            DynamicImage::from(grey.clone()).into_rgb8().into(),
        ),
        ("grey.png", grey.into()),
        ("grey16.png", DynamicImage::ImageLuma16(deep)),
    ] {
        let file = folder.path().join(name);
        image.save(&file).unwrap();
        group.bench_function(format!("{name} of 390x320"), |b| {
            b.iter(|| decode_grey(&file).unwrap())
        });
        group.bench_function(format!("{name} of 390x320 and resize to 224"), |b| {
            b.iter(|| load_grey(&file, 224, 224).unwrap())
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
