//! IDX, the format of MNIST: two zero bytes, the type of the elements, the number of dimensions, each dimension as 4 bytes
//! (big-endian), then the elements.

use std::io::Read;

use super::open::unreadable;
use super::room::Room;
use super::times;
use crate::failure::Failure;

/// The type of unsigned bytes.
const BYTES: u8 = 0x08;

/// Bytes with a shape.
#[derive(Debug)]
pub struct Idx {
    /// Its dimensions, at least one.
    pub shape: Vec<usize>,
    /// Its elements, row-major.
    pub bytes: Vec<u8>,
}

/// Reads a whole file, if there is room for it. Memory is taken as bytes come, whatever the shape says.
pub fn read(mut reader: impl Read, name: &str, room: Room) -> Result<Idx, Failure> {
    let mut start = [0; 4];
    exactly(&mut reader, &mut start, name)?;
    let [_, _, element, dimensions] = start;
    if element != BYTES {
        return Err(Failure::Usage(format!(
            "{name} holds elements of type 0x{element:02x}: unsigned bytes, 0x{BYTES:02x}, are needed"
        )));
    }
    if dimensions == 0 {
        return Err(Failure::Usage(format!("{name} has 0 dimensions: at least one is needed")));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let mut dimension = [0; 4];
        exactly(&mut reader, &mut dimension, name)?;
        shape.push(u32::from_be_bytes(dimension) as usize);
    }
    let expected = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size as u64));
    let expected = expected.filter(|expected| *expected < u64::MAX);
    let Some(expected) = expected else {
        return Err(Failure::Usage(format!("{name} has the shape {}: no machine has so many bytes", times(&shape))));
    };
    room.check(expected, || format!("{name} has the shape {}", times(&shape)))?;
    let mut bytes = Vec::new();
    reader.take(expected.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 != expected {
        let found = if bytes.len() as u64 > expected { "more".to_owned() } else { format!("only {}", bytes.len()) };
        return Err(Failure::Usage(format!(
            "{name} has the shape {}, which is {expected} bytes, and there are {found}",
            times(&shape)
        )));
    }
    Ok(Idx { shape, bytes })
}

fn exactly(reader: &mut impl Read, to: &mut [u8], name: &str) -> Result<(), Failure> {
    reader.read_exact(to).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Failure::Usage(format!("{name} is cut off within its header")),
        _ => unreadable(name, &error),
    })
}
