//! From a file to resized grey levels, through the cache where there is one.

use std::path::Path;

use crate::Result;
use crate::cache::Cache;
use crate::image::{GreyImage, Samples, decode_grey_bytes, read};
use crate::transform::{ImageRecipe, Resized, Scratch};

/// One thread's memory for reading image after image, so that none is reserved anew for each.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    file: Vec<u8>,
    entry: Vec<u8>,
    image: Option<GreyImage>,
    resize: Scratch,
}

impl Reader {
    /// The first half of the recipe: all that depends on no draw.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Image`] if the file cannot be used.
    pub(crate) fn resized<'a>(
        &'a mut self,
        path: &Path,
        recipe: &ImageRecipe,
        cache: Option<&Cache>,
    ) -> Result<Resized<'a>> {
        let Some(cache) = cache else {
            self.read(path)?;
            return self.decode(path, recipe);
        };
        let Some(key) = cache.key(path) else {
            self.read(path)?; // which says what is wrong with the file
            return self.decode(path, recipe);
        };
        if cache.load(&key, &mut self.entry) {
            if cache.is_trusted(&key) {
                return Ok(Cache::levels(&self.entry));
            }
            self.read(path)?;
            if cache.trust_if_made_from(&key, &self.entry, &self.file) {
                return Ok(Cache::levels(&self.entry));
            }
        } else {
            self.read(path)?;
        }
        let source = Cache::digest(&self.file);
        let resized = self.decode(path, recipe)?;
        cache.store(&key, &source, &resized);
        Ok(resized)
    }

    fn read(&mut self, path: &Path) -> Result<()> {
        read(path, &mut self.file)
    }

    fn decode<'a>(&'a mut self, path: &Path, recipe: &ImageRecipe) -> Result<Resized<'a>> {
        let spare = match self.image.take().map(GreyImage::into_samples) {
            Some(Samples::Bits8(samples)) => samples,
            _ => Vec::new(),
        };
        let image = decode_grey_bytes(path, &mut self.file, recipe.voi, spare)?;
        recipe.resized(self.image.insert(image), &mut self.resize)
    }
}
