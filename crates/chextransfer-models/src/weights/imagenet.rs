//! The names of ImageNet's classes.

/// The 1000 classes of ImageNet-1k in the order of every checkpoint's logits (ILSVRC 2012, WordNet
/// ids ascending), each by a short English name.
pub fn imagenet_classes() -> impl ExactSizeIterator<Item = &'static str> {
    let names: Vec<_> = include_str!("imagenet_classes.txt").lines().collect();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_a_thousand_in_the_order_of_wordnet() {
        let names: Vec<_> = imagenet_classes().collect();
        assert_eq!(names.len(), 1000);
        assert_eq!(
            (names[0], names[281], names[999]),
            ("tench", "tabby", "toilet tissue")
        );
    }
}
