//! How plans, matrices and catalogs read: as text for terminals and as Markdown for pull requests. Values in, texts out.

pub mod markdown;
pub mod sarif;
pub mod terminal;
pub mod text;
pub(crate) use crate::version::compact;
