//! One file a family: the paper's table on top as typed rows, then its lowering to blocks.

pub(crate) mod densenet;
pub(crate) mod mobilenet_v2;
pub(crate) mod resnet;
