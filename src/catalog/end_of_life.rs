//! The end-of-life days the project knows by itself, from the table beside this file.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::version::Minor;

/// Returns the last day of upstream support per minor, as the project's own table has it.
///
/// # Panics
/// Never: a test reads the table.
pub(crate) fn known_end_of_life() -> BTreeMap<Minor, Date> {
    serde_yaml::from_str(include_str!("end_of_life.yaml"))
        .expect("the table is part of the program and tested")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_minors_end_later() {
        let days: Vec<Date> = known_end_of_life().into_values().collect();
        assert!(days.len() >= 12 && days.is_sorted(), "{days:?}");
    }
}
