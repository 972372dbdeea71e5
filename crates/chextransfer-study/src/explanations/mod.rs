//! Where runs look: maps of images, of whole splits and of a run's worst mistakes, as sheets; and how well they find what
//! masks show.
//!
//! | room | what is in it |
//! | --- | --- |
//! | `column` | a run at a block: one column of a sheet |
//! | `subject` | an image to explain: its file, its name, its labels |
//! | `explainer` | [`RunExplainer`]: maps of subjects, averaged over a run's checkpoints |
//! | `sheets` | maps to panels and sheets |
//! | `chosen` | the surest findings and the worst mistakes, from a run's predictions |
//! | `masks` | the true places of findings, and [`RunExplainer::localize`] |

mod chosen;
mod column;
mod explainer;
mod masks;
mod sheets;
mod subject;

pub use chosen::{Mistake, explain_run};
pub use column::Place;
pub use explainer::{ExplainConfig, PictureFormat, RunExplainer};
pub use masks::MaskSource;
pub use subject::Subject;
