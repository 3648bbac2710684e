//! Who may write an output. Stands on plugin and output, and the lower holds.

/// Ordered from the least to the most a plugin may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Only an operator writes.
    Manual,
    /// Proposals are judged and shown, never applied. What is left unsaid is this.
    #[default]
    Shadow,
    /// Proposals wait for an operator's yes.
    Advise,
    /// Accepted proposals are applied.
    Auto,
}

impl Mode {
    /// In the configuration, messages and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Manual => "manual",
            Mode::Shadow => "shadow",
            Mode::Advise => "advise",
            Mode::Auto => "auto",
        }
    }
}
