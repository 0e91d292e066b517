//! Memory that may be asked for in sizes that a person typed: an error, where `vec!` would end the program.

use nxm_kernels::{Element, Memory};

use crate::error::NetError;

/// Bytes of rows × cols elements, if this machine can address them.
pub(crate) fn bytes<T: Element>(what: &'static str, rows: usize, cols: usize) -> Result<usize, NetError> {
    let bytes = rows.checked_mul(cols).and_then(|len| len.checked_mul(size_of::<T>()));
    bytes.filter(|&bytes| isize::try_from(bytes).is_ok()).ok_or(NetError::TooLarge { what, rows, cols })
}

/// rows × cols zeros.
pub(crate) fn zeros<T: Element>(what: &'static str, rows: usize, cols: usize) -> Result<Vec<T>, NetError> {
    let bytes = bytes::<T>(what, rows, cols)?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(rows * cols).map_err(|_| NetError::OutOfMemory { what, bytes })?;
    buffer.resize(rows * cols, T::ZERO);
    Ok(buffer)
}

/// `len` zeros that begin at a cache line.
pub(crate) fn memory<T: Element>(what: &'static str, len: usize) -> Result<Memory<T>, NetError> {
    let bytes = bytes::<T>(what, 1, len)?;
    Memory::zeros(len).ok_or(NetError::OutOfMemory { what, bytes })
}
