//! IDX, the format of MNIST: two zero bytes, the type of the elements, the number of dimensions, each dimension as 4 bytes (big-endian), then
//! the elements.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arrays::{Array, ArrayRows, Element, Kind, Shape, times};
use super::dialect::{Dialect, Format};
use super::open::{FileKind, Opened, open, unreadable};
use super::options::ReadOptions;
use crate::error::TableError;

/// The column of what is in the file.
const IMAGE: &str = "image";
/// The column of what is in the file of labels.
const LABEL: &str = "label";

/// Opens images, and the labels that belong to them; or labels alone. `path` is where labels are looked for.
pub fn read<'a>(opened: Opened<'a>, path: Option<&Path>, options: &ReadOptions) -> Result<ArrayRows<'a>, TableError> {
    let Opened { name, compression, mut reader, .. } = opened;
    options.check_for_numbers(&name, "an IDX file")?;
    let shape = header(&mut reader, &name)?;
    let dialect = Dialect::of(Format::Idx, compression, true);
    let missing = Arc::new(options.missing.clone());
    if shape.sizes.len() == 1 && options.labels.is_none() {
        let labels = Array::new(&name, shape, Box::new(reader), ["", LABEL], "element", false)?;
        return Ok(ArrayRows::new(name, vec![labels], dialect, missing, "element"));
    }
    if shape.sizes.len() < 2 {
        return Err(TableError::Content(format!(
            "{name} has the shape {}: images have at least two dimensions",
            times(&shape.sizes)
        )));
    }
    let count = shape.sizes[0];
    let images = Array::new(&name, shape, Box::new(reader), ["", IMAGE], "image", true)?;
    let mut arrays = vec![images];
    if let Some(labels) = options.labels.clone().or_else(|| beside(path?)) {
        arrays.push(labels_of(&labels, &name, count)?);
    }
    Ok(ArrayRows::new(name, arrays, dialect, missing, "image"))
}

/// The file of labels that is beside a file of images.
fn beside(images: &Path) -> Option<PathBuf> {
    let file = images.file_name()?.to_str()?;
    let beside = images.with_file_name(file.replace("images", "labels").replace("idx3", "idx1"));
    // A pipe that happens to have this name would be waited for.
    (beside != *images && beside.is_file()).then_some(beside)
}

/// The labels of so many images.
fn labels_of(path: &Path, images: &str, count: usize) -> Result<Array<'static>, TableError> {
    let Opened { name: file, kind, mut reader, watched, .. } = open(path)?;
    if kind != FileKind::Idx {
        return Err(TableError::Content(format!("{file} is no IDX file: the labels of {images} are needed")));
    }
    let shape = header(&mut reader, &file)?;
    if shape.sizes != [count] {
        return Err(TableError::Content(format!(
            "{file} has the shape {}: {count} labels are needed, one for each image of {images}",
            times(&shape.sizes)
        )));
    }
    let labels = Array::new(&file, shape, Box::new(reader), ["", LABEL], "label", false)?.into_memory()?;
    watched.map_or(Ok(()), |watched| watched.check())?;
    Ok(labels)
}

fn header(reader: &mut impl Read, name: &str) -> Result<Shape, TableError> {
    let mut start = [0; 4];
    exactly(reader, &mut start, name)?;
    let [_, _, element, dimensions] = start;
    let (kind, size) = match element {
        0x08 => (Kind::Unsigned, 1),
        0x09 => (Kind::Signed, 1),
        0x0b => (Kind::Signed, 2),
        0x0c => (Kind::Signed, 4),
        0x0d => (Kind::Float, 4),
        0x0e => (Kind::Float, 8),
        _ => {
            return Err(TableError::Content(format!(
                "{name} holds elements of type 0x{element:02x}: IDX has 0x08 (unsigned bytes), 0x09, 0x0b, 0x0c (signed, of 1, 2 and 4 bytes), \
                 0x0d and 0x0e (floating-point, of 4 and 8 bytes)"
            )));
        }
    };
    if dimensions == 0 {
        return Err(TableError::Content(format!("{name} has 0 dimensions: at least one is needed")));
    }
    let mut sizes = Vec::new();
    for _ in 0..dimensions {
        let mut dimension = [0; 4];
        exactly(reader, &mut dimension, name)?;
        sizes.push(u32::from_be_bytes(dimension) as usize);
    }
    Ok(Shape { sizes, element: Element { kind, size, big_endian: true }, fortran: false })
}

/// A part of a header.
pub fn exactly(reader: &mut impl Read, to: &mut [u8], name: &str) -> Result<(), TableError> {
    reader.read_exact(to).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => TableError::Content(format!("{name} is cut off within its header")),
        _ => unreadable(name, error),
    })
}
