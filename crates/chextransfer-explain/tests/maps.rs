//! Maps against maps computed in other ways.
#![allow(clippy::unwrap_used)]

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::{Device, Tensor, TensorData};
use chextransfer_explain::{ClassActivationMap, Error, Explainer, Method};
use chextransfer_models::{Architecture, DeviceChoice, Network};

const CLASSES: usize = 5;

fn cpu() -> Device {
    DeviceChoice::Cpu.open().unwrap()
}

fn network(architecture: Architecture, minus: usize, device: &Device) -> Network {
    let spec = architecture.minus(minus).unwrap();
    spec.with_classes(CLASSES).unwrap().init(3, device)
}

fn grad_cam(network: &Network) -> Explainer {
    Explainer::new(network, Method::GradCam).unwrap()
}

/// Images that differ from each other and from place to place.
fn images(count: usize, side: usize, device: &Device) -> Tensor<4> {
    let values = (0..count * 3 * side * side).map(|i| ((i * i % 8191) as f32 / 4096.0) - 1.0);
    let data = TensorData::new(values.collect::<Vec<f32>>(), [count, 3, side, side]);
    Tensor::from_data(data, device)
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// The head's linear weight, `[classes, features]`.
fn linear_weight(network: &Network) -> Vec<f32> {
    network
        .collect(None, Some(Box::new(BurnToPyTorchAdapter)), true)
        .into_iter()
        .find(|tensor| tensor.name == "head.linear.weight")
        .unwrap()
        .into_bytes()
        .unwrap()
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect()
}

/// Every tensor's name and bytes.
fn tensors(network: &Network) -> Vec<(String, Vec<u8>)> {
    network
        .collect(None, None, true)
        .into_iter()
        .map(|tensor| (tensor.name.clone(), tensor.into_bytes().unwrap().to_vec()))
        .collect()
}

/// `sum over channels of weight * map` of one image.
fn weighted_sum(map: &[f32], weights: &[f32], places: usize) -> Vec<f32> {
    (0..places)
        .map(|place| {
            let evidence = map.iter().skip(place).step_by(places);
            let products = evidence
                .zip(weights)
                .map(|(a, w)| f64::from(*a) * f64::from(*w));
            products.sum::<f64>() as f32
        })
        .collect()
}

/// The largest difference to the rectified sums, relative to the largest of the sums.
fn largest_difference(found: &ClassActivationMap, sums: &[f32]) -> f32 {
    let largest = sums.iter().map(|sum| sum.abs()).fold(0.0, f32::max);
    let differences = found.values.iter().zip(sums);
    let differences = differences.map(|(found, sum)| (found - sum.max(0.0)).abs());
    differences.fold(0.0, f32::max) / largest
}

/// Behind a truncated body come only the mean over all places and one linear layer, so the
/// gradients are known: Grad-CAM is then CAM (Zhou et al. 2016) divided by the number of places.
#[test]
fn a_truncated_network_gets_the_map_that_its_linear_layer_dictates() {
    let device = cpu();
    for architecture in [Architecture::ResNet18, Architecture::DenseNet121] {
        let network = network(architecture, 3, &device);
        let weight = linear_weight(&network);
        let images = images(3, 32, &device);
        let classes = [4, 0, 4];
        let maps = grad_cam(&network)
            .explain(images.clone(), &classes)
            .unwrap();
        let features = network.forward_features(images.clone()).pop().unwrap();
        let [_, channels, height, width] = features.dims();
        let places = height * width;
        let logits: Vec<f32> = network.forward(images).into_data().iter().collect();
        assert_eq!(maps.len(), 3);
        for (image, features) in values(features).chunks(channels * places).enumerate() {
            let (map, class) = (&maps[image], classes[image]);
            let weights: Vec<f32> = weight[class * channels..][..channels]
                .iter()
                .map(|weight| weight / places as f32)
                .collect();
            assert_eq!(map.class, class);
            assert_eq!(map.values.dim(), (height, width));
            let difference = largest_difference(map, &weighted_sum(features, &weights, places));
            assert!(
                difference < 1e-5,
                "{architecture} image {image}: {difference}"
            );
            let probability = 1.0 / (1.0 + (-logits[image * CLASSES + class]).exp());
            assert!((map.probability - probability).abs() < 1e-6);
        }
    }
}

/// A whole network has layers behind its last block, among them batch normalisation and dropout.
/// Adding a constant to one channel changes the logit by the sum of that channel's gradients. Most of
/// the difference comes from activations whose kink lies within the step; measured: 3e-3.
#[test]
fn a_whole_network_gets_the_map_that_finite_differences_give() {
    let device = cpu();
    for architecture in [Architecture::MobileNetV2, Architecture::ResNet18] {
        let network = network(architecture, 0, &device);
        let images = images(1, 96, &device);
        let features = network.forward_features(images.clone()).pop().unwrap();
        let [_, channels, height, width] = features.dims();
        let places = height * width;
        let step = 3e-3 * features.clone().abs().mean().into_scalar::<f32>();

        // One copy of the map a channel, each with its own channel raised: `[channels, classes]`.
        let logits_with = |raise: f32| {
            let raise = Tensor::<2>::eye(channels, &device) * raise;
            let copies = features.clone().repeat(&[channels, 1, 1, 1]);
            let copies = copies + raise.reshape([channels, channels, 1, 1]);
            network
                .forward_head(copies)
                .into_data()
                .iter::<f32>()
                .collect::<Vec<_>>()
        };
        let (up, down) = (logits_with(step), logits_with(-step));
        let classes: Vec<usize> = (0..CLASSES).collect();
        let maps = grad_cam(&network)
            .explain_classes(images, &classes)
            .unwrap();
        let features = values(features);
        for map in &maps[0] {
            let weights: Vec<f32> = (0..channels)
                .map(|channel| channel * CLASSES + map.class)
                .map(|at| (up[at] - down[at]) / (2.0 * step * places as f32))
                .collect();
            let difference = largest_difference(map, &weighted_sum(&features, &weights, places));
            eprintln!("{architecture} class {}: {difference:.1e}", map.class);
            assert!(
                difference < 2e-2,
                "{architecture} class {}: {difference}",
                map.class
            );
        }
        let lit = maps[0].iter().filter(|map| map.values.sum() > 0.0);
        assert!(lit.count() > 1, "{architecture}: hardly a map to compare");
    }
}

#[test]
fn many_classes_at_once_give_the_maps_of_one_after_the_other() {
    let device = cpu();
    let network = network(Architecture::MobileNetV2, 0, &device);
    let images = images(2, 64, &device);
    let explainer = grad_cam(&network);
    let rows = explainer.explain_classes(images.clone(), &[3, 0]).unwrap();
    assert_eq!(rows.len(), 2);
    for (place, class) in [3, 0].into_iter().enumerate() {
        let alone = explainer.explain(images.clone(), &[class; 2]).unwrap();
        for (row, map) in rows.iter().zip(alone) {
            assert_eq!(row.len(), 2);
            assert_eq!(row[place], map);
        }
    }
}

#[test]
fn a_training_network_is_explained_as_its_inference_copy_and_stays_as_it_is() {
    let device = cpu();
    let plain = network(Architecture::MobileNetV2, 0, &device);
    let training = network(Architecture::MobileNetV2, 0, &device.clone().autodiff());
    let before = tensors(&training);
    let expected = grad_cam(&plain)
        .explain(images(2, 64, &device), &[1, 2])
        .unwrap();
    for device in [device.clone(), device.autodiff()] {
        let maps = grad_cam(&training)
            .explain(images(2, 64, &device), &[1, 2])
            .unwrap();
        assert_eq!(maps, expected);
    }
    // An update that waits would show up only in the synchronised copy.
    assert!(tensors(&training) == before);
    assert!(tensors(&burn::module::Module::valid(&training)) == before);
    assert!(before.iter().any(|(name, _)| name.ends_with("running_var")));
}

#[test]
fn the_map_is_hot_where_the_features_are() {
    let device = cpu();
    let network = network(Architecture::ResNet18, 3, &device);
    let mut pixels = vec![0f32; 3 * 64 * 64];
    for channel in 0..3 {
        for row in 40..56 {
            for column in 8..24 {
                let bright = (row + column) % 2 == 0;
                pixels[(channel * 64 + row) * 64 + column] = if bright { 3.0 } else { -3.0 };
            }
        }
    }
    let image = Tensor::from_data(TensorData::new(pixels, [1, 3, 64, 64]), &device);
    let rows = grad_cam(&network)
        .explain_classes(image, &[0, 1, 2, 3, 4])
        .unwrap();
    let sharpest = rows[0]
        .iter()
        .max_by(|a, b| a.values.sum().total_cmp(&b.values.sum()))
        .unwrap();
    // Rows 40 to 56 and columns 8 to 24 of the image are rows 10 to 14 and columns 2 to 6 here,
    // and the receptive field reaches a few further.
    let ((row, column), _) = sharpest
        .values
        .indexed_iter()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .unwrap();
    assert!((8..16).contains(&row) && column < 8, "{row}, {column}");
}

#[test]
fn wrong_requests_are_errors_that_name_the_numbers() {
    let device = cpu();
    let explainer = grad_cam(&network(Architecture::ResNet18, 3, &device));
    let explain = |images: Tensor<4>, classes: &[usize]| {
        explainer.explain(images, classes).unwrap_err().to_string()
    };
    assert_eq!(
        explain(images(2, 32, &device), &[0]),
        "1 classes for 2 images, expected one class an image"
    );
    assert_eq!(
        explain(images(1, 32, &device), &[5]),
        "class 5 is no output of resnet18-minus3, which has 5 (0 to 4)"
    );
    assert!(
        explainer
            .explain_classes(images(1, 32, &device), &[0, 9])
            .is_err()
    );
    let grey = Tensor::<4>::zeros([1, 1, 32, 32], &device);
    assert_eq!(
        explain(grey, &[0]),
        "images are [1, 1, 32, 32], expected [batch, 3, height, width]"
    );
    let flat = Tensor::<4>::zeros([1, 3, 0, 32], &device);
    assert!(explain(flat, &[0]).contains("cannot take a 0x32 image"));
}

#[test]
fn no_images_have_no_maps() {
    let device = cpu();
    let explainer = grad_cam(&network(Architecture::ResNet18, 3, &device));
    let none = Tensor::<4>::zeros([0, 3, 32, 32], &device);
    assert_eq!(explainer.explain(none, &[]).unwrap(), []);
}

#[test]
fn a_network_without_finite_answer_is_an_error_and_no_dark_map() {
    let device = cpu();
    let explainer = grad_cam(&network(Architecture::ResNet18, 3, &device));
    let broken = images(2, 32, &device).slice_fill([1..2, 0..1, 0..1, 0..1], f32::NAN);
    let error = explainer.explain(broken, &[0, 3]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFinite {
                image: 1,
                class: 3,
                ..
            }
        ),
        "{error}"
    );
}

/// With global average pooling and one linear layer behind it, the logit is the mean of CAM's map before the rectifier plus
/// the bias, and the gradient by place is the weight over the number of places.
#[test]
fn cam_is_hires_cam_times_the_number_of_places_where_a_linear_layer_follows() {
    let device = cpu();
    for (architecture, minus) in [(Architecture::ResNet18, 0), (Architecture::DenseNet121, 3)] {
        let network = network(architecture, minus, &device);
        let by = |method| {
            let explainer = Explainer::new(&network, method).unwrap();
            explainer.explain(images(2, 64, &device), &[1, 3]).unwrap()
        };
        for (cam, hires) in by(Method::Cam).iter().zip(by(Method::HiResCam)) {
            let places = hires.values.len() as f32;
            let sums: Vec<f32> = hires.values.iter().map(|value| value * places).collect();
            assert!(largest_difference(cam, &sums) < 1e-5, "{architecture}");
            assert_eq!(cam.probability, hires.probability);
        }
    }
}

/// DenseNet has a normalisation between its last block and the pooling; CAM reads what comes out of it.
#[test]
fn cam_of_a_whole_network_reads_the_map_that_the_head_pools() {
    let device = cpu();
    for architecture in [Architecture::DenseNet121, Architecture::MobileNetV2] {
        let network = network(architecture, 0, &device);
        let weight = linear_weight(&network);
        let images = images(1, 64, &device);
        let pooled = network.forward_neck(network.forward_body(images.clone()));
        let [_, channels, height, width] = pooled.dims();
        let explainer = Explainer::new(&network, Method::Cam).unwrap();
        let pooled = values(pooled);
        let mut lit = 0;
        for class in 0..CLASSES {
            let map = &explainer.explain(images.clone(), &[class]).unwrap()[0];
            let weights = &weight[class * channels..][..channels];
            let sums = weighted_sum(&pooled, weights, height * width);
            assert!(
                largest_difference(map, &sums) < 1e-5,
                "{architecture} class {class}"
            );
            lit += usize::from(map.values.sum() > 0.0);
        }
        assert!(lit > 1, "{architecture}: hardly a map to compare");
    }
}

#[test]
fn cam_is_refused_where_it_does_not_exist() {
    let device = cpu();
    let hidden = network(Architecture::MobileNetV3Large, 0, &device);
    let message = Explainer::new(&hidden, Method::Cam)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("mobilenet_v3_large has no CAM"),
        "{message}"
    );
    let resnet = network(Architecture::ResNet18, 0, &device);
    let message = Explainer::new(&resnet, Method::Cam)
        .unwrap()
        .at_cut(1)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("resnet18 has no CAM at layer3"),
        "{message}"
    );
}

/// At the block where a cut would end, the map has that network's size; the networks differ, the sizes do not.
#[test]
fn a_map_inside_a_network_has_the_size_of_the_truncated_ones() {
    let device = cpu();
    let whole = network(Architecture::EfficientNetB0, 0, &device);
    for minus in 0..3 {
        let cut = network(Architecture::EfficientNetB0, minus, &device);
        let own = &grad_cam(&cut)
            .explain(images(1, 64, &device), &[0])
            .unwrap()[0];
        let explainer = grad_cam(&whole).at_cut(minus).unwrap();
        assert_eq!(explainer.block(), cut.spec().blocks().last().unwrap().name);
        let inside = &explainer.explain(images(1, 64, &device), &[0]).unwrap()[0];
        assert_eq!(inside.values.dim(), own.values.dim(), "minus{minus}");
    }
    let cut = network(Architecture::EfficientNetB0, 2, &device);
    let message = grad_cam(&cut).at_cut(1).unwrap_err().to_string();
    assert_eq!(
        message,
        "efficientnet_b0-minus2 ends before the last block of its minus1"
    );
    let message = grad_cam(&cut).at_block("stage9").unwrap_err().to_string();
    assert!(
        message.contains("stage9") && message.contains("stage1"),
        "{message}"
    );
}

/// The last block's Grad-CAM by one backward pass, and the same inside the network by finite differences of a channel.
#[test]
fn gradients_reach_an_inner_block_as_finite_differences_say() {
    let device = cpu();
    let network = network(Architecture::ResNet18, 0, &device);
    let images = images(1, 64, &device);
    let features = network.forward_features(images.clone());
    let inner = features[2].clone();
    let [_, channels, height, width] = inner.dims();
    let places = height * width;
    let step = 3e-3 * inner.clone().abs().mean().into_scalar::<f32>();
    let logits_with = |raise: f32| {
        let raise = Tensor::<2>::eye(channels, &device) * raise;
        let copies = inner.clone().repeat(&[channels, 1, 1, 1]);
        let copies = copies + raise.reshape([channels, channels, 1, 1]);
        let last = network.blocks()[3].forward(copies);
        network
            .forward_head(last)
            .into_data()
            .iter::<f32>()
            .collect::<Vec<_>>()
    };
    let (up, down) = (logits_with(step), logits_with(-step));
    let rows = grad_cam(&network)
        .at_cut(1)
        .unwrap()
        .explain_classes(images, &[0, 1, 2, 3, 4])
        .unwrap();
    let inner = values(inner);
    let mut lit = 0;
    for map in &rows[0] {
        let weights: Vec<f32> = (0..channels)
            .map(|channel| channel * CLASSES + map.class)
            .map(|at| (up[at] - down[at]) / (2.0 * step * places as f32))
            .collect();
        let difference = largest_difference(map, &weighted_sum(&inner, &weights, places));
        assert!(difference < 2e-2, "class {}: {difference}", map.class);
        lit += usize::from(map.values.sum() > 0.0);
    }
    assert!(lit > 1, "hardly a map to compare");
}

#[test]
fn eigen_cam_is_the_same_for_every_class_but_for_the_probability() {
    let device = cpu();
    let network = network(Architecture::ResNet18, 1, &device);
    let explainer = Explainer::new(&network, Method::EigenCam).unwrap();
    let rows = explainer
        .explain_classes(images(2, 64, &device), &[0, 4])
        .unwrap();
    for row in &rows {
        assert_eq!(row[0].values, row[1].values);
        assert!(row[0].values.sum() > 0.0 && row[0].class == 0 && row[1].class == 4);
        assert_ne!(row[0].probability, row[1].probability);
    }
    assert_ne!(rows[0][0].values, rows[1][0].values);
}

#[test]
fn a_grey_network_is_explained_by_grey_images() {
    let device = cpu();
    let rgb = network(Architecture::ResNet18, 2, &device);
    let grey = images(1, 32, &device).slice([0..1, 0..1]);
    let expected = grad_cam(&rgb)
        .explain(grey.clone().repeat(&[1, 3, 1, 1]), &[1])
        .unwrap();
    let found = grad_cam(&rgb.into_gray()).explain(grey, &[1]).unwrap();
    let sums: Vec<f32> = expected[0].values.iter().copied().collect();
    assert!(largest_difference(&found[0], &sums) < 1e-4);
}
