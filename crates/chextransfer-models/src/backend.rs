//! Burn's backends as far as they are compiled in.

use std::panic::catch_unwind;

use burn::tensor::Device;
#[cfg(any(feature = "cuda", feature = "rocm", feature = "wgpu"))]
use burn::{
    backend::{CubeDevice, DispatchDevice, WgpuDevice, WgpuDeviceKind},
    tensor::DeviceType,
};

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Cpu,
    Cuda,
    Rocm,
    Vulkan,
    Metal,
    Wgpu,
}

impl Backend {
    pub(crate) const ALL: [Self; 6] = [
        Self::Cpu,
        Self::Cuda,
        Self::Rocm,
        Self::Vulkan,
        Self::Metal,
        Self::Wgpu,
    ];

    /// As a user names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Wgpu => "wgpu",
        }
    }

    /// The cargo feature that compiles it in.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Cpu => "flex",
            other => other.name(),
        }
    }

    pub(crate) fn is_built(self) -> bool {
        match self {
            Self::Cpu => cfg!(feature = "flex"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Wgpu => cfg!(feature = "wgpu"),
        }
    }

    /// Its devices on this machine, cards before renderers in software; none where its driver does not load.
    pub(crate) fn devices(self) -> Vec<Device> {
        // Some runtimes panic where a driver is there but broken.
        let mut devices = catch_unwind(|| self.enumerate()).unwrap_or_default();
        devices.sort_by_key(|device| self.is_software(device));
        devices
    }

    fn enumerate(self) -> Vec<Device> {
        match self {
            #[cfg(feature = "flex")]
            Self::Cpu => vec![Device::flex()],
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::enumerate(DeviceType::Cuda).into_vec(),
            #[cfg(feature = "rocm")]
            Self::Rocm => Device::enumerate(DeviceType::Rocm).into_vec(),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Device::enumerate(DeviceType::Vulkan).into_vec(),
            #[cfg(feature = "metal")]
            Self::Metal => Device::enumerate(DeviceType::Metal).into_vec(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::enumerate(DeviceType::Wgpu).into_vec(),
            #[allow(unreachable_patterns)]
            _ => Vec::new(),
        }
    }

    /// Whether this graphics adapter is a program on the processor.
    #[cfg_attr(
        not(any(feature = "cuda", feature = "rocm", feature = "wgpu")),
        allow(unused_variables)
    )]
    pub(crate) fn is_software(self, device: &Device) -> bool {
        #[cfg(any(feature = "cuda", feature = "rocm", feature = "wgpu"))]
        if let DispatchDevice::Cube(CubeDevice::Wgpu(WgpuDevice { kind, .. })) =
            device.as_dispatch()
        {
            return *kind == WgpuDeviceKind::Cpu;
        }
        false
    }

    /// What one of its devices calls itself.
    #[cfg_attr(
        not(any(feature = "cuda", feature = "rocm", feature = "wgpu")),
        allow(unused_variables)
    )]
    pub(crate) fn name_of(self, device: &Device) -> String {
        #[cfg(any(feature = "cuda", feature = "rocm", feature = "wgpu"))]
        if self != Self::Cpu {
            let identity = catch_unwind(std::panic::AssertUnwindSafe(|| device.identity()));
            return match identity {
                Ok(Some(identity)) => identity.name,
                Ok(None) => "a device without a name".to_owned(),
                Err(_) => "cannot be opened".to_owned(),
            };
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        format!("the processor, {threads} threads")
    }
}
