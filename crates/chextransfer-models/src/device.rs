//! Which device to compute on, by name.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use crate::backend::Backend;
use crate::{Error, Result};

/// A device that a user can ask for. Nothing falls back: what is asked for is used, or is an error.
///
/// A graphics interface may offer a renderer in software beside the cards, or alone. It computes on the processor, so
/// it is used only where it is asked for by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceChoice {
    /// `cpu`: Burn's pure-Rust CPU backend (cargo feature `flex`).
    Cpu,
    /// `cuda` or `cuda:N`: the N-th NVIDIA card (cargo feature `cuda`).
    Cuda(usize),
    /// `rocm` or `rocm:N`: the N-th AMD card (cargo feature `rocm`).
    Rocm(usize),
    /// `vulkan`, the first card, or `vulkan:N`, the N-th adapter of Vulkan, with its own shader language (cargo feature
    /// `vulkan`).
    Vulkan(Option<usize>),
    /// `metal` or `metal:N`, the same for Apple's interface (cargo feature `metal`).
    Metal(Option<usize>),
    /// `wgpu` or `wgpu:N`, the same for the platform's own interface (cargo feature `wgpu`).
    Wgpu(Option<usize>),
}

/// A device that this build can use and this machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDevice {
    /// Its name for [`DeviceChoice::from_str`].
    pub choice: DeviceChoice,
    /// What it calls itself.
    pub name: String,
    /// Whether it is a graphics adapter that computes on the processor.
    pub software: bool,
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::DeviceNotBuilt`] when this build lacks the feature, [`Error::DeviceNotFound`] when
    /// this machine has no such device.
    pub fn open(self) -> Result<Device> {
        let (backend, index) = self.parts();
        if !backend.is_built() {
            return Err(Error::DeviceNotBuilt {
                device: self.to_string(),
                feature: backend.feature(),
                has: Self::built().join(", "),
            });
        }
        let mut devices = backend.devices();
        let place = match index {
            Some(index) => (index < devices.len()).then_some(index),
            None => devices
                .iter()
                .position(|device| !backend.is_software(device)),
        };
        match place {
            Some(place) => Ok(devices.swap_remove(place)),
            None => Err(Error::DeviceNotFound {
                device: self.to_string(),
                found: Self::found_in_words(),
            }),
        }
    }

    /// The device features of this build, by cargo's names.
    pub fn built() -> Vec<&'static str> {
        let built = Backend::ALL
            .into_iter()
            .filter(|backend| backend.is_built());
        built.map(Backend::feature).collect()
    }

    /// The device features that this build lacks, by cargo's names.
    pub fn not_built() -> Vec<&'static str> {
        let lacking = Backend::ALL
            .into_iter()
            .filter(|backend| !backend.is_built());
        lacking.map(Backend::feature).collect()
    }

    /// Every device that this build can use and this machine has, cards before renderers in software. Opens them all.
    pub fn found() -> Vec<FoundDevice> {
        let of_backend = |backend: Backend| {
            let devices = backend.devices().into_iter().enumerate();
            devices.map(move |(index, device)| FoundDevice {
                choice: Self::from_parts(backend, Some(index)),
                name: backend.name_of(&device),
                software: backend.is_software(&device),
            })
        };
        Backend::ALL.into_iter().flat_map(of_backend).collect()
    }

    fn found_in_words() -> String {
        let found = Self::found();
        let words: Vec<_> = found.iter().map(ToString::to_string).collect();
        match words[..] {
            [] => "none found".to_owned(),
            _ => words.join(", "),
        }
    }

    fn parts(self) -> (Backend, Option<usize>) {
        match self {
            Self::Cpu => (Backend::Cpu, None),
            Self::Cuda(index) => (Backend::Cuda, Some(index)),
            Self::Rocm(index) => (Backend::Rocm, Some(index)),
            Self::Vulkan(index) => (Backend::Vulkan, index),
            Self::Metal(index) => (Backend::Metal, index),
            Self::Wgpu(index) => (Backend::Wgpu, index),
        }
    }

    fn from_parts(backend: Backend, index: Option<usize>) -> Self {
        match backend {
            Backend::Cpu => Self::Cpu,
            Backend::Cuda => Self::Cuda(index.unwrap_or_default()),
            Backend::Rocm => Self::Rocm(index.unwrap_or_default()),
            Backend::Vulkan => Self::Vulkan(index),
            Backend::Metal => Self::Metal(index),
            Backend::Wgpu => Self::Wgpu(index),
        }
    }
}

impl fmt::Display for FoundDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.choice, self.name)?;
        if self.software {
            f.write_str(", a renderer in software")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (backend, index) = self.parts();
        f.write_str(backend.name())?;
        match index {
            Some(index) => write!(f, ":{index}"),
            None => Ok(()),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownDevice {
            name: name.to_owned(),
        };
        let (backend, index) = match name.split_once(':') {
            None => (name, None),
            Some((backend, index)) => (backend, Some(index.parse().map_err(|_| unknown())?)),
        };
        let backend = Backend::ALL
            .into_iter()
            .find(|known| known.name() == backend);
        match (backend, index) {
            (Some(Backend::Cpu), Some(_)) | (None, _) => Err(unknown()),
            (Some(backend), index) => Ok(Self::from_parts(backend, index)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in [
            "cpu", "cuda:0", "cuda:3", "rocm:1", "vulkan", "vulkan:0", "metal", "metal:2", "wgpu",
            "wgpu:1",
        ] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!(
            "cuda".parse::<DeviceChoice>().unwrap(),
            DeviceChoice::Cuda(0)
        );
        for name in ["gpu", "cuda:", "cuda:x", "cpu:0", "vulkan:-1", ""] {
            let message = name.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(
                message.contains("expected cpu, cuda[:N], rocm[:N], vulkan[:N]"),
                "{message}"
            );
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_was_not_built_in_is_an_error_that_names_the_feature() {
        let message = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(message.contains("cargo feature `cuda`"), "{message}");
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_processor_is_among_the_devices_found_and_every_one_found_opens() {
        let found = DeviceChoice::found();
        assert_eq!(found[0].choice, DeviceChoice::Cpu);
        for device in &found {
            device.choice.open().unwrap();
        }
        let (built, lacking) = (DeviceChoice::built(), DeviceChoice::not_built());
        assert!(built.contains(&"flex") && !lacking.contains(&"flex"));
        assert_eq!(built.len() + lacking.len(), Backend::ALL.len());
    }

    #[cfg(feature = "wgpu")]
    #[test]
    fn a_device_that_is_not_there_is_an_error_that_lists_what_is() {
        let message = DeviceChoice::Wgpu(Some(99)).open().unwrap_err().to_string();
        assert!(
            message.contains("`wgpu:99` is not there; found: cpu ("),
            "{message}"
        );
    }
}
