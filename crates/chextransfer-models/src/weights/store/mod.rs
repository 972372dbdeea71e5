//! Checkpoint files on this machine: where they are looked for, and how they are verified.

mod cache;
mod elsewhere;
mod first_use;
mod locate;
mod located;

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(feature = "download")]
pub(super) use cache::trouble;
#[cfg(feature = "download")]
pub(super) use elsewhere::HUB;
#[cfg(feature = "download")]
pub(super) use first_use::Expectation;

pub use cache::CacheEntry;
pub use located::{Located, Origin, Rejected};

#[cfg(feature = "download")]
use super::Transfer;
use crate::{Error, Result};

/// The places of checkpoint files.
///
/// | variable | what it names | without it |
/// | --- | --- | --- |
/// | `CHEXTRANSFER_WEIGHTS` | our own cache, a folder | `chextransfer/weights` in the user's cache folder |
/// | `HF_HUB_CACHE` | the Hugging Face cache | `hub` in `HF_HOME` |
/// | `HF_HOME` | the Hugging Face folder | `huggingface` in `XDG_CACHE_HOME`, else in `~/.cache` |
/// | `TORCH_HOME` | torch's folder; files lie in its `hub/checkpoints` | `torch` in `XDG_CACHE_HOME`, else in `~/.cache` |
/// | `HF_HUB_OFFLINE` | `1`, `true`, `yes` or `on`: never open a socket | sockets are for `fetch` alone |
/// | `HF_ENDPOINT` | what stands in for `https://huggingface.co` | the hub itself |
/// | `HF_TOKEN` | what the hub, and only the hub, is told to let us in | nothing |
/// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | a proxy, and the hosts that do without | direct connections |
///
/// Our cache is laid out as
///
/// ```text
/// sha256/<64 digits>/<file>     a verified checkpoint; the path says what the content must be
/// first-use/<id>.toml           digest of the first use of a row that has no whole digest
/// downloads/<64 digits>.part    what has arrived of a download, named by its address; beside it
///                               .etag, the server's name for that content, and .lock
/// ```
///
/// ```
/// use chextransfer_models::weights::{Manifest, WeightStore};
///
/// let manifest = Manifest::carried()?;
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let store = WeightStore::at(folder); // or, as the program does, WeightStore::from_environment()?
/// match store.locate(manifest.find("densenet121")?)? {
///     Some(located) => println!("{located}"), // verified; where it was found, path, digest
///     None => println!("not on this machine"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WeightStore {
    /// Our own cache; made when the first file arrives.
    pub cache: PathBuf,
    /// Folders of the caller with files named `<id>/<file>`, `<id>.<extension>` or `<file>`.
    pub folders: Vec<PathBuf>,
    /// The Hugging Face cache, the folder with `models--ORG--NAME`.
    pub hugging_face: Option<PathBuf>,
    /// The torch hub cache, the folder with the files.
    pub torch_hub: Option<PathBuf>,
    /// Never open a socket.
    pub offline: bool,
    /// How files are fetched.
    #[cfg(feature = "download")]
    pub transfer: Transfer,
}

impl WeightStore {
    /// A cache in this folder and no other place; nothing is taken from the environment.
    pub fn at(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            folders: Vec::new(),
            hugging_face: None,
            torch_hub: None,
            offline: false,
            #[cfg(feature = "download")]
            transfer: Transfer::default(),
        }
    }

    /// The places that the environment names, see the table at [`WeightStore`].
    ///
    /// # Errors
    /// [`Error::WeightsCache`] when nothing says where the user's cache folder is.
    pub fn from_environment() -> Result<Self> {
        let variable = |name: &str| std::env::var_os(name);
        Self::from_variables(&variable, dirs::cache_dir(), dirs::home_dir())
    }

    fn from_variables(
        variable: &dyn Fn(&str) -> Option<OsString>,
        user_cache: Option<PathBuf>,
        home: Option<PathBuf>,
    ) -> Result<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = |name: &str| variable(name).map(PathBuf::from);
        let cache = folder("CHEXTRANSFER_WEIGHTS")
            .or_else(|| Some(user_cache?.join("chextransfer").join("weights")))
            .ok_or_else(|| Error::WeightsCache {
                path: PathBuf::from("chextransfer/weights"),
                reason: "this user has no cache folder; let CHEXTRANSFER_WEIGHTS name one".into(),
            })?;
        let shared = folder("XDG_CACHE_HOME").or_else(|| Some(home?.join(".cache")));
        let shared = |name: &str| shared.as_ref().map(|cache| cache.join(name));
        let hugging_face = folder("HF_HUB_CACHE").or_else(|| {
            let home = folder("HF_HOME").or_else(|| shared("huggingface"))?;
            Some(home.join("hub"))
        });
        let torch = folder("TORCH_HOME").or_else(|| shared("torch"));
        let offline = variable("HF_HUB_OFFLINE").is_some_and(|value| {
            let value = value.to_string_lossy().to_lowercase();
            ["1", "true", "yes", "on"].contains(&value.as_str())
        });
        Ok(Self {
            hugging_face,
            torch_hub: torch.map(|torch| torch.join("hub").join("checkpoints")),
            offline,
            #[cfg(feature = "download")]
            transfer: Transfer::from_variables(&variable),
            ..Self::at(cache)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn store(variables: &[(&str, &str)]) -> WeightStore {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let home = Some(PathBuf::from("home"));
        WeightStore::from_variables(&variable, Some(PathBuf::from("user-cache")), home).unwrap()
    }

    fn places(store: &WeightStore) -> [String; 3] {
        let slashes = |path: &PathBuf| path.to_string_lossy().replace('\\', "/");
        [
            slashes(&store.cache),
            slashes(store.hugging_face.as_ref().unwrap()),
            slashes(store.torch_hub.as_ref().unwrap()),
        ]
    }

    #[test]
    fn every_place_follows_its_variable_and_an_empty_one_counts_as_none() {
        let defaults = [
            "user-cache/chextransfer/weights",
            "home/.cache/huggingface/hub",
            "home/.cache/torch/hub/checkpoints",
        ];
        assert_eq!(places(&store(&[])), defaults);
        assert_eq!(
            places(&store(&[("HF_HOME", ""), ("TORCH_HOME", "")])),
            defaults
        );
        let xdg = places(&store(&[("XDG_CACHE_HOME", "xdg")]));
        assert_eq!(
            xdg[1..],
            ["xdg/huggingface/hub", "xdg/torch/hub/checkpoints"]
        );
        let moved = store(&[
            ("CHEXTRANSFER_WEIGHTS", "ours"),
            ("HF_HOME", "hf"),
            ("TORCH_HOME", "torch"),
        ]);
        assert_eq!(places(&moved), ["ours", "hf/hub", "torch/hub/checkpoints"]);
        let hub = store(&[("HF_HOME", "hf"), ("HF_HUB_CACHE", "hub-cache")]);
        assert_eq!(places(&hub)[1], "hub-cache");
    }

    #[test]
    fn offline_is_what_the_hub_s_own_client_takes_for_true() {
        for (value, offline) in [("1", true), ("TRUE", true), ("on", true), ("0", false)] {
            assert_eq!(
                store(&[("HF_HUB_OFFLINE", value)]).offline,
                offline,
                "{value}"
            );
        }
        assert!(!store(&[]).offline);
    }

    #[cfg(feature = "download")]
    #[test]
    fn the_hub_s_address_and_token_come_from_the_environment_and_the_token_is_never_printed() {
        let store = store(&[
            ("HF_ENDPOINT", "https://mirror.example/"),
            ("HF_TOKEN", "hf_secret"),
        ]);
        assert_eq!(store.transfer.endpoint, "https://mirror.example");
        assert!(store.transfer.token.is_some());
        assert!(!format!("{store:?}").contains("secret"));
    }
}
