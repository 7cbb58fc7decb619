//! Handlebars templates, each compiled once however often it is filled in.

use handlebars::Handlebars;
use serde::Serialize;

/// The one template of an engine of its own: engines differ in how they escape.
const NAME: &str = "text";

/// A compiled template.
#[derive(Debug, Clone)]
pub(crate) struct CompiledTemplate(Handlebars<'static>);

impl CompiledTemplate {
    /// Compiles a template; `escape` is applied to every value in two braces. The error says what is wrong with it.
    pub(crate) fn compile(text: &str, escape: fn(&str) -> String) -> Result<Self, String> {
        let mut engine = Handlebars::new();
        engine.register_escape_fn(escape);
        let compiled = engine.register_template_string(NAME, text);
        compiled.map_err(|error| error.to_string())?;
        Ok(Self(engine))
    }

    /// Compiles a template of the program's own.
    pub(crate) fn own(text: &str, escape: fn(&str) -> String) -> Self {
        Self::compile(text, escape).expect("impossible: the program's templates are tested")
    }

    /// Fills it in. The error says why that cannot be done, as with a helper that does not exist.
    pub(crate) fn fill(&self, data: &impl Serialize) -> Result<String, String> {
        let filled = self.0.render(NAME, data);
        filled.map_err(|error| error.to_string())
    }
}
