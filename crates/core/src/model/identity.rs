//! What a field of a pair stands for in both services.

use super::FieldKey;

/// The two fields that a field of a pair stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// UUID of a custom field in ClickUp, or the key of a built-in one.
    pub clickup: String,
    /// Reference names in Azure DevOps, with commas in between; empty: not known.
    pub ado: String,
    /// What its values are counted in, where the configuration says that: `1/100`, `time`; empty: nothing is said.
    pub unit: String,
}

impl Identity {
    /// Whether these are the same two fields. The services do not tell names apart by case.
    pub fn is(&self, other: &Identity) -> bool {
        self.clickup.eq_ignore_ascii_case(&other.clickup)
            && self.ado.eq_ignore_ascii_case(&other.ado)
            && self.unit == other.unit
    }
}

/// What becomes of the bases of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// They are put aside: the field stands for others by now.
    Park {
        /// The field.
        field: FieldKey,
        /// What it stood for.
        was: Identity,
    },
    /// Everything that is known of a field goes on under another name.
    Rename {
        /// Its name before.
        from: FieldKey,
        /// Its name now.
        to: FieldKey,
    },
    /// What was put aside comes back.
    Unpark {
        /// The field.
        field: FieldKey,
        /// What it stands for again.
        is: Identity,
    },
}
