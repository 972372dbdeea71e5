//! Which device to compute on, by name.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use crate::{Error, Result};

/// A device that a user can ask for. Nothing falls back: what is asked for is used, or is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceChoice {
    /// `cpu`: Burn's pure-Rust CPU backend (cargo feature `flex`).
    Cpu,
    /// `cuda` or `cuda:N`: the N-th NVIDIA card (cargo feature `cuda`).
    Cuda(usize),
    /// `wgpu`: the default adapter of the platform's graphics API (cargo feature `wgpu`).
    Wgpu,
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::DeviceNotBuilt`] when this build lacks the feature, [`Error::DeviceNotFound`] when
    /// this machine has no such device.
    pub fn open(self) -> Result<Device> {
        match self {
            #[cfg(feature = "flex")]
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => {
                let found = self.enumerate(burn::tensor::DeviceType::Cuda)?;
                if index >= found {
                    return Err(self.not_found(format!("{found} CUDA devices found")));
                }
                Ok(Device::cuda(index))
            }
            #[cfg(feature = "wgpu")]
            Self::Wgpu => {
                if self.enumerate(burn::tensor::DeviceType::Wgpu)? == 0 {
                    return Err(self.not_found("no graphics adapter found".to_owned()));
                }
                Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice))
            }
            #[allow(unreachable_patterns)]
            _ => Err(Error::DeviceNotBuilt {
                device: self.to_string(),
                feature: self.feature(),
                has: Self::built().join(", "),
            }),
        }
    }

    /// The device features of this build, by cargo's names.
    pub fn built() -> Vec<&'static str> {
        [
            ("flex", cfg!(feature = "flex")),
            ("wgpu", cfg!(feature = "wgpu")),
            ("cuda", cfg!(feature = "cuda")),
        ]
        .into_iter()
        .filter_map(|(name, built)| built.then_some(name))
        .collect()
    }

    fn feature(self) -> &'static str {
        match self {
            Self::Cpu => "flex",
            Self::Cuda(_) => "cuda",
            Self::Wgpu => "wgpu",
        }
    }

    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    fn enumerate(self, kind: burn::tensor::DeviceType) -> Result<usize> {
        // Without a driver the runtime panics instead of reporting no device.
        std::panic::catch_unwind(|| Device::enumerate(kind).into_vec().len())
            .map_err(|_| self.not_found("its driver could not be loaded".to_owned()))
    }

    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    fn not_found(self, found: String) -> Error {
        Error::DeviceNotFound {
            device: self.to_string(),
            found,
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Wgpu => f.write_str("wgpu"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name.split_once(':') {
            None if name == "cpu" => Some(Self::Cpu),
            None if name == "cuda" => Some(Self::Cuda(0)),
            None if name == "wgpu" => Some(Self::Wgpu),
            Some(("cuda", index)) => index.parse().ok().map(Self::Cuda),
            _ => None,
        }
        .ok_or_else(|| Error::UnknownDevice {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["cpu", "cuda:0", "cuda:3", "wgpu"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!(
            "cuda".parse::<DeviceChoice>().unwrap(),
            DeviceChoice::Cuda(0)
        );
        for name in ["gpu", "cuda:", "cuda:x", "cpu:0", ""] {
            let message = name.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(message.contains("expected cpu, cuda, cuda:N or wgpu"));
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_was_not_built_in_is_an_error_that_names_the_feature() {
        let message = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(message.contains("cargo feature `cuda`"), "{message}");
    }
}
