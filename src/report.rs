//! How plans, matrices and catalogs read: as text for terminals and as Markdown for pull requests. Values in, texts out.

pub(crate) mod markdown;
pub(crate) mod sarif;
pub(crate) mod terminal;
pub(crate) mod text;
pub(crate) use crate::version::compact;
