//! Memory that a file asks for: more than there is is an error, not an abort.

use crate::error::DataError;

/// Room for so many more.
pub fn reserve<A>(to: &mut Vec<A>, more: usize) -> Result<(), DataError> {
    to.try_reserve(more).map_err(|_| no_memory(to.len().saturating_add(more).saturating_mul(size_of::<A>())))
}

/// Room for a text of so many bytes more.
pub fn reserve_text(to: &mut String, more: usize) -> Result<(), DataError> {
    to.try_reserve(more).map_err(|_| no_memory(to.len().saturating_add(more)))
}

fn no_memory(bytes: usize) -> DataError {
    DataError::Memory { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_no_machine_has_is_an_error() {
        let refused = reserve(&mut Vec::<f64>::new(), usize::MAX / 4).unwrap_err().to_string();
        assert!(refused.contains("could not allocate") && refused.contains("bytes"), "{refused}");
    }
}
