//! One file a family: the paper's table on top as typed rows, then its lowering to blocks.

pub(crate) mod densenet;
pub(crate) mod efficientnet;
mod inception_branch;
pub(crate) mod inception_v3;
pub(crate) mod inception_v4;
mod inverted_residuals;
pub(crate) mod mnasnet;
pub(crate) mod mobilenet_v2;
pub(crate) mod mobilenet_v3;
pub(crate) mod resnet;
